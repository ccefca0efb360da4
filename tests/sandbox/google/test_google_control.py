"""The control API: the second actor, the journals, the clock and the seeds."""

from zoneinfo import ZoneInfo

from sandbox.google.seed import HOLIDAYS_ID
from tests.sandbox.google.discovery import validate
from tests.sandbox.google.live import ADA, meeting


def test_what_a_person_does_reaches_a_syncing_client(google, ada):
    _, token = ada.sync()
    made = google.human("POST", ADA, body=meeting(id="made1", recurrence=["RRULE:FREQ=DAILY;COUNT=3"]))
    validate("Event", made)
    google.human("PATCH", ADA, "/made1_20261202T090000Z", {"summary": "Special"})
    google.human("DELETE", ADA, "/made1_20261203T090000Z")
    rows, token = ada.sync(syncToken=token)
    assert [(row["id"], row["status"]) for row in rows] == [
        ("made1", "confirmed"),
        ("made1_20261202T090000Z", "confirmed"),
        ("made1_20261203T090000Z", "cancelled"),
    ]
    assert [row["id"] for row in google.human("GET", ADA)] == ["made1", "made1_20261202T090000Z"]


def test_a_copy_carries_what_programs_marked_the_event_with(google, ada):
    marks = {"private": {"ours": "1"}}
    guests = [{"email": "grace@elsewhere.example"}]
    made = ada.insert(meeting(extendedProperties=marks, visibility="private", attendees=guests))
    _, token = ada.sync()
    copied = google.human("POST", ADA, f"/{made['id']}/copy", {"summary": "Copy"})
    validate("Event", copied)
    assert copied["id"] != made["id"]
    assert copied["iCalUID"] != made["iCalUID"]
    assert (copied["summary"], copied["visibility"], copied["start"]) == ("Copy", "private", made["start"])
    assert (copied["extendedProperties"], "attendees" in copied) == (marks, False)
    rows, _ = ada.sync(syncToken=token)
    assert [row["id"] for row in rows] == [copied["id"]]
    ada.delete(made["id"])
    assert google.http.post(f"/control/google/accounts/{ADA}/calendars/primary/events/{made['id']}/copy").is_error


def test_a_copy_of_a_series_is_a_series_and_of_a_date_one_event(google):
    google.account(ADA)
    google.human("POST", ADA, body=meeting(id="made1", recurrence=["RRULE:FREQ=DAILY;COUNT=3"]))
    assert google.human("POST", ADA, "/made1/copy")["recurrence"] == ["RRULE:FREQ=DAILY;COUNT=3"]
    alone = google.human("POST", ADA, "/made1_20261202T090000Z/copy")
    assert alone.keys().isdisjoint({"recurrence", "recurringEventId"})
    assert alone["start"]["dateTime"].startswith("2026-12-02")


def test_a_calendar_that_comes_changes_and_goes_is_told_by_the_list(google, ada):
    token = ada.ok("calendarList.list")["nextSyncToken"]

    def told():
        nonlocal token
        page = ada.ok("calendarList.list", query={"syncToken": token})
        token = page["nextSyncToken"]
        return [(row["id"], row.get("summary"), row.get("description")) for row in page["items"]]

    made = ada.ok("calendars.insert", {"summary": "Tasks", "description": "ours", "timeZone": "Europe/Berlin"})
    assert told() == [(made["id"], "Tasks", "ours")]
    event = ada.insert(meeting(), made["id"])
    assert [row["id"] for row in ada.page(made["id"])["items"]] == [event["id"]]
    google.control("PATCH", f"/calendars/{made['id']}", {"summary": "To do"})
    assert told() == [(made["id"], "To do", "ours")]
    ada.ok("calendars.patch", {"description": ""}, calendarId=made["id"])
    assert told() == [(made["id"], "To do", None)]
    ada.ok("calendars.delete", calendarId=made["id"])
    assert told() == [(made["id"], None, None)]
    again = ada.ok("calendars.insert", {"summary": "Tasks"})
    assert again["id"] != made["id"]
    ada.ok("calendarList.delete", calendarId=again["id"])
    assert told() == [(again["id"], None, None)]
    assert ada.page(again["id"])["items"] == [], "who takes a calendar off the list does not delete it"


def test_the_ledger_tells_who_wrote_what_with_the_clients_marks(google, ada):
    google.api("bo@example.com")
    body = meeting(
        id="abcde", attendees=[{"email": "bo@example.com"}], extendedProperties={"private": {"crm_key": "k1"}}
    )
    ada.call("events.insert", body, calendarId="primary", headers={"X-Request-Id": "r-1"})
    google.human("PATCH", ADA, "/abcde", {"summary": "By hand"})
    ada.delete("abcde")
    ledger = google.control("GET", "/ledger", calendar=ADA)
    assert [(entry["actor"], entry["operation"], entry["event_id"]) for entry in ledger] == [
        ("api", "insert", "abcde"),
        ("human", "update", "abcde"),
        ("api", "delete", "abcde"),
    ]
    assert (ledger[0]["key"], ledger[0]["request_id"]) == ({"crm_key": "k1"}, "r-1")
    assert ledger[1]["fields"] == ["summary"]
    copies = google.control("GET", "/ledger", calendar="bo@example.com")
    assert [(entry["actor"], entry["operation"]) for entry in copies] == [
        ("propagation", "insert"),
        ("propagation", "update"),
        ("propagation", "delete"),
    ]
    sequence = [entry["seq"] for entry in google.control("GET", "/ledger")]
    assert sequence == list(range(1, 7))
    assert [entry["seq"] for entry in google.control("GET", "/ledger", since=4)] == [5, 6]


def test_a_refused_write_is_not_in_the_ledger(google, ada):
    ada.refused("events.insert", meeting(transparency="glass"), calendarId="primary")
    assert google.control("GET", "/ledger") == []
    assert google.control("GET", "/requests", method="POST")[-1]["status"] == 400


def test_the_clock_is_moved_frozen_and_let_go(google):
    google.control("POST", "/clock", {"freeze": "2026-11-23T08:00:00Z"})
    assert google.control("GET", "/clock") == {"now": "2026-11-23T08:00:00+00:00"}
    ada = google.api(ADA)
    assert ada.insert(meeting())["updated"] == "2026-11-23T08:00:00.000Z"
    assert google.control("POST", "/clock", {"advance": 90}) == {"now": "2026-11-23T08:01:30+00:00"}
    assert google.control("POST", "/clock", {"run": True})["now"] > "2026-11-23T08:01:30"


def test_etags_grow_even_while_time_stands_still(google):
    google.control("POST", "/clock", {"freeze": "2026-11-23T08:00:00Z"})
    ada = google.api(ADA)
    made = ada.insert(meeting())
    assert ada.patch(made["id"], {"summary": "x"})["etag"] != made["etag"]


def test_reset_forgets_everything(google, ada):
    ada.insert(meeting())
    google.fault("unavailable")
    google.control("POST", "/reset")
    for path in ("/accounts", "/ledger", "/requests", "/outbox", "/faults"):
        assert google.control("GET", path) == []
    assert ada.refused("events.list", calendarId="primary")[0] == 401


def test_an_unknown_zone_account_or_calendar_is_refused(google, ada):
    body = {"email": "x@example.com", "name": "X", "time_zone": "Mars/Olympus"}
    assert google.http.post("/control/google/accounts", json=body).status_code == 422
    assert google.http.get("/control/google/accounts/nobody@example.com").status_code == 404
    assert google.http.delete("/control/google/calendars/nothing").status_code == 404


def seed(google, email=ADA, **more):
    body = {"profile": "busy_professional", "seed": 7, "around": "2026-11-23", **more}
    return google.control("POST", f"/accounts/{email}/seed", body)


def content(rows):
    volatile = {"etag", "created", "updated"}
    return [{name: value for name, value in row.items() if name not in volatile} for row in rows]


def test_a_seeded_life_is_large_varied_and_as_google_would_serve_it(google, ada):
    counted = seed(google)
    rows, _ = ada.sync()
    for row in rows:
        validate("Event", row)
    assert len(rows) > 400
    kinds = {row.get("eventType") for row in rows} - {None}
    assert kinds == {"default", "outOfOffice", "focusTime", "workingLocation", "birthday", "fromGmail"}
    zones = {row["start"].get("timeZone") for row in rows if "start" in row} - {None}
    assert zones == {"Europe/Stockholm", "America/New_York", "Asia/Kolkata", "Africa/Cairo", "Pacific/Auckland"}
    assert all(ZoneInfo(zone) for zone in zones)
    series = {row["id"] for row in rows if "recurrence" in row}
    exceptions = [row for row in rows if row.get("recurringEventId") in series]
    assert {row["status"] for row in exceptions} >= {"confirmed", "cancelled"}
    moved = [
        row
        for row in exceptions
        if "start" in row and row["start"] != row["originalStartTime"] and "dateTime" in row["start"]
    ]
    assert moved
    own = [guest for row in rows for guest in row.get("attendees", ()) if guest.get("self")]
    assert {guest["responseStatus"] for guest in own} == {"accepted", "declined", "tentative", "needsAction"}
    assert {row.get("transparency") for row in rows} >= {None, "transparent"}
    assert any(row.get("visibility") == "private" for row in rows)
    assert max(len(row.get("attendees", ())) for row in rows) == 80
    assert len(counted["calendars"]) == 3
    holidays = ada.page(HOLIDAYS_ID)
    assert holidays["accessRole"] == "reader"
    assert all(row["transparency"] == "transparent" for row in holidays["items"])


def test_a_seed_is_repeatable(google):
    lives = []
    for number in (7, 7, 8):
        google.control("POST", "/reset")
        ada = google.api(ADA)
        seed(google, seed=number)
        lives.append(content(ada.sync()[0]))
    assert lives[0] == lives[1]
    assert lives[0] != lives[2]


def test_damage_comes_only_on_request(google, ada):
    seed(google)
    assert not [row for row in ada.sync()[0] if row.get("summary", "").startswith("Broken")]
    seed(google, with_damage=True)
    broken = {row["summary"]: row for row in ada.sync()[0] if row.get("summary", "").startswith("Broken")}
    assert broken["Broken dates"]["end"]["date"] < broken["Broken dates"]["start"]["date"]
    assert "BYDAY=XX" in broken["Broken rule"]["recurrence"][0]
    window = {"timeMin": "2026-11-01T00:00:00Z", "timeMax": "2027-01-01T00:00:00Z"}
    assert ada.page(singleEvents=True, maxResults=2500, **window)["items"]
    assert ada.ok("freebusy.query", {**window, "items": [{"id": "primary"}]})["calendars"]["primary"]["busy"]
