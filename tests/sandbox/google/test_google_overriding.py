"""A POST that stands for another verb."""

from tests.sandbox.google.live import meeting


def override(google, ada, verb, path, **more):
    headers = {"Authorization": f"Bearer {ada.token}", "X-HTTP-Method-Override": verb}
    return google.http.post(f"/google/calendar/v3/calendars/primary/events{path}", headers=headers, **more)


def test_a_get_that_is_too_long_comes_as_a_form(google, ada):
    ada.insert(meeting(id="abcde", summary="Found"))
    ada.insert(meeting(id="bcdef", summary="Other"))
    form = {"q": "found", "singleEvents": "true", "alt": "json"}
    assert [row["id"] for row in override(google, ada, "GET", "", data=form).json()["items"]] == ["abcde"]
    refused = override(google, ada, "GET", "", data={**form, "nonsense": "1"})
    assert refused.status_code == 400


def test_a_post_can_stand_for_patch_and_delete_and_for_nothing_unknown(google, ada):
    ada.insert(meeting(id="abcde"))
    assert override(google, ada, "patch", "/abcde", json={"summary": "New"}).json()["summary"] == "New"
    assert override(google, ada, "BREW", "/abcde").status_code == 404
    assert override(google, ada, "DELETE", "/abcde").status_code == 204
    assert ada.get("abcde")["status"] == "cancelled"


def test_only_a_post_stands_for_another_verb(google, ada):
    ada.insert(meeting(id="abcde"))
    headers = {"Authorization": f"Bearer {ada.token}", "X-HTTP-Method-Override": "DELETE"}
    address = "/google/calendar/v3/calendars/primary/events/abcde"
    assert google.http.get(address, headers=headers).json()["id"] == "abcde"
    assert ada.get("abcde")["status"] == "confirmed"
