"""Faults on a real socket: what the client sees, and what the server did."""

import concurrent.futures
import xml.parsers.expat

import httpx
import pytest

from tests.sandbox.exchange.soap_bodies import availability, create, get, get_folder, impersonating, meeting, sync

WRITES = {"operation": "CreateItem"}
BODY = create(meeting())


def written(exchange):
    return len(exchange.control("GET", "/ledger", actor="api"))


def raw(exchange, body=BODY):
    """The HTTP answer, whatever it is."""
    envelope = (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"'
        ' xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types"'
        f' xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages"><s:Body>{body}</s:Body></s:Envelope>'
    )
    return exchange.post(envelope.encode())


def test_a_lost_answer_has_committed(exchange):
    exchange.fault("lost_after_commit", match=WRITES)
    with pytest.raises(httpx.RemoteProtocolError):
        raw(exchange)
    assert written(exchange) == 1
    assert exchange.control("GET", "/requests")[-1]["status"] is None
    assert raw(exchange).status_code == 200, "the connection works again"


def test_a_reset_before_handling_has_not(exchange):
    exchange.fault("reset_before", match=WRITES)
    with pytest.raises(httpx.RemoteProtocolError):
        raw(exchange)
    assert written(exchange) == 0


def test_a_truncated_answer_has_committed_and_cannot_be_read(exchange):
    exchange.fault("truncate", match=WRITES)
    with pytest.raises(httpx.RemoteProtocolError):
        raw(exchange)
    assert written(exchange) == 1


def test_latency_delays(exchange):
    exchange.fault("latency", ms=150)
    assert raw(exchange).elapsed.total_seconds() >= 0.15


def test_rules_match_the_operation_and_the_mailbox_and_count(exchange):
    exchange.account("bo@example.com")
    exchange.account("service@example.com", may_impersonate=True)
    exchange.fault("server_busy", match={"operation": "GetFolder", "mailbox": "bo@example.com", "nth": 2})
    codes = []
    for mailbox in ("ada@example.com", "bo@example.com", "bo@example.com", "bo@example.com"):
        answer = exchange.soap(get_folder(), email="service@example.com", headers=impersonating(mailbox))
        codes += answer.codes()
    assert codes == ["NoError", "NoError", "ErrorServerBusy", "NoError"]
    (rule,) = exchange.control("GET", "/faults")
    assert (rule["seen"], rule["fired"]) == (3, 1)


def test_requests_that_are_not_signed_in_are_not_counted(exchange):
    exchange.fault("unavailable", match={"operation": "GetFolder"})
    assert exchange.post(b"<x/>", email=None).status_code == 401
    assert exchange.control("GET", "/faults")[0]["seen"] == 0


def test_throttling_tells_when_to_come_back(exchange):
    exchange.fault("server_busy", back_off_ms=297749)
    answer = exchange.soap(get_folder())
    assert (answer.status, answer.codes()) == (500, ["ErrorServerBusy"])
    assert answer.one("//t:MessageXml/t:Value").get("Name") == "BackOffMilliseconds"
    assert answer.text("//t:MessageXml/t:Value") == "297749"
    assert exchange.soap(get_folder()).codes() == ["NoError"]


def test_any_fault_can_be_had(exchange):
    exchange.fault("soap_fault", code="ErrorMailboxMoveInProgress")
    answer = exchange.soap(get_folder())
    assert (answer.status, answer.codes()) == (500, ["ErrorMailboxMoveInProgress"])
    assert answer.text("//faultcode") == "a:ErrorMailboxMoveInProgress"


def test_an_item_error_is_told_of_every_part_and_nothing_is_done(exchange):
    exchange.fault("item_error", code="ErrorMailboxStoreUnavailable", match=WRITES)
    answer = exchange.soap(create(meeting(), meeting()))
    assert answer.codes() == ["ErrorMailboxStoreUnavailable"] * 2
    assert written(exchange) == 0


@pytest.mark.parametrize(
    ("kind", "status", "header", "words"),
    [
        ("login_page", 200, "content-type", "text/html"),
        ("login_redirect", 302, "location", "/owa/auth/logon.aspx"),
        ("cas_error", 500, "x-caserrorcode", "BackendConnectionTimeout"),
        ("unauthorized", 401, "www-authenticate", "Basic"),
        ("forbidden", 403, "content-type", "text/html"),
        ("html_error", 503, "content-type", "text/html"),
        ("proxy_error", 502, "content-type", "text/html"),
        ("unavailable", 503, "content-type", "text/html"),
    ],
)
def test_answers_that_are_no_soap(exchange, kind, status, header, words):
    exchange.fault(kind, match=WRITES)
    answer = raw(exchange)
    assert answer.status_code == status
    assert words in answer.headers[header]
    assert written(exchange) == 0
    assert raw(exchange).status_code == 200


def test_rates_come_with_seconds_or_with_a_date(exchange):
    exchange.fault("too_many_requests", retry_after=7)
    exchange.fault("unavailable", retry_after=7, retry_after_date=True)
    first, second = raw(exchange), raw(exchange)
    assert (first.status_code, first.headers["retry-after"]) == (429, "7")
    assert second.headers["retry-after"].endswith("GMT")


def test_answers_that_are_xml_and_no_answer(exchange):
    exchange.fault("entity_bomb")
    exchange.fault("invalid_xml")
    exchange.fault("huge_xml")
    bomb, broken, huge = raw(exchange), raw(exchange), raw(exchange)
    assert "<!DOCTYPE bomb" in bomb.text
    with pytest.raises(xml.parsers.expat.ExpatError):
        xml.parsers.expat.ParserCreate().Parse(broken.content, True)
    assert len(huge.content) > 7_000_000
    xml.parsers.expat.ParserCreate().Parse(huge.content, True)


def test_an_older_server_of_the_farm_answers_once(exchange):
    exchange.control("PUT", "/version", {"version": "Exchange2016"})
    exchange.fault("version_downgrade", code="Exchange2010_SP2")
    refused = exchange.soap(get_folder(), version="Exchange2016")
    assert refused.codes() == ["ErrorInvalidServerVersion"]
    exchange.fault("version_downgrade")
    assert exchange.soap(get_folder(), version="Exchange2010").one("//s:Header/*").get("MajorVersion") == "14"
    assert exchange.soap(get_folder(), version="Exchange2016").one("//s:Header/*").get("MajorVersion") == "15"


@pytest.mark.parametrize(
    ("kind", "subjects"),
    [
        ("empty_page", []),
        ("duplicate", ["second", "first", "second"]),
        ("reordered", ["first", "second"]),
        ("replay_changes", ["second", "first"]),
    ],
)
def test_lists_can_be_bent(exchange, kind, subjects):
    for subject in ("first", "second"):
        exchange.soap(create(meeting(subject=subject)))
    state = exchange.soap(sync()).text("//m:SyncState") if kind == "replay_changes" else ""
    exchange.fault(kind, match={"operation": "SyncFolderItems"})
    answer = exchange.soap(sync(state))
    assert [node.text for node in answer.all("//t:Subject")] == subjects


def test_free_busy_can_fail_for_every_mailbox(exchange):
    exchange.fault("free_busy_error", code="ErrorMailboxLogonFailed")
    assert exchange.soap(availability("ada@example.com")).codes() == ["ErrorMailboxLogonFailed"]


def test_a_mailbox_takes_only_so_many_calls_at_once(exchange):
    exchange.control("PATCH", "/knobs", {"max_concurrency": 2, "service_time": 0.3})
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: raw(exchange, get_folder()), range(4)))
    refused = [answer for answer in answers if answer.status_code == 500]
    assert len(refused) == 2
    assert all("ErrorExceededConnectionCount" in answer.text for answer in refused)
    exchange.control("PATCH", "/knobs", {"service_time": 0})
    assert raw(exchange, get_folder()).status_code == 200


def test_a_rule_that_could_never_work_is_refused(exchange):
    for body in (
        {"action": {"kind": "nonsense"}},
        {"action": {"kind": "server_busy"}, "match": {"path": "("}},
        {"action": {"kind": "server_busy"}, "match": {"operation": "("}},
        {"action": {"kind": "version_downgrade", "code": "Exchange1999"}},
    ):
        assert exchange.http.post("/control/exchange/faults", json=body).status_code == 422


def test_rules_are_removed(exchange):
    exchange.fault("unavailable", times=None)
    (rule,) = exchange.control("GET", "/faults")
    exchange.control("DELETE", f"/faults/{rule['id']}")
    assert raw(exchange).status_code == 200
    exchange.fault("unavailable", times=None)
    exchange.control("DELETE", "/faults")
    assert exchange.soap(get('<t:ItemId Id="x"/>')).codes() == ["ErrorInvalidIdMalformed"]
