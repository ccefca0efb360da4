"""Files on events: small ones at once, big ones in parts."""

import base64

import pytest

from tests.sandbox.microsoft.live import ADA, BO, guest, meeting, weekly

KIND = {"@odata.type": "#microsoft.graph.fileAttachment"}
MENU = {**KIND, "name": "menu.txt", "contentType": "text/plain", "contentBytes": base64.b64encode(b"soup").decode()}
SIZE = 3 * 1024 * 1024 + 10


def place(event, *rest):
    return "/".join([f"/me/events/{event['id']}/attachments", *rest])


def session(ada, event, **item):
    described = {"attachmentType": "file", "name": "flower.png", "size": SIZE, "contentType": "image/png", **item}
    return ada.ok("POST", place(event, "createUploadSession"), {"AttachmentItem": described})


def put(ada, url, first, part, whole=SIZE):
    headers = {"Content-Range": f"bytes {first}-{first + len(part) - 1}/{whole}"}
    return ada.http.put(url, content=part, headers=headers)


def test_a_file_is_attached_read_and_taken_away(ada):
    event = ada.create(meeting())
    answer = ada.call("POST", place(event), MENU)
    made = answer.json()
    assert (answer.status_code, made["size"], made["isInline"]) == (201, 4, False)
    assert {name: made[name] for name in MENU} == MENU
    changed = ada.get(event["id"], S_expand="attachments")
    assert (changed["hasAttachments"], changed["attachments"][0]["id"]) == (True, made["id"])
    assert changed["changeKey"] != event["changeKey"]
    assert ada.ok("GET", place(event))["value"][0]["contentBytes"] == MENU["contentBytes"]
    assert ada.ok("GET", answer.headers["location"])["name"] == "menu.txt"
    raw = ada.call("GET", place(event, made["id"], "$value"))
    assert (raw.content, raw.headers["content-type"]) == (b"soup", "text/plain; charset=utf-8")
    assert ada.call("DELETE", place(event, made["id"])).status_code == 204
    assert ada.get(event["id"])["hasAttachments"] is False
    assert ada.refused("GET", place(event, made["id"])) == (404, "ErrorItemNotFound")


def test_a_list_of_files_tells_what_is_selected_and_comes_in_pages(ada):
    event = ada.create(meeting())
    for name in ("a", "b", "c"):
        ada.ok("POST", place(event), {**MENU, "name": name, "isInline": True, "contentId": name})
    page = ada.ok("GET", place(event), S_select="name,size", S_top=2)
    assert [row["name"] for row in page["value"]] == ["a", "b"]
    assert "contentBytes" not in page["value"][0]
    assert [row["isInline"] for row in ada.ok("GET", place(event))["value"]] == [True] * 3
    assert len(ada.ok("GET", page["@odata.nextLink"])["value"]) == 1
    assert ada.get(event["id"])["hasAttachments"] is False, "what is inline does not count"
    assert ada.refused("GET", place(event), S_select="contentBytes") == (400, "RequestBroker--ParseUri")


def test_a_file_of_an_occurrence_is_not_its_series(ada):
    ada.create(meeting(recurrence=weekly(type="numbered", numberOfOccurrences=2)))
    first, second = ada.view("2026-11-01T00:00:00Z", "2027-01-01T00:00:00Z")
    ada.ok("POST", place(first), MENU)
    assert [len(ada.ok("GET", place(each))["value"]) for each in (first, second)] == [1, 0]
    assert ada.get(first["id"])["type"] == "exception"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({**MENU, "@odata.type": "#microsoft.graph.itemAttachment"}, "RequestBodyRead"),
        ({"name": "x", "contentBytes": "eA=="}, "RequestBodyRead"),
        ({**KIND, "contentBytes": "eA=="}, "ErrorPropertyValidationFailure"),
        ({**KIND, "name": "x"}, "ErrorPropertyValidationFailure"),
        ({**MENU, "contentBytes": "no base64!"}, "RequestBodyRead"),
        ({**MENU, "nonsense": 1}, "RequestBodyRead"),
    ],
)
def test_what_is_no_file_is_refused(ada, body, code):
    event = ada.create(meeting())
    assert ada.refused("POST", place(event), body) == (400, code)


def test_guests_and_readers_have_not_the_organizers_files(ms, ada, bo):
    event = ada.create(meeting(attendees=[guest(BO)]))
    ada.ok("POST", place(event), MENU)
    copy = bo.ok("GET", "/me/events")["value"][0]
    assert bo.ok("GET", place(copy))["value"] == []
    assert ms.api(ADA, "Calendars.Read").refused("POST", place(event), MENU) == (403, "ErrorAccessDenied")


def test_a_file_that_comes_with_its_event_is_passed_over(ada):
    made = ada.create(meeting(attachments=[MENU]))
    assert (made["hasAttachments"], ada.ok("GET", place(made))["value"]) == (False, [])


def test_a_big_file_comes_in_parts(ada):
    event = ada.create(meeting())
    opened = session(ada, event)
    assert opened["nextExpectedRanges"] == ["0-"]
    content, half = bytes(SIZE), 2 * 1024 * 1024
    told = put(ada, opened["uploadUrl"], 0, content[:half])
    assert (told.status_code, told.json()["nextExpectedRanges"]) == (200, [str(half)])
    assert put(ada, opened["uploadUrl"], 0, content[:half]).status_code == 416, "those are there"
    done = put(ada, opened["uploadUrl"], half, content[half:])
    assert (done.status_code, done.content) == (201, b"")
    identifier = done.headers["location"].split("Attachments('")[1].removesuffix("')")
    assert ada.ok("GET", place(event, identifier), S_select="name,size")["size"] == SIZE
    assert put(ada, opened["uploadUrl"], 0, content[:half]).status_code == 404


def test_an_upload_ends_by_itself_or_by_its_client(ms, ada):
    event = ada.create(meeting())
    given_up, late = (session(ada, event)["uploadUrl"] for _ in range(2))
    assert ada.http.delete(given_up).status_code == 204
    assert put(ada, given_up, 0, b"x").status_code == 404
    ms.control("POST", "/clock", {"advance": 8 * 86400})
    assert put(ada, late, 0, b"x").status_code == 404
    assert ada.http.put(f"{late}x", content=b"x").status_code == 404


def test_a_part_must_be_what_it_says(ada):
    url = session(ada, ada.create(meeting()))["uploadUrl"]
    assert put(ada, url, 0, b"x", whole=5).status_code == 400
    assert ada.http.put(url, content=b"x").status_code == 400
    assert ada.http.put(url, content=b"x", headers={"Content-Range": f"bytes 0-9/{SIZE}"}).status_code == 400


@pytest.mark.parametrize(
    ("item", "status", "code"),
    [
        ({"size": 100}, 400, "ErrorAttachmentSizeShouldNotBeLessThanMinimumSize"),
        ({"size": 151 * 1024 * 1024}, 413, "ErrorAttachmentSizeLimitExceeded"),
        ({"name": None}, 400, "ErrorPropertyValidationFailure"),
        ({"attachmentType": "item"}, 400, "ErrorPropertyValidationFailure"),
    ],
)
def test_only_a_big_file_is_uploaded(ada, item, status, code):
    described = {"attachmentType": "file", "name": "flower.png", "size": SIZE, **item}
    path = place(ada.create(meeting()), "createUploadSession")
    assert ada.refused("POST", path, {"AttachmentItem": described}) == (status, code)
