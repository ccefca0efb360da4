"""Paths: keys in parentheses, the addresses Graph itself gives, what is a name and what is a key."""

from tests.sandbox.microsoft.hooks import request, subscribe
from tests.sandbox.microsoft.live import ADA, BO, meeting, quoted
from tests.sandbox.receiver import receiving

BRIEN = "pat.o'brien@contoso.example"


def test_a_key_in_parentheses_is_the_key_between_slashes(ms, ada):
    made = ada.create(meeting())
    calendar = ada.ok("GET", "/me/calendar")["id"]
    oid = ms.control("GET", f"/accounts/{ADA}")["oid"]
    for path in (
        f"/me/events('{made['id']}')",
        f"/ME/Events('{made['id']}')",
        f"/me/events(id='{made['id']}')",
        f"/me/events%28%27{quoted(made['id'])}%27%29",
        f"/users('{oid}')/events('{made['id']}')",
        f"/users('{ADA}')/calendar/events/{made['id']}",
        f"/me/calendars('{calendar}')/events('{made['id']}')",
    ):
        assert ada.ok("GET", path)["id"] == made["id"], path
    assert ada.ok("PATCH", f"/me/events('{made['id']}')", {"subject": "x"})["subject"] == "x"
    assert ada.call("POST", f"/me/events('{made['id']}')/cancel", {}).status_code == 202


def test_two_quotes_in_a_key_are_one_and_a_coded_slash_stays_in_it(ms, ada):
    brien = ms.api(BRIEN)
    doubled = BRIEN.replace("'", "''")
    for path in (f"/users('{doubled}')", f"/users('{quoted(doubled)}')", f"/users/{quoted(BRIEN)}"):
        assert brien.ok("GET", path)["mail"] == BRIEN, path
    assert brien.refused("GET", f"/users('{BRIEN}')")[0] >= 400, "a single quote ends the key"
    assert ada.refused("GET", "/me/events/AA%2FBB") == (400, "ErrorInvalidIdMalformed")
    assert ada.refused("GET", "/me/events/AA/BB") == (400, "BadRequest"), "and this one does not"


def test_a_key_is_never_taken_for_a_name(ada):
    assert ada.refused("GET", "/me/calendarView('delta')") == (400, "BadRequest")
    assert ada.refused("GET", "/me('events')") == (400, "BadRequest")
    assert ada.refused("GET", "/me/events('')") == (400, "ErrorInvalidIdMalformed")
    with receiving() as hook:
        body = request(hook, resource="me('events')")
        assert ada.refused("POST", "/subscriptions", body) == (400, "ExtensionError")


def test_the_addresses_in_answers_lead_to_what_they_name(ms, ada):
    answer = ada.call("POST", "/me/events", meeting())
    made = answer.json()
    assert ada.ok("GET", answer.headers["location"])["id"] == made["id"]
    assert ada.ok("GET", made["calendar@odata.navigationLink"])["isDefaultCalendar"] is True
    with receiving() as hook:
        subscription = subscribe(ada, hook)
        address = f"/subscriptions('{subscription['id']}')"
        assert ada.ok("GET", address)["id"] == subscription["id"]
        ada.ok("DELETE", address)


def test_the_calendar_of_a_shared_event_is_told_as_its_reader_finds_it(ms, ada):
    bo = ms.api(BO)
    made = ada.create(meeting())
    shared = ms.control("PUT", f"/accounts/{ADA}/calendars/default/access", {"account": BO, "role": "read"})
    seen = bo.ok("GET", f"/me/calendars/{shared['id']}/events/{made['id']}")
    assert bo.ok("GET", seen["calendar@odata.navigationLink"])["id"] == shared["id"]


def test_the_next_page_is_found_by_a_path_with_keys_in_parentheses(ms, ada):
    for hour in (8, 10, 12):
        ada.create(meeting(hour=hour))
    calendar = ada.ok("GET", "/me/calendar")["id"]
    first = ada.ok("GET", f"/users('{quoted(ADA)}')/calendars('{quoted(calendar)}')/events", S_top=2)
    rest = ada.ok("GET", first["@odata.nextLink"])
    assert len({row["id"] for row in first["value"] + rest["value"]}) == 3


def test_a_resource_to_watch_may_be_named_with_keys_in_parentheses(ms, ada):
    calendar = ada.ok("GET", "/me/calendar")["id"]
    with receiving() as hook:
        for resource in (
            f"/users('{ADA}')/events",
            f"me/calendars('{calendar}')/events",
            f"users/{quoted(ADA)}/events",
        ):
            assert subscribe(ada, hook, resource=resource)["resource"] == resource
