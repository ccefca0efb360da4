"""The control API and its client: the second actor, the journals, the seeds."""

from datetime import UTC, datetime

import httpx
import pytest

from sandbox.microsoft.client import Microsoft
from sandbox.microsoft.zones import find_zone, windows_name
from tests.sandbox.microsoft.live import ADA, BO, IMMUTABLE, WEST, at, guest, meeting, weekly

YEAR = {"startDateTime": "2026-08-01T00:00:00Z", "endDateTime": "2027-09-01T00:00:00Z"}


@pytest.fixture
async def control(ms):
    async with httpx.AsyncClient(base_url=ms.base_url, timeout=10) as http:
        yield Microsoft(http)


async def test_the_client_does_what_people_do(ms, control):
    assert (await control.account(ADA, time_zone="America/New_York"))["time_zone"] == "Eastern Standard Time"
    await control.account(BO)
    other = (await control.calendar(ADA, "Other"))["id"]
    made = await control.create_event(ADA, meeting(recurrence=weekly(), attendees=[guest(BO)]))
    window = {"start": datetime(2026, 12, 1, tzinfo=UTC), "end": datetime(2026, 12, 20, tzinfo=UTC)}
    rows = await control.view(ADA, **window)
    edited = await control.edit_event(ADA, rows[1]["id"], {"subject": "Special"})
    assert (edited["type"], (await control.event(ADA, rows[1]["id"]))["subject"]) == ("exception", "Special")
    await control.delete_event(ADA, rows[2]["id"])
    assert [row["subject"] for row in await control.view(ADA, **window)] == ["Meeting", "Special"]
    copy = (await control.events(BO))[0]
    await control.answer_invitation(BO, copy["id"], attendee=BO, response="accepted")
    held = await control.event(ADA, made["id"])
    assert held["attendees"][0]["status"]["response"] == "accepted"
    await control.move_event(ADA, made["id"], to=other)
    assert (await control.events(ADA), len(await control.events(ADA, other))) == ([], 1)
    shared = await control.share(ADA, other, account=BO, role="read")
    assert shared["id"] in {each["id"] for each in (await control.describe(BO))["calendars"]}
    await control.delete_calendar(ADA, other)
    assert len((await control.describe(BO))["calendars"]) == 1


async def test_a_copy_carries_what_programs_marked_the_event_with(ms, control, ada):
    mark = "String {6e1cf3a4-0e0c-4a8b-9c5e-0f4f7a1d27b6} Name mark"
    body = meeting(attendees=[guest(BO)], transactionId="t-1", sensitivity="private")
    made = ada.create({**body, "singleValueExtendedProperties": [{"id": mark, "value": "ours"}]})
    later = {"start": {"dateTime": "2026-12-02T09:00:00", "timeZone": "UTC"}}
    copied = await control.copy_event(ADA, made["id"], {"subject": "Copy", **later, "end": later["start"]})
    assert (copied["subject"], copied["sensitivity"], copied["attendees"]) == ("Copy", "private", [])
    assert copied["singleValueExtendedProperties"] == [{"id": mark, "value": "ours"}]
    assert (copied["transactionId"], copied["start"]["dateTime"][:10]) == (None, "2026-12-02")
    assert copied["iCalUId"] != made["iCalUId"]
    assert {event["id"] for event in await control.events(ADA)} > {copied["id"]}


async def test_a_copy_of_a_series_is_a_series_and_of_an_occurrence_one_event(control, ms):
    await control.account(ADA)
    made = await control.create_event(ADA, meeting(recurrence=weekly()))
    window = {"start": datetime(2026, 12, 1, tzinfo=UTC), "end": datetime(2026, 12, 20, tzinfo=UTC)}
    occurrence = (await control.view(ADA, **window))[1]
    assert (await control.copy_event(ADA, made["id"]))["type"] == "seriesMaster"
    alone = await control.copy_event(ADA, occurrence["id"])
    assert (alone["type"], alone["start"]) == ("singleInstance", occurrence["start"])


async def test_a_person_renames_a_calendar(control, ms):
    await control.account(ADA)
    work = await control.calendar(ADA, "Work")
    renamed = await control.rename_calendar(ADA, work["id"], "Job")
    assert (renamed["id"], renamed["name"]) == (work["id"], "Job")
    assert renamed["changeKey"] != work["changeKey"]


async def test_the_client_turns_knobs_faults_and_tokens(ms, control):
    ada = ms.api(ADA)
    assert (await control.turn_knobs(page_size_cap=3))["page_size_cap"] == 3
    await control.add_fault("unavailable", account=ADA)
    assert ada.refused("GET", "/me")[0] == 503
    await control.add_fault({"kind": "status", "status": 418}, times=None)
    await control.clear_faults()
    _, link = ada.sync()
    await control.expire_delta_tokens(ADA)
    assert ada.refused("GET", link)[0] == 410
    await control.expire_access_tokens(ADA)
    assert ada.refused("GET", "/me")[0] == 401
    await control.require_admin_consent("contoso.example")
    await control.revoke(ADA)
    await control.trouble(ADA, None)
    assert await control.refresh_tokens_issued(ADA) == 1
    assert (await control.requests(account=ADA))[0]["method"] == "POST"
    await control.reset()
    assert await control.ledger() == []
    with pytest.raises(httpx.HTTPStatusError, match="no simulated account"):
        await control.describe(ADA)


async def test_the_ledger_counts_events_by_transaction_and_mails_by_person(ms, control):
    ada = ms.api(ADA)
    ms.account(BO)
    for _ in range(3):
        ada.create(meeting(transactionId="t-1", attendees=[guest(BO)]))
    assert await control.events_made("t-1") == 1
    assert await control.events_made("t-2") == 0
    assert [mail["kind"] for mail in await control.outbox(to=BO)] == ["invitation"]


def test_the_ledger_tells_who_wrote_what(ms, ada):
    ms.account(BO)
    mark = "String {66f5a359-4659-4830-9070-00047ec6ac6e} Name crm"
    properties = [{"id": mark, "value": "k1"}]
    made = ada.create(meeting(transactionId="t-1", attendees=[guest(BO)], singleValueExtendedProperties=properties))
    ms.human("PATCH", ADA, f"/{made['id']}", {"subject": "By hand"})
    ada.delete(made["id"])
    own = ms.control("GET", "/ledger", calendar=ada.ok("GET", "/me/calendar")["id"])
    assert [(entry["actor"], entry["operation"], entry["event_id"]) for entry in own] == [
        ("api", "insert", made["id"]),
        ("human", "update", made["id"]),
        ("api", "delete", made["id"]),
    ]
    assert own[0]["key"] == {"transactionId": "t-1", mark: "k1"}
    assert own[1]["fields"] == ["subject"]
    copies = [entry for entry in ms.control("GET", "/ledger") if entry["actor"] == "propagation"]
    assert [entry["operation"] for entry in copies] == ["insert", "update", "update"]
    assert [entry["seq"] for entry in ms.control("GET", "/ledger")] == list(range(1, 7))


def test_exchanges_rules_hold_for_people_too(ms, ada):
    refused = ms.http.post(
        f"/control/microsoft/accounts/{ADA}/calendars/default/events",
        json={"subject": "x", "start": at("2026-12-02"), "end": at("2026-12-01")},
    )
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "ErrorPropertyValidationFailure")
    for path, status in (("/nobody@x.example", 404), (f"/{ADA}/calendars/nothing/events", 404)):
        assert ms.http.get(f"/control/microsoft/accounts{path}").status_code == status
    body = {"email": "x@example.com", "name": "X", "time_zone": "Mars/Olympus"}
    assert ms.http.post("/control/microsoft/accounts", json=body).status_code == 422
    fault = {"action": {"kind": "nonsense"}}
    assert ms.http.post("/control/microsoft/faults", json=fault).status_code == 422
    assert ms.http.request("DELETE", f"/control/microsoft/accounts/{ADA}/calendars/default").status_code == 409


def test_zones_are_known_by_windows_names_and_by_offsets(ms):
    assert windows_name("Europe/Stockholm") == WEST
    assert windows_name("Asia/Calcutta") == "India Standard Time"
    assert windows_name("w. europe standard time") == WEST
    assert windows_name("Mars/Olympus") is None
    assert find_zone("Europe/Stockholm") is None, "not on Graph's list"
    assert find_zone("Eastern Standard Time") is find_zone("America/New_York")


# seeds ------------------------------------------------------------------------------------------


def seed(ms, number=7):
    return ms.control("POST", f"/accounts/{ADA}/seed", {"seed": number, "around": "2026-11-23"})


def everything(ada):
    headers = {"Prefer": f"{IMMUTABLE['Prefer']}, odata.maxpagesize=500"}
    rows, page = [], ada.ok("GET", "/me/events", headers=headers, S_top=1000)
    rows += page["value"]
    assert "@odata.nextLink" not in page
    return rows


def test_a_seeded_life_is_large_and_varied(ms, ada):
    counted = seed(ms)
    rows = everything(ada)
    assert len(rows) > 400
    assert len(counted["calendars"]) == 2
    assert {row["showAs"] for row in rows} == {"free", "tentative", "busy", "oof", "workingElsewhere"}
    assert {row["type"] for row in rows} == {"singleInstance", "seriesMaster"}
    zones = {row["originalStartTimeZone"] for row in rows}
    assert {WEST, "Eastern Standard Time", "India Standard Time", "tzone://Microsoft/Custom", "UTC"} <= zones
    assert {row["responseStatus"]["response"] for row in rows} == {
        "organizer",
        "accepted",
        "declined",
        "tentativelyAccepted",
        "notResponded",
    }
    assert {row["sensitivity"] for row in rows} == {"normal", "private"}
    assert {row["isAllDay"] for row in rows} == {True, False}
    assert any(row["onlineMeeting"] for row in rows)
    patterns = {row["recurrence"]["pattern"]["type"] for row in rows if row["recurrence"]}
    assert patterns == {
        "daily",
        "weekly",
        "absoluteMonthly",
        "relativeMonthly",
        "absoluteYearly",
        "relativeYearly",
    }
    assert {row["recurrence"]["range"]["type"] for row in rows if row["recurrence"]} == {
        "noEnd",
        "endDate",
        "numbered",
    }
    assert max(len(row["attendees"]) for row in rows) == 80
    statuses = {each["status"]["response"] for row in rows for each in row["attendees"]}
    assert statuses == {"none", "accepted", "declined", "tentativelyAccepted"}


def test_a_seeded_life_has_exceptions_and_holes(ms, ada):
    seed(ms)
    masters = [row for row in everything(ada) if row["type"] == "seriesMaster"]
    holes = [
        each for row in masters for each in ada.get(row["id"], S_select="cancelledOccurrences")["cancelledOccurrences"]
    ]
    exceptions = [
        each for row in masters for each in ada.get(row["id"], S_expand="exceptionOccurrences")["exceptionOccurrences"]
    ]
    assert len(holes) > 5
    assert len(exceptions) > 10
    moved = [each for each in exceptions if not each["originalStart"].startswith(each["start"]["dateTime"])]
    assert moved


def test_a_seed_is_repeatable_and_sown_once(ms):
    lives = []
    for number in (7, 7, 8):
        ms.control("POST", "/reset")
        ada = ms.api(ADA)
        seed(ms, number)
        volatile = {"createdDateTime", "lastModifiedDateTime"}
        lives.append([{name: row[name] for name in row.keys() - volatile} for row in everything(ada)])
    assert lives[0] == lives[1]
    assert lives[0] != lives[2]
    seed(ms, 8)
    assert len(everything(ada)) == len(lives[2]), "the same seed again adds nothing"


def test_a_seeded_life_is_synced_whole(ms, ada):
    seed(ms)
    rows, link = ada.sync(window=tuple(YEAR.values()))
    singles = {row["id"] for row in rows if row["type"] == "singleInstance"}
    stubs = {row["id"] for row in rows if row["type"] in {"occurrence", "exception"}}
    viewed, page = [], ada.ok("GET", "/me/calendarView", S_top=1000, **YEAR)
    viewed += page["value"]
    while "@odata.nextLink" in page:
        page = ada.ok("GET", page["@odata.nextLink"])
        viewed += page["value"]
    assert {row["id"] for row in viewed} == singles | stubs
    assert ada.sync(link)[0] == []
