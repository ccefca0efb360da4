"""One call to a server that does what we tell it: what every mishap means, and how often a password is sent."""

import asyncio
import gzip
import ssl
import time
import warnings

import pytest

from app.calendar import Notify, Timed
from app.providers.base import (
    AmbiguousOutcome,
    AuthExpired,
    CalendarGone,
    CursorExpired,
    EditConflict,
    InvalidRequest,
    Misconfigured,
    PermissionDenied,
    ProtocolError,
    QuotaExceeded,
    RateLimited,
    ReauthRequired,
    Transient,
    UnreadableEvent,
    Unsupported,
)
from app.providers.ews import route
from app.providers.ews.addresses import Endpoint
from app.providers.ews.login import Login, Scheme
from sandbox.exchange.tls import ensure_certificates
from tests.providers.ews.scripted_tls import (
    answer,
    calendar_item,
    challenge,
    cut_after,
    fault,
    hang_up,
    refused,
    response,
    scripted_tls,
)
from tests.providers.ews.stage import exchange_provider
from tests.providers.ews.test_ews_wire import SINCE, at, created
from tests.providers.tokens import Tokens

PAGE = response(
    "SyncFolderItems",
    "<m:SyncState>s1</m:SyncState><m:IncludesLastItemInRange>true</m:IncludesLastItemInRange>"
    f"<m:Changes>{created('a')}</m:Changes>",
)
LOGIN_PAGE = "<!DOCTYPE html><html><body><form>Sign in</form></body></html>"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return ensure_certificates(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def server(certificates):
    with scripted_tls(certificates) as server:
        yield server
        assert not server.script, "a test that leaves answers unused has not done what it says"


@pytest.fixture
async def provider():
    async with exchange_provider(timeout_seconds=1) as provider:
        yield provider


def login(server, **changes):
    typed = {
        "url": server.url,
        "username": "ada",
        "password": "secret",
        "email": "ada@example.com",
        "version": "14.2",
        "scheme": Scheme.BASIC,
        "certificate": server.certificates.authority.read_text(),
    }
    return Login(**{**typed, **changes})


@pytest.fixture
def session(server, provider):
    return provider.open(Tokens(login(server).secret()))


async def read(session):
    return await session.sync_page("calendar", cursor=None, page=None, since=SINCE)


async def write(session):
    await session.cancel_event("calendar", "item", notify=Notify.NOBODY)


async def test_an_event_that_stands_and_cannot_be_read_is_not_gone(session, server):
    standing, cancelled = (calendar_item(Start="soon", IsCancelled=told) for told in ("false", "true"))
    server.script += [
        answer(response("GetItem", *[f"<m:Items>{item}</m:Items>"] * 2)) for item in (standing, cancelled)
    ]
    with pytest.raises(UnreadableEvent):
        await session.get_event("calendar", "item")
    assert await session.get_event("calendar", "item") is None


# the shape of an exchange ----------------------------------------------------------------------------------------


async def test_a_request_is_soap_of_2010_with_the_password_once(session, server):
    server.script.append(answer(PAGE))
    assert len((await read(session)).changes) == 1
    (seen,) = server.seen
    assert (seen.path, seen.headers["content-type"]) == ("/EWS/Exchange.asmx", "text/xml; charset=utf-8")
    assert seen.headers["authorization"] == "Basic YWRhOnNlY3JldA=="
    assert b'RequestServerVersion Version="Exchange2010_SP2"' in seen.body


async def test_a_connection_is_used_again_and_not_once_the_server_has_hung_up(session, server):
    server.script.extend([answer(PAGE), answer(PAGE)])
    await read(session)
    await read(session)
    assert server.connections == 1

    def say_and_leave(secured):
        answer(PAGE)(secured)
        hang_up(secured)

    server.script.extend([say_and_leave, answer(PAGE)])
    await read(session)
    await asyncio.sleep(0.05)
    await read(session)
    assert server.connections == 2, "found out before a request was entrusted to it"


async def test_a_packed_answer_is_unpacked(session, server):
    server.script.append(answer(gzip.compress(PAGE.encode()), Content_Encoding="gzip"))
    assert len((await read(session)).changes) == 1


async def test_sockets_do_not_grow_with_mailboxes(server, provider):
    provider._lines._idle_max = 3
    for number in range(8):
        server.script.append(answer(PAGE))
        await read(provider.open(Tokens(login(server, username=f"user{number}").secret())))
    assert len(provider._lines._idle) == 3
    provider.close()
    assert not provider._lines._idle


# mishaps -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("act", "reading", "writing"),
    [
        (hang_up, Transient, AmbiguousOutcome),
        (cut_after(PAGE.encode()[:-40], len(PAGE)), Transient, AmbiguousOutcome),
        (cut_after(b"", 10), Transient, AmbiguousOutcome),
        (answer(gzip.compress(PAGE.encode())[:4], Content_Encoding="gzip"), Transient, AmbiguousOutcome),
        (answer(gzip.compress(PAGE.encode())[:-20], Content_Encoding="gzip"), Transient, AmbiguousOutcome),
        (answer(PAGE[:-40]), ProtocolError, AmbiguousOutcome),
        (answer(LOGIN_PAGE), ProtocolError, AmbiguousOutcome),
        (answer(PAGE.replace("SyncState>", "X>")), ProtocolError, None),
        (answer(status=302, Location="https://elsewhere.example/"), Misconfigured, AmbiguousOutcome),
        (answer(status=302, Location="http://[nowhere"), Misconfigured, AmbiguousOutcome),
        (answer(status=503, Retry_After="7"), Transient, AmbiguousOutcome),
        (answer("oops", status=500), Transient, AmbiguousOutcome),
        (answer("oops", status=500, X_CasErrorCode="NoSuchBackend"), Transient, AmbiguousOutcome),
        (answer(PAGE, X_CasErrorCode="NoSuchBackend"), Transient, AmbiguousOutcome),
        (answer(status=429), RateLimited, RateLimited),
        (answer(status=403, Content_Encoding="gzip"), PermissionDenied, PermissionDenied),
        (answer(status=404), Misconfigured, Misconfigured),
        (answer(status=413), InvalidRequest, InvalidRequest),
        (answer(fault("ErrorServerBusy", back_off_ms=7000), status=500), RateLimited, RateLimited),
        (answer(fault("ErrorTimeoutExpired"), status=500), Transient, AmbiguousOutcome),
        (answer(fault("ErrorInternalServerError"), status=500), Transient, AmbiguousOutcome),
        (answer(fault("ErrorMailboxMoveInProgress"), status=500), Transient, AmbiguousOutcome),
        (answer(fault("ErrorSchemaValidation"), status=500), InvalidRequest, InvalidRequest),
        (answer(fault("ErrorInvalidRequest"), status=500), InvalidRequest, InvalidRequest),
        (answer(fault("ErrorInvalidServerVersion"), status=500), Unsupported, Unsupported),
        (answer(fault("ErrorPasswordExpired"), status=500), ReauthRequired, ReauthRequired),
    ],
)
async def test_every_mishap_has_one_meaning_and_is_asked_once(session, server, act, reading, writing):
    """Among them the traps of other clients: a request version too new, and a create that is sent again after a
    timeout."""
    server.script.append(act)
    with pytest.raises(reading) as failed:
        await read(session)
    assert type(failed.value) is reading
    assert failed.value.retry_after in (None, 7)
    assert "example.com" not in str(failed.value)
    assert len(server.seen) == 1
    if writing is not None:
        server.script.append(act)
        with pytest.raises(writing) as failed:
            await write(session)
        assert type(failed.value) is writing
        assert len(server.seen) == 2


@pytest.mark.parametrize(
    ("code", "reading", "writing"),
    [
        ("ErrorAccessDenied", PermissionDenied, PermissionDenied),
        ("ErrorItemNotFound", CalendarGone, None),
        ("ErrorFolderNotFound", CalendarGone, None),
        ("ErrorInvalidIdMalformed", CalendarGone, None),
        ("ErrorInvalidSyncStateData", CursorExpired, CursorExpired),
        ("ErrorIrresolvableConflict", EditConflict, EditConflict),
        ("ErrorTooManyObjectsOpened", RateLimited, RateLimited),
        ("ErrorMailboxStoreUnavailable", Transient, AmbiguousOutcome),
        ("ErrorQuotaExceeded", QuotaExceeded, QuotaExceeded),
        ("ErrorNobodyHasSeen", InvalidRequest, InvalidRequest),
    ],
)
async def test_an_error_of_one_part_is_an_error(session, server, code, reading, writing):
    """They come inside an answer that went well."""
    server.script.extend([answer(refused("SyncFolderItems", code)), answer(refused("DeleteItem", code))])
    with pytest.raises(reading) as failed:
        await read(session)
    assert (type(failed.value), failed.value.provider_code) == (reading, code)
    if writing is None:
        await write(session)  # what is gone is cancelled
    else:
        with pytest.raises(writing):
            await write(session)


async def test_a_server_that_drips_is_left_in_time(session, server):
    def drip(secured):
        for byte in b"HTTP/1.1 200 X\r\nContent-Length: 100000\r\n\r\n" + b"x" * 1000:
            secured.sendall(bytes([byte]))
            time.sleep(0.02)

    server.script.append(drip)
    begun = time.monotonic()
    with pytest.raises(Transient):
        await read(session)
    assert time.monotonic() - begun < 3


@pytest.mark.parametrize("packed", [False, True])
async def test_an_answer_without_end_is_not_taken(session, server, monkeypatch, packed):
    monkeypatch.setattr(route, "MAX_ANSWER_BYTES", 100_000)
    flood = b"<x>" + b" " * 5_000_000
    server.script.append(answer(gzip.compress(flood), Content_Encoding="gzip") if packed else answer(flood))
    with pytest.raises(Transient):
        await read(session)


async def test_no_connection_is_transient_for_a_write_too(session, server, certificates):
    server.script.append(answer(PAGE))
    await read(session)
    with scripted_tls(certificates) as gone:
        pass
    session = exchange_provider(timeout_seconds=1).open(Tokens(login(gone).secret()))
    for verb in (read, write):
        with pytest.raises(Transient):
            await verb(session)


# trust -------------------------------------------------------------------------------------------------------------


async def test_a_server_that_cannot_prove_who_it_is_hears_no_password(server, provider, tmp_path):
    other = ensure_certificates(tmp_path).authority.read_text()
    for certificate in (None, other, "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n", "ä"):
        with pytest.raises(Misconfigured):
            await read(provider.open(Tokens(login(server, certificate=certificate).secret())))
    assert not server.seen


async def test_a_certificate_is_trusted_by_the_connection_that_brought_it_alone(session, server, provider):
    server.script.append(answer(PAGE))
    await read(session)
    with pytest.raises(Misconfigured):
        await read(provider.open(Tokens(login(server, certificate=None).secret())))


async def test_a_private_address_that_is_not_the_operators_own_hears_nothing(server):
    async with exchange_provider(timeout_seconds=1) as provider:
        provider._lines._guard = type(provider._lines._guard)()
        with pytest.raises(Misconfigured):
            await read(provider.open(Tokens(login(server).secret())))
    assert server.connections == 0


async def test_an_old_tls_is_refused_unless_the_operator_allows_it(server, provider):
    at_server = Endpoint.of(server.url)
    assert provider._lines.fresh(at_server, None).route.context.minimum_version is ssl.TLSVersion.TLSv1_2
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        async with exchange_provider(minimum_tls=ssl.TLSVersion.TLSv1) as lenient:
            assert lenient._lines.fresh(at_server, None).route.context.minimum_version is ssl.TLSVersion.TLSv1


# the password ------------------------------------------------------------------------------------------------------


async def test_r13_a_refused_password_is_never_sent_again(server, provider):
    server.script.append(challenge("NTLM", 'Basic realm="x"'))
    tokens = Tokens(login(server).secret())
    session = provider.open(tokens)
    for verb in (read, write, read):
        with pytest.raises(ReauthRequired):
            await verb(session)
    with pytest.raises(ReauthRequired):
        await read(provider.open(tokens))
    assert len(server.seen) == 1
    assert len(tokens.rejected) == 4


async def test_a_password_that_was_changed_meanwhile_is_tried_once(server, provider):
    first, second = (login(server, password=password).secret() for password in ("old", "new"))
    server.script.extend([challenge("Basic"), answer(PAGE)])
    await read(provider.open(Tokens(first, second)))
    assert [seen.headers["authorization"][-8:] for seen in server.seen] == ["Om9sZA==", "Om5ldw=="]
    third, fourth = (login(server, password=password).secret() for password in ("x", "y"))
    server.script.extend([challenge("Basic"), challenge("Basic")])
    with pytest.raises(AuthExpired):
        await read(provider.open(Tokens(third, fourth)))


async def test_a_secret_that_is_none_is_our_fault_and_not_shown(provider):
    for secret in (
        "",
        "hunter2",
        '{"form":2}',
        '{"form":9,"url":"u","username":"u","password":"p","email":"e","version":"1","scheme":"Basic"}',
    ):
        with pytest.raises(Misconfigured) as failed:
            await read(provider.open(Tokens(secret)))
        assert "hunter2" not in str(failed.value)


def test_a_login_shows_itself_to_nobody(server):
    known = login(server)
    assert Login.read(known.secret()) == known
    assert "secret" not in f"{known!r} {known}"


# turns -------------------------------------------------------------------------------------------------------------


async def test_one_mailbox_has_two_turns_and_a_caller_who_leaves_frees_none(server, provider):
    """The live check of a booking leaves after two seconds; its thread does not."""

    def slow(secured):
        time.sleep(0.4)
        answer(PAGE)(secured)

    session = provider.open(Tokens(login(server).secret()))
    server.script.extend([slow] * 4)
    begun = time.monotonic()
    for _ in range(2):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await read(session)
    assert time.monotonic() - begun < 0.3, "who leaves, leaves at once"
    await asyncio.gather(read(session), read(session))
    assert time.monotonic() - begun > 0.7, "the two before them were in their turns"


async def test_a_write_that_is_cancelled_is_awaited(server, provider):
    """Nobody may look whether it happened while it still happens."""
    done = []

    def slow(secured):
        time.sleep(0.3)
        done.append(True)
        answer(refused("DeleteItem", "ErrorItemNotFound"))(secured)

    server.script.append(slow)
    session = provider.open(Tokens(login(server).secret()))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await write(session)
    assert done


def view(item_id, *, whole):
    item = calendar_item(item_id)
    return f'<m:RootFolder IncludesLastItemInRange="{whole}"><t:Items>{item}</t:Items></m:RootFolder>'


def date(item_id, day, hour=11, uid="series"):
    times = {"Start": f"{at(day, hour):%Y-%m-%dT%H:%M:%SZ}", "End": f"{at(day, hour + 1):%Y-%m-%dT%H:%M:%SZ}"}
    return calendar_item(item_id, UID=uid, CalendarItemType="Occurrence", **times)


def listing(*items):
    return response(
        "FindItem",
        f'<m:RootFolder IncludesLastItemInRange="true"><t:Items>{"".join(items)}</t:Items></m:RootFolder>',
    )


def got(*items):
    return response("GetItem", *[f"<m:Items>{item}</m:Items>" for item in items])


async def test_r31_a_server_that_knows_no_series_by_its_dates_still_tells_their_times(session, server):
    """Gromox reads none of the ids but those named ItemId, and answers for no other."""
    server.script.append(answer(got(date("d1", 1))))
    event = await session.get_event("calendar", "d1")
    assert (event.id, event.series_id) == ("d1", None)

    masters = [calendar_item(f"m-{uid}", UID=uid, CalendarItemType="RecurringMaster") for uid in ("series", "other")]
    view = listing(date("d1", 1), date("d2", 1, 13), calendar_item("single", UID="s"))
    told = view, got(calendar_item("single")), listing(*masters, calendar_item("single")), got(masters[0]), got()
    server.script.extend(answer(content) for content in told)
    found = [event async for event in session.list_instances("calendar", Timed(at(1, 0), at(2, 0)))]
    assert sorted((event.id, event.series_id) for event in found if event.series_id) == [
        ("d1", "m-series"),
        ("d2", "m-series"),
    ]
    assert [event.id for event in found if not event.series_id] == ["single"]
    assert b"m-series" in server.seen[-2].body
    assert b"m-other" not in server.seen[-2].body


async def test_a_window_is_read_in_parts_where_the_server_cuts(server, provider):
    cut, whole = view("x", whole="false"), view("a", whole="true")
    server.script.extend(answer(response("FindItem", page)) for page in (cut, whole, whole))
    window = Timed(at(1, 0), at(3, 0))
    found = await provider.open(Tokens(login(server).secret())).free_busy(["calendar"], window)
    assert [(span.start, span.end) for span in found["calendar"].spans] == [(at(1, 11), at(1, 12))]
    spans = [seen.body.partition(b"StartDate=")[2][:60] for seen in server.seen]
    assert [b"2027-03-01T00:00:00Z" in spans[0], b"2027-03-02T00:00:00Z" in spans[1]] == [True, True]
