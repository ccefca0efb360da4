"""calendarView/delta: what it tells, what it hides, and how its tokens end."""

import pytest

from tests.sandbox.microsoft.live import ADA, at, meeting, weekly

WINDOW = {"startDateTime": "2026-11-01T00:00:00Z", "endDateTime": "2027-03-01T00:00:00Z"}
STUB = {"@odata.type", "@odata.etag", "id", "seriesMasterId", "type", "start", "end"}
DELTA = "/me/calendarView/delta"


def four_times(day="2026-12-01", **more):
    return meeting(day, recurrence=weekly(day, type="numbered", numberOfOccurrences=4), **more)


def small(size):
    return {"Prefer": f'odata.maxpagesize={size}, IdType="ImmutableId"'}


def kinds(rows):
    return ["removed" if "@removed" in row else row["type"] for row in rows]


def test_the_first_round_tells_series_with_stubs_and_everything_else_whole(ada):
    single = ada.create(meeting(subject="Single", transactionId="t-1"))
    series = ada.create(four_times(subject="Series"))
    ada.create(meeting("2027-06-01", subject="Outside"))
    rows, _ = ada.sync()
    assert kinds(rows) == ["singleInstance", "seriesMaster"] + ["occurrence"] * 4
    assert rows[0]["id"] == single["id"]
    assert (rows[0]["subject"], rows[0]["transactionId"]) == ("Single", "t-1")
    assert rows[1]["start"] == series["start"], "the series has its first occurrence's dates"
    assert all(row.keys() == STUB for row in rows[2:])
    assert {row["seriesMasterId"] for row in rows[2:]} == {series["id"]}
    assert rows[2]["id"] == ada.view("2026-12-01T00:00:00Z", "2026-12-02T00:00:00Z")[1]["id"]


def test_a_series_with_nothing_in_the_window_is_not_told(ada):
    ada.create(four_times("2027-06-01"))
    assert ada.sync()[0] == []


def test_changes_are_told_once_as_they_are_now(ada):
    made = ada.create(meeting())
    _, link = ada.sync()
    ada.patch(made["id"], {"subject": "One"})
    ada.patch(made["id"], {"subject": "Two"})
    rows, link = ada.sync(link)
    assert [row["subject"] for row in rows] == ["Two"]
    assert ada.sync(link)[0] == []
    ada.delete(made["id"])
    rows, link = ada.sync(link)
    assert [(row["id"], row["@removed"]) for row in rows] == [(made["id"], {"reason": "deleted"})]
    assert "subject" not in rows[0]


def test_a_deleted_occurrence_is_not_announced_its_series_is_sent_again(ada):
    ada.create(four_times())
    rows, link = ada.sync()
    ada.delete(rows[2]["id"])
    again, _ = ada.sync(link)
    assert kinds(again) == ["seriesMaster"] + ["occurrence"] * 3
    assert rows[2]["id"] not in {row["id"] for row in again}


def test_an_exception_is_told_whole_among_the_stubs(ada):
    ada.create(four_times())
    rows, link = ada.sync()
    ada.patch(rows[2]["id"], {"subject": "Special"})
    again, _ = ada.sync(link)
    assert kinds(again) == ["seriesMaster", "occurrence", "exception", "occurrence", "occurrence"]
    assert again[2]["subject"] == "Special"
    assert again[2].keys() > STUB


def test_a_series_leaves_by_one_row_whether_deleted_or_moved_away(ms, ada):
    first, second = ada.create(four_times()), ada.create(four_times(hour=14))
    _, link = ada.sync()
    ada.delete(first["id"])
    later = {"start": at("2028-01-04T10:00:00"), "end": at("2028-01-04T11:00:00")}
    ada.patch(second["id"], later)
    rows, link = ada.sync(link)
    assert [(row["id"], kinds([row])[0]) for row in rows] == [(first["id"], "removed"), (second["id"], "removed")]


def test_what_happens_outside_the_window_comes_as_removed(ada):
    inside = ada.create(meeting())
    _, link = ada.sync()
    outside = ada.create(meeting("2027-06-01"))
    ada.patch(inside["id"], {"start": at("2027-06-02T10:00:00"), "end": at("2027-06-02T11:00:00")})
    rows, link = ada.sync(link)
    assert [(row["id"], row["@removed"]["reason"]) for row in rows] == [
        (outside["id"], "deleted"),
        (inside["id"], "deleted"),
    ]
    ada.patch(inside["id"], {"start": at("2026-12-02T10:00:00"), "end": at("2026-12-02T11:00:00")})
    assert kinds(ada.sync(link)[0]) == ["singleInstance"]


def test_an_event_moved_to_another_calendar_leaves_this_one(ms, ada):
    made = ada.create(meeting())
    other = ms.control("POST", f"/accounts/{ADA}/calendars", {"name": "Other"})["id"]
    _, link = ada.sync()
    there = ada.ok("GET", f"/me/calendars/{other}/calendarView/delta", **WINDOW)
    ms.human("POST", ADA, f"/{made['id']}/move", {"to": other})
    rows, _ = ada.sync(link)
    assert [(row["id"], kinds([row])[0]) for row in rows] == [(made["id"], "removed")]
    rows, _ = ada.sync(there["@odata.deltaLink"])
    assert [(row["id"], kinds([row])[0]) for row in rows] == [(made["id"], "singleInstance")]


# pages ----------------------------------------------------------------------------------------


def test_pages_follow_links_of_this_host_and_never_split_a_series(ms, ada):
    for hour in (8, 9):
        ada.create(meeting(hour=hour))
    ada.create(four_times())
    ada.create(meeting(hour=15))
    page = ada.ok("GET", DELTA, headers=small(1), **WINDOW)
    sizes, links = [len(page["value"])], []
    while "@odata.nextLink" in page:
        links.append(page["@odata.nextLink"])
        assert "@odata.deltaLink" not in page
        page = ada.ok("GET", page["@odata.nextLink"], headers=small(1))
        sizes.append(len(page["value"]))
    assert sizes == [1, 1, 5, 1]
    assert all(link.startswith(f"{ms.base_url}/microsoft/v1.0{DELTA}?$skiptoken=") for link in links)
    assert page["@odata.deltaLink"].startswith(f"{ms.base_url}/microsoft/v1.0{DELTA}?$deltatoken=")
    assert page["@odata.context"].endswith("$metadata#Collection(event)")


def test_ten_rows_are_a_page_unless_asked_otherwise(ms, ada):
    for day in range(1, 13):
        ada.create(meeting(f"2026-12-{day:02}"))
    answer = ada.call("GET", DELTA, **WINDOW)
    assert len(answer.json()["value"]) == 10
    assert "odata.track-changes" in answer.headers["preference-applied"]
    assert len(ada.ok("GET", DELTA, headers=small(100), **WINDOW)["value"]) == 12
    ms.control("PATCH", "/knobs", {"page_size_cap": 3})
    assert len(ada.ok("GET", DELTA, headers=small(100), **WINDOW)["value"]) == 3


def test_a_change_during_a_round_is_told_by_the_next(ada):
    made = [ada.create(meeting(hour=hour)) for hour in (8, 9, 10)]
    page = ada.ok("GET", DELTA, headers=small(1), **WINDOW)
    ada.patch(made[0]["id"], {"subject": "Changed meanwhile"})
    ada.delete(made[2]["id"])
    rows, link = ada.sync(page["@odata.nextLink"])
    assert [row["id"] for row in rows] == [made[1]["id"]]
    rows, _ = ada.sync(link)
    assert [(row["id"], kinds([row])[0]) for row in rows] == [
        (made[0]["id"], "singleInstance"),
        (made[2]["id"], "removed"),
    ]


def test_rows_may_come_again_on_the_next_page(ms, ada):
    made = [ada.create(meeting(hour=hour))["id"] for hour in (8, 9, 10, 11)]
    ms.control("PATCH", "/knobs", {"repeat_across_pages": True, "page_size_cap": 2})
    rows, _ = ada.sync()
    told = [row["id"] for row in rows]
    assert len(told) > 4
    assert list(dict.fromkeys(told)) == made


@pytest.mark.parametrize("spelling", ["delta", "delta()", "microsoft.graph.delta()", "Delta"])
def test_the_function_is_spelt_with_or_without_parentheses(ada, spelling):
    assert ada.ok("GET", f"/me/calendarView/{spelling}", **WINDOW)["value"] == []


def test_a_link_works_with_either_format_of_ids(ada):
    made = ada.create(meeting())
    page = ada.ok("GET", DELTA, headers={"Prefer": ""}, **WINDOW)
    assert page["value"][0]["id"].startswith("AAMkA")
    ada.patch(made["id"], {"subject": "x"})
    assert ada.sync(page["@odata.deltaLink"])[0][0]["id"] == made["id"]


# refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize("option", ["select", "expand", "filter", "orderby", "search", "top"])
def test_what_delta_does_not_support_is_refused(ada, option):
    code = ada.refused("GET", DELTA, **{f"S_{option}": "subject"}, **WINDOW)
    assert code == (400, "ErrorInvalidUrlQuery")


def test_a_round_needs_a_window(ada):
    assert ada.refused("GET", DELTA) == (400, "ErrorInvalidParameter")


def test_a_token_is_good_for_its_calendar_its_kind_and_as_it_was_given(ms, ada):
    other = ms.control("POST", f"/accounts/{ADA}/calendars", {"name": "Other"})["id"]
    ada.create(meeting())
    ada.create(meeting(hour=12))
    link = ada.ok("GET", DELTA, headers=small(1), **WINDOW)["@odata.nextLink"]
    token = link.partition("skiptoken=")[2]
    elsewhere = f"/me/calendars/{other}/calendarView/delta"
    for path, query in (
        (elsewhere, {"S_skiptoken": token}),
        (DELTA, {"S_deltatoken": token}),
        (DELTA, {"S_skiptoken": f"A{token[1:]}" if token[0] != "A" else f"B{token[1:]}"}),
        (DELTA, {"S_skiptoken": "made-up"}),
    ):
        assert ada.refused("GET", path, **query) == (400, "SyncStateInvalid")


def test_an_ended_token_answers_410_with_the_way_to_start_again(ms, ada):
    made = ada.create(meeting())
    _, link = ada.sync()
    ms.control("POST", "/expire-delta-tokens", account=ADA)
    answer = ada.call("GET", link)
    assert (answer.status_code, answer.json()["error"]["code"]) == (410, "SyncStateNotFound")
    assert answer.json()["error"]["message"].startswith("The sync state generation is not found; generation=")
    again = answer.headers["location"]
    assert again.endswith("&$deltatoken=")
    rows, _ = ada.sync(again)
    assert [row["id"] for row in rows] == [made["id"]]


def test_tokens_end_by_age_and_by_too_many_changes(ms, ada):
    _, link = ada.sync()
    ms.control("PATCH", "/knobs", {"delta_token_max_changes": 1})
    for hour in (9, 10):
        ada.create(meeting(hour=hour))
    assert ada.refused("GET", link) == (410, "SyncStateNotFound")
    ms.control("PATCH", "/knobs", {"delta_token_max_changes": None, "delta_token_max_age": 60})
    _, link = ada.sync()
    ms.control("POST", "/clock", {"advance": 61})
    assert ada.refused("GET", link) == (410, "SyncStateNotFound")


def test_a_token_can_end_between_two_pages(ms, ada):
    for hour in (8, 9):
        ada.create(meeting(hour=hour))
    link = ada.ok("GET", DELTA, headers=small(1), **WINDOW)["@odata.nextLink"]
    ms.fault("gone", match={"query": "skiptoken"})
    assert ada.refused("GET", link) == (410, "SyncStateNotFound")
    assert len(ada.sync(link)[0]) == 1


# faults ---------------------------------------------------------------------------------------


def test_pages_can_be_empty_doubled_turned_round_or_strewn_with_what_is_gone(ms, ada):
    made = [ada.create(meeting(hour=hour))["id"] for hour in (8, 9)]
    gone = ada.create(meeting(hour=12))["id"]
    ada.delete(gone)
    ms.fault("empty_page", match={"path": "delta"})
    page = ada.ok("GET", DELTA, **WINDOW)
    assert page["value"] == []
    assert [row["id"] for row in ada.sync(page["@odata.nextLink"])[0]] == made
    expected = {"duplicate": made * 2, "reordered": made[::-1], "stray_removed": [gone, *made]}
    for kind, ids in expected.items():
        ms.fault(kind, match={"path": "delta"})
        assert [row["id"] for row in ada.sync()[0]] == ids
    _, link = ada.sync()
    ms.fault("replay_changes", match={"path": "delta"})
    assert [row["id"] for row in ada.sync(link)[0]] == [*made, gone], "what was told before is told again"
