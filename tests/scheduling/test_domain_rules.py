"""Which names may be domains, how hosts are compared, and what a check means. No I/O (R37)."""

from collections.abc import Container
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.scheduling.domains.names import NameRefusal, domain_host, host_in, readable
from app.scheduling.domains.standing import DomainStatus, Failure, Standing, after_check, next_check
from app.scheduling.domains.verification import DomainProver, _nameserver

OURS = {"meet.calendar-connect.example", "pages.calendar-connect.com"}
NOW = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
CONNECTED = Standing(DomainStatus.CONNECTED)
PENDING = Standing(DomainStatus.PENDING)


@pytest.mark.parametrize(
    ("name", "host"),
    [
        ("meet.example.com", "meet.example.com"),
        ("MEET.Example.COM", "meet.example.com"),
        ("meet.example.com.", "meet.example.com"),
        ("example.com", "example.com"),
        ("müller.de", "xn--mller-kva.de"),
        ("MÜLLER.de", "xn--mller-kva.de"),
        ("xn--mller-kva.de", "xn--mller-kva.de"),
        ("straße.de", "xn--strae-oqa.de"),
        ("会议。例子.中国", "xn--6oqu09l.xn--fsqu00a.xn--fiqs8s"),
        ("meet.acme.co.uk", "meet.acme.co.uk"),
        ("acme.co.uk", "acme.co.uk"),
        ("my.calendar-connect.com", "my.calendar-connect.com"),
        (f"{'a' * 63}.com", f"{'a' * 63}.com"),
    ],
)
def test_r37_a_domain_has_one_spelling(name: str, host: str) -> None:
    assert domain_host(name, ours=OURS) == host
    assert domain_host(host, ours=OURS) == host
    assert domain_host(readable(host), ours=OURS) == host


@pytest.mark.parametrize(
    "name",
    [
        "", ".", " ", "meet example.com", " meet.example.com", "https://meet.example.com", "meet.example.com/a",
        "meet.example.com:443", "ada@example.com", "*.example.com", "meet..example.com", ".example.com",
        "-meet.example.com", "meet-.example.com", "me_et.example.com", "127.0.0.1", "127.1", "0x7f000001", "2130706433",
        "a.0x1", "::1", "[::1]", "xn--zzzzzz.com", "xn--a.com", f"{'a' * 64}.com", ".".join(["aaaaaaa"] * 31),
        "meet.example.com\x00", "meet\n.example.com", "\u202emoc.elpmaxe",
    ],
)  # fmt: skip
def test_r37_what_is_no_name_of_a_host_is_refused(name: str) -> None:
    assert domain_host(name, ours=OURS) is NameRefusal.MALFORMED


@pytest.mark.parametrize("name", ["com", "se.", "co.uk", "COM.AU", "ac.jp", "or.jp", "me.uk"])
def test_r37_names_that_everybody_registers_under_are_refused(name: str) -> None:
    assert domain_host(name, ours=OURS) is NameRefusal.PUBLIC


@pytest.mark.parametrize(
    "name",
    [
        "pages.calendar-connect.com", "a.pages.calendar-connect.com", "PAGES.calendar-connect.com.", "ada.localhost",
        "meet.local", "a.test", "a.internal", "1.168.192.in-addr.arpa", "a.onion", "acme.example", "a.invalid",
    ],
)  # fmt: skip
def test_r37_our_own_hosts_and_names_of_no_one_are_refused(name: str) -> None:
    assert domain_host(name, ours=OURS) is NameRefusal.RESERVED


def test_a_name_that_is_long_leaves_room_for_its_record() -> None:
    label, fits = "a" * 39, f"{'a' * 39}." * 5
    assert len(f"_calendar-connect.{fits}{'b' * 31}.com") == 253
    assert domain_host(f"{fits}{'b' * 31}.com", ours=OURS) == f"{fits}{'b' * 31}.com"
    assert domain_host(f"{fits}{'b' * 32}.com", ours=OURS) is NameRefusal.MALFORMED
    assert label in fits


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("Meet.Example.com:443", "meet.example.com"),
        ("meet.example.com.", "meet.example.com"),
        ("meet.example.com.:8443", "meet.example.com"),
        ("müller.de", "xn--mller-kva.de"),
        ("booking_app:8000", "booking_app"),
        ("127.0.0.1:8000", "127.0.0.1"),
        ("[::1]:8000", ""),
        ("", ""),
        ("a b", ""),
        ("a" * 300, ""),
        ("ü" * 300, ""),
        ("a/b", ""),
    ],
)
def test_a_host_is_read_as_browsers_send_it(text: str, host: str) -> None:
    assert host_in(text) == host


@given(st.text(max_size=300))
def test_whatever_is_sent_as_a_host_is_read_without_an_error(text: str) -> None:
    assert host_in(text).isascii()
    host = domain_host(text, ours=OURS)
    assert isinstance(host, NameRefusal) or host == host_in(host)


def test_r37_one_good_check_connects_whatever_was_before() -> None:
    for before in (PENDING, CONNECTED, Standing(DomainStatus.FAILED, Failure.RECORD_WRONG, 7, NOW)):
        for asked in (True, False):
            assert after_check(before, None, asked=asked, now=NOW) == CONNECTED


@pytest.mark.parametrize("failure", Failure)
def test_r37_a_domain_that_was_never_connected_fails_when_somebody_asks_and_waits_when_nobody_does(
    failure: Failure,
) -> None:
    asked = after_check(PENDING, failure, asked=True, now=NOW)
    assert (asked.status, asked.failure) == (DomainStatus.FAILED, failure)
    waiting = after_check(PENDING, failure, asked=False, now=NOW)
    assert (waiting.status, waiting.failure) == (DomainStatus.PENDING, failure)
    assert after_check(asked, failure, asked=False, now=NOW).status is DomainStatus.FAILED


def lost_after(every: timedelta, *, asked: bool = False, silent: Container[timedelta] = ()) -> timedelta:
    """How long a connected domain stays so whose record is gone, looked at at even times."""
    standing, passed = CONNECTED, timedelta()
    while True:
        failure = Failure.DNS_TIMEOUT if passed in silent else Failure.RECORD_MISSING
        standing = after_check(standing, failure, asked=asked, now=NOW + passed)
        if standing.status is DomainStatus.FAILED:
            return passed
        passed += every


@pytest.mark.parametrize("hours", [0.01, 1, 6, 12])
@pytest.mark.parametrize("asked", [True, False])
def test_r37_a_connected_domain_is_lost_by_the_checks_of_72_hours(hours: float, asked: bool) -> None:
    every = timedelta(hours=hours)
    assert timedelta(hours=72) <= lost_after(every, asked=asked) < timedelta(hours=72) + every


def test_r37_a_few_checks_are_not_72_hours_of_them_however_long_ago_the_first() -> None:
    assert lost_after(timedelta(days=9)) == timedelta(days=54), "the seventh"
    silence = [HOUR * hours for hours in range(1, 71)]
    assert lost_after(HOUR, silent=silence) > timedelta(hours=74), "it is not held by silence between"


def test_r37_one_good_check_forgets_the_bad_ones() -> None:
    standing = CONNECTED
    for hours in range(0, 72, 6):
        standing = after_check(standing, Failure.RECORD_WRONG, asked=False, now=NOW + HOUR * hours)
    assert after_check(standing, None, asked=False, now=NOW + HOUR * 72) == CONNECTED


@pytest.mark.parametrize("failure", [Failure.DNS_TIMEOUT, Failure.DNS_FAILED])
def test_r37_silence_takes_nothing_from_a_connected_domain(failure: Failure) -> None:
    standing = CONNECTED
    for days in range(30):
        standing = after_check(standing, failure, asked=days % 2 == 0, now=NOW + timedelta(days=days))
    assert (standing.status, standing.failure, standing.failures) == (DomainStatus.CONNECTED, failure, 0)


def test_r37_a_domain_is_waited_for_often_at_first_then_less_and_less() -> None:
    passed, waits = timedelta(), []
    while (due := next_check(PENDING, awaited_since=NOW, now=NOW + passed)) is not None:
        waits.append(due - NOW - passed)
        passed = due - NOW
    assert waits == sorted(waits)
    assert (waits[0], waits[9], waits[-1]) == (timedelta(minutes=1), timedelta(minutes=1), timedelta(days=1))
    assert timedelta(days=30) <= passed <= timedelta(days=31)
    assert len(waits) < 120, "a month of waiting costs little"


def test_r37_a_connected_domain_is_looked_at_daily_and_more_often_in_doubt() -> None:
    doubtful = Standing(DomainStatus.CONNECTED, Failure.DNS_TIMEOUT)
    assert next_check(CONNECTED, awaited_since=None, now=NOW) == NOW + timedelta(days=1)
    assert next_check(doubtful, awaited_since=None, now=NOW) == NOW + timedelta(hours=6)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("192.0.2.1", ("192.0.2.1", 53)),
        ("192.0.2.1:5353", ("192.0.2.1", 5353)),
        ("[2001:db8::1]", ("2001:db8::1", 53)),
        ("[2001:db8::1]:5353", ("2001:db8::1", 5353)),
    ],
)
def test_a_dns_server_is_named_by_its_address(text: str, address: tuple[str, int]) -> None:
    server = _nameserver(text)
    assert (server.answer_nameserver(), server.answer_port()) == address


@pytest.mark.parametrize("text", ["", "dns.example.com", "192.0.2.1:", "192.0.2.256", "2001:db8::1", "[::1", "a b"])
def test_a_service_with_an_odd_dns_server_does_not_start(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        DomainProver([text], timeout_seconds=1, target="pages.example.com")
