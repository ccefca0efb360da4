"""Pages, sync tokens and everything that ends them."""

import pytest

from tests.sandbox.google.live import CALENDAR, meeting


def fill(api, count):
    return [api.insert(meeting(id=f"event{number:03}", summary=f"{number}"))["id"] for number in range(count)]


def ids(rows):
    return [row["id"] for row in rows]


def test_the_sync_token_is_on_the_last_page_only(ada):
    made = fill(ada, 5)
    pages = list(ada.pages(maxResults=2))
    assert [len(page["items"]) for page in pages] == [2, 2, 1]
    assert [("nextSyncToken" in page, "nextPageToken" in page) for page in pages] == [
        (False, True),
        (False, True),
        (True, False),
    ]
    assert [row["id"] for page in pages for row in page["items"]] == made


def test_a_sync_tells_each_changed_event_once_as_it_is_now(ada):
    fill(ada, 3)
    _, token = ada.sync()
    ada.patch("event001", {"summary": "a"})
    ada.patch("event000", {"summary": "b"})
    ada.patch("event001", {"summary": "c"})
    rows, following = ada.sync(syncToken=token)
    assert [(row["id"], row["summary"]) for row in rows] == [("event000", "b"), ("event001", "c")]
    assert ada.sync(syncToken=following)[0] == []
    assert ids(ada.sync(syncToken=token)[0]) == ["event000", "event001"], "an old token is still good"


def test_a_deleted_event_is_an_id_and_a_status_unless_details_are_asked_for(ada):
    fill(ada, 1)
    _, token = ada.sync()
    ada.delete("event000")
    bare = ada.page(syncToken=token)["items"]
    assert [row.keys() for row in bare] == [{"kind", "etag", "id", "status"}]
    full = ada.page(syncToken=token, showDeleted=True)["items"]
    assert (full[0]["status"], full[0]["summary"]) == ("cancelled", "0")
    assert ada.sync()[0] == [], "a full list carries no tombstones"
    assert ids(ada.sync(showDeleted=True)[0]) == ["event000"]


def test_writes_between_pages_neither_skip_nor_repeat_and_come_with_the_next_sync(ada):
    made = fill(ada, 6)
    first = ada.page(maxResults=3)
    ada.delete("event000")
    ada.patch("event004", {"summary": "changed"})
    second = ada.page(maxResults=3, pageToken=first["nextPageToken"])
    assert ids(first["items"]) + ids(second["items"]) == made
    rows, _ = ada.sync(syncToken=second["nextSyncToken"])
    assert ids(rows) == ["event000", "event004"]


@pytest.mark.parametrize(
    "query",
    [
        {"timeMin": "2026-01-01T00:00:00Z"},
        {"timeMax": "2027-01-01T00:00:00Z"},
        {"updatedMin": "2026-01-01T00:00:00Z"},
        {"q": "x"},
        {"iCalUID": "x"},
        {"privateExtendedProperty": ["a=b"]},
        {"sharedExtendedProperty": ["a=b"]},
        {"orderBy": "updated"},
        {"showDeleted": False},
        {"singleEvents": True},
        {"timeZone": "UTC"},
        {"maxAttendees": 1},
        {"eventTypes": ["default"]},
    ],
)
def test_a_sync_token_refuses_other_restrictions_and_other_parameters(ada, query):
    _, token = ada.sync()
    status, reason = ada.refused("events.list", calendarId="primary", query={**query, "syncToken": token})
    assert status == 400
    assert reason in {"syncTokenWithRequestRestrictions", "syncTokenWithNonDefaultOrdering", "invalid"}


def test_a_first_list_may_be_bounded_and_the_sync_then_tells_what_leaves_the_bounds(ada):
    inside = ada.insert(meeting(day="2026-12-10"))
    ada.insert(meeting(day="2026-01-10"))
    rows, token = ada.sync(timeMin="2026-12-01T00:00:00Z")
    assert ids(rows) == [inside["id"]]
    ada.insert(meeting(day="2026-01-11"))
    left = meeting(day="2026-01-12")
    ada.patch(inside["id"], {name: left[name] for name in ("start", "end")})
    assert ids(ada.sync(syncToken=token)[0]) == [inside["id"]]


@pytest.mark.parametrize(
    "query",
    [{"q": "x"}, {"orderBy": "updated"}, {"iCalUID": "x"}, {"privateExtendedProperty": ["a=b"]}],
)
def test_a_filtered_list_gives_no_sync_token(ada, query):
    assert "nextSyncToken" not in ada.page(**query)


def test_tokens_are_good_only_for_the_list_they_came_from(ada):
    other = ada.ok("calendars.insert", {"summary": "Other"})["id"]
    _, token = ada.sync(other)
    for wrong in (token, "made-up", token[:-2]):
        assert ada.refused("events.list", calendarId="primary", query={"syncToken": wrong}) == (400, "invalid")
    fill(ada, 3)
    page = ada.page(maxResults=1)["nextPageToken"]
    changed = {"pageToken": page, "q": "x"}
    assert ada.refused("events.list", calendarId="primary", query=changed) == (400, "invalid")


def gone(api, token, calendar="primary"):
    answer = api.call("events.list", calendarId=calendar, query={"syncToken": token})
    return answer.status_code == 410 and answer.json()["error"]["errors"][0]["reason"] == "fullSyncRequired"


def test_sync_tokens_end_by_age_count_control_and_change_of_access(google, ada):
    fill(ada, 1)
    google.account("bo@example.com")
    _, token = ada.sync()
    assert not gone(ada, token)
    google.control("POST", "/calendars/ada@example.com/expire-sync-tokens")
    assert gone(ada, token)
    _, token = ada.sync()
    google.control("PUT", "/calendars/ada@example.com/access", {"account": "bo@example.com", "role": "reader"})
    assert gone(ada, token)
    _, token = ada.sync()
    google.control("PATCH", "/knobs", {"sync_token_max_changes": 2})
    for number in range(3):
        assert not gone(ada, token)
        ada.patch("event000", {"summary": f"again {number}"})
    assert gone(ada, token)
    _, token = ada.sync()
    google.control("POST", "/clock", {"advance": 29 * 86400})
    assert gone(google.api("ada@example.com"), token)


def test_an_updated_min_far_back_is_gone_and_a_near_one_tells_deletions(google, ada):
    far = {"updatedMin": "2020-01-01T00:00:00Z"}
    assert ada.refused("events.list", calendarId="primary", query=far) == (410, "updatedMinTooLongAgo")
    google.control("POST", "/clock", {"freeze": "2026-11-21T12:00:00Z"})
    ada = google.api("ada@example.com")
    fill(ada, 2)
    google.control("POST", "/clock", {"advance": 60})
    ada.delete("event000")
    rows = ada.page(updatedMin="2026-11-21T12:00:30Z")["items"]
    assert [(row["id"], row["status"]) for row in rows] == [("event000", "cancelled")]


def test_pages_have_sizes_and_a_cap(google, ada):
    fill(ada, 4)
    google.control("PATCH", "/knobs", {"page_size_cap": 3})
    assert [len(page["items"]) for page in ada.pages(maxResults=2500)] == [3, 1]
    assert [len(page["items"]) for page in ada.pages(maxResults=2)] == [2, 2]


def test_an_empty_page_may_come_before_the_rest(google, ada):
    made = fill(ada, 3)
    google.fault("empty_page", match={"path": "/events$"})
    pages = list(ada.pages())
    assert [ids(page["items"]) for page in pages] == [[], made]
    assert "nextSyncToken" in pages[-1]
    _, token = ada.sync()
    ada.patch("event001", {"summary": "x"})
    google.fault("empty_page", match={"path": "/events$", "query": "syncToken"})
    assert [ids(page["items"]) for page in ada.pages(syncToken=token)] == [[], ["event001"]]


def test_changes_may_be_replayed_doubled_and_out_of_order(google, ada):
    made = fill(ada, 3)
    _, token = ada.sync()
    ada.patch("event001", {"summary": "x"})
    google.fault("replay_changes", match={"query": "syncToken"})
    assert sorted(ids(ada.page(syncToken=token)["items"])) == made
    google.fault("duplicate", match={"path": "/events$"})
    assert ids(ada.page()["items"]) == [each for each in made for _ in range(2)]
    google.fault("reordered", match={"path": "/events$"})
    assert ids(ada.page()["items"]) == made[::-1]


def test_an_expanding_sync_tells_every_instance_of_a_touched_series(ada):
    made = ada.insert(meeting(recurrence=["RRULE:FREQ=WEEKLY;COUNT=10"]))
    _, token = ada.sync(singleEvents=True)
    ada.patch(made["id"], {"summary": "renamed"})
    rows, token = ada.sync(singleEvents=True, syncToken=token)
    assert len(rows) == 10
    assert {row["recurringEventId"] for row in rows} == {made["id"]}
    ada.patch(made["id"], {"recurrence": ["RRULE:FREQ=WEEKLY;COUNT=7"]})
    rows, token = ada.sync(singleEvents=True, syncToken=token)
    assert sorted(row["status"] for row in rows) == ["cancelled"] * 3 + ["confirmed"] * 7
    ada.delete(made["id"])
    rows, _ = ada.sync(singleEvents=True, syncToken=token)
    assert {row["status"] for row in rows} == {"cancelled"}


def test_a_deleted_endless_series_is_told_only_half_a_year_ahead_to_expanding_clients(google, ada):
    google.control("POST", "/clock", {"freeze": "2026-11-21T12:00:00Z"})
    ada = google.api("ada@example.com")
    made = ada.insert(meeting(recurrence=["RRULE:FREQ=WEEKLY"]))
    rows, token = ada.sync(singleEvents=True)
    assert len(rows) == 730
    ada.delete(made["id"])
    rows, _ = ada.sync(singleEvents=True, syncToken=token)
    assert 20 < len(rows) < 30


def test_the_calendar_list_syncs_by_itself(google, ada):
    first = ada.ok("calendarList.list")
    assert [(entry["id"], entry["primary"], entry["accessRole"]) for entry in first["items"]] == [
        ("ada@example.com", True, "owner")
    ]
    made = ada.ok("calendars.insert", {"summary": "Project", "timeZone": "America/New_York"})
    second = ada.ok("calendarList.list", query={"syncToken": first["nextSyncToken"]})
    assert ids(second["items"]) == [made["id"]]
    ada.ok("calendars.delete", calendarId=made["id"])
    third = ada.ok("calendarList.list", query={"syncToken": second["nextSyncToken"]})
    assert [(entry["id"], entry["deleted"]) for entry in third["items"]] == [(made["id"], True)]
    assert ada.ok("calendarList.list", query={"syncToken": third["nextSyncToken"]})["items"] == []
    restricted = {"syncToken": third["nextSyncToken"], "minAccessRole": "owner"}
    assert ada.refused("calendarList.list", query=restricted) == (400, "syncTokenWithRequestRestrictions")
    google.control("POST", "/expire-sync-tokens", account="ada@example.com")
    assert ada.refused("calendarList.list", query={"syncToken": third["nextSyncToken"]}) == (
        410,
        "fullSyncRequired",
    )


def test_the_calendar_list_has_pages(google, ada):
    for number in range(3):
        ada.ok("calendars.insert", {"summary": f"{number}"})
    first = ada.ok("calendarList.list", query={"maxResults": 3})
    assert "nextSyncToken" not in first
    second = ada.ok("calendarList.list", query={"maxResults": 3, "pageToken": first["nextPageToken"]})
    assert len(first["items"]) + len(second["items"]) == 4
    assert "nextSyncToken" in second


def test_a_hidden_calendar_is_listed_on_request(ada):
    made = ada.ok("calendars.insert", {"summary": "Quiet"})
    ada.ok("calendarList.patch", {"hidden": True, "summaryOverride": "Shh"}, calendarId=made["id"])
    assert made["id"] not in ids(ada.ok("calendarList.list")["items"])
    shown = ada.ok("calendarList.list", query={"showHidden": True})["items"]
    assert [(entry["hidden"], entry["summaryOverride"]) for entry in shown if entry["id"] == made["id"]] == [
        (True, "Shh")
    ]


def test_a_calendar_taken_away_is_not_found_and_a_lowered_role_is_told(google, ada):
    bo = google.api("bo@example.com", CALENDAR)
    share = "/calendars/ada@example.com/access"
    google.control("PUT", share, {"account": "bo@example.com", "role": "writer"})
    bo.insert(meeting(), "ada@example.com")
    first = bo.ok("calendarList.list")
    google.control("PUT", share, {"account": "bo@example.com", "role": "reader"})
    assert bo.refused("events.insert", meeting(), calendarId="ada@example.com") == (403, "requiredAccessLevel")
    changed = bo.ok("calendarList.list", query={"syncToken": first["nextSyncToken"]})
    assert [(entry["id"], entry["accessRole"]) for entry in changed["items"]] == [("ada@example.com", "reader")]
    google.control("PUT", share, {"account": "bo@example.com", "role": "none"})
    assert bo.refused("events.list", calendarId="ada@example.com") == (404, "notFound")
