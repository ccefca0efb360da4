"""The rules of a calendar's access: who reads them, who changes them, and what they do."""

import pytest

from tests.sandbox.google.hooks import channel
from tests.sandbox.google.live import ADA, AUTH, BO, meeting
from tests.sandbox.receiver import receiving

STRANGER = "eve@client.example"


def allow(api, role, value=BO, kind="user", calendar="primary"):
    scope = {"type": kind} if kind == "default" else {"type": kind, "value": value}
    return api.ok("acl.insert", {"role": role, "scope": scope}, calendarId=calendar)


def rules(api, **query):
    return {rule["id"]: rule["role"] for rule in api.ok("acl.list", calendarId="primary", query=query)["items"]}


def test_a_rule_gives_access_and_its_end_takes_it(google, ada, bo):
    ada.insert(meeting(id="abcde"))
    made = allow(ada, "reader", "Bo@example.com")
    assert (made["id"], made["scope"]) == (f"user:{BO}", {"type": "user", "value": BO})
    assert ada.ok("acl.get", calendarId="primary", ruleId=made["id"]) == made
    assert rules(ada) == {f"user:{ADA}": "owner", f"user:{BO}": "reader"}
    assert bo.get("abcde", ADA)["summary"] == "Meeting"
    path = {"calendarId": "primary", "ruleId": made["id"]}
    assert ada.ok("acl.patch", {"role": "writer"}, **path)["etag"] != made["etag"]
    assert bo.patch("abcde", {"summary": "Changed"}, ADA)["summary"] == "Changed"
    assert ada.ok("acl.update", {"role": "reader", "scope": made["scope"]}, **path) == made
    assert google.control("GET", f"/calendars/{ADA}/access") == {ADA: "owner", BO: "reader"}
    assert ada.call("acl.delete", **path).status_code == 204
    assert bo.refused("events.get", calendarId=ADA, eventId="abcde") == (404, "notFound")
    assert ada.refused("acl.get", **path) == (404, "notFound")
    assert rules(ada, showDeleted=True) == {f"user:{ADA}": "owner", f"user:{BO}": "none"}


def test_rules_are_read_by_writers_and_changed_by_owners(google, ada, bo):
    body = {"role": "reader", "scope": {"type": "user", "value": STRANGER}}
    path = {"calendarId": ADA, "ruleId": f"user:{ADA}"}
    assert bo.refused("acl.list", calendarId=ADA) == (404, "notFound")
    allow(ada, "reader")
    assert bo.refused("acl.list", calendarId=ADA) == (403, "requiredAccessLevel")
    allow(ada, "writer")
    assert bo.ok("acl.get", **path)["role"] == "owner"
    assert bo.refused("acl.insert", body, calendarId=ADA) == (403, "requiredAccessLevel")
    allow(ada, "owner")
    assert allow(bo, "reader", STRANGER, calendar=ADA)["role"] == "reader"
    assert bo.refused("acl.delete", **path) == (403, "cannotChangeOwnerAcl")
    own = {"calendarId": ADA, "ruleId": f"user:{BO}"}
    assert bo.refused("acl.patch", {"role": "reader"}, **own) == (403, "cannotChangeOwnAcl")
    narrow = google.api(BO, f"{AUTH}calendar.acls.readonly")
    assert len(narrow.ok("acl.list", calendarId=ADA)["items"]) == 3
    assert narrow.refused("acl.delete", **own) == (403, "insufficientPermissions")


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({"scope": {"type": "user", "value": BO}}, (400, "required")),
        ({"role": "reader"}, (400, "required")),
        ({"role": "reader", "scope": {"value": BO}}, (400, "required")),
        ({"role": "king", "scope": {"type": "user", "value": BO}}, (400, "invalid")),
        ({"role": "reader", "scope": {"type": "planet", "value": "mars"}}, (400, "invalid")),
        ({"role": "reader", "scope": {"type": "user", "value": "bo"}}, (400, "invalidScopeValue")),
        ({"role": "reader", "scope": {"type": "domain"}}, (400, "invalidScopeValue")),
        ({"role": "writer", "scope": {"type": "default"}}, (400, "illegalAccessRoleForDefault")),
        ({"role": "reader", "scope": {"type": "default"}, "x": 1}, (400, "badRequest")),
    ],
)
def test_a_bad_rule_is_refused(ada, body, why):
    assert ada.refused("acl.insert", body, calendarId="primary") == why
    assert rules(ada) == {f"user:{ADA}": "owner"}


def test_a_rule_stays_with_its_scope_and_its_etag(ada):
    made = allow(ada, "reader")
    path = {"calendarId": "primary", "ruleId": made["id"]}
    other = {"role": "reader", "scope": {"type": "user", "value": STRANGER}}
    assert ada.refused("acl.update", other, **path) == (400, "invalidScopeValue")
    assert ada.refused("acl.update", {"role": "writer"}, **path) == (400, "required")
    stale = {"If-Match": '"old"'}
    assert ada.refused("acl.patch", {"role": "writer"}, headers=stale, **path) == (412, "conditionNotMet")
    assert ada.refused("acl.delete", headers=stale, **path) == (412, "conditionNotMet")
    assert rules(ada)[made["id"]] == "reader"


def test_a_domain_or_everybody_is_let_in_and_out_again(google, ada, bo):
    eve = google.api(STRANGER)
    public = google.api(STRANGER, f"{AUTH}calendar.events.public.readonly")
    ada.insert(meeting(id="abcde"))
    allow(ada, "writer", "example.com", "domain")
    assert bo.patch("abcde", {"summary": "Ours"}, ADA)["summary"] == "Ours"
    assert bo.ok("calendarList.insert", {"id": ADA})["accessRole"] == "writer"
    assert eve.refused("events.get", calendarId=ADA, eventId="abcde") == (404, "notFound")
    allow(ada, "freeBusyReader", kind="default")
    assert "summary" not in eve.get("abcde", ADA)
    assert public.get("abcde", ADA)["status"] == "confirmed"
    assert rules(ada) == {f"user:{ADA}": "owner", "domain:example.com": "writer", "default": "freeBusyReader"}
    for rule_id in ("default", "domain:example.com"):
        ada.ok("acl.delete", calendarId="primary", ruleId=rule_id)
    assert eve.refused("events.get", calendarId=ADA, eventId="abcde") == (404, "notFound")
    assert bo.refused("calendarList.get", calendarId=ADA) == (404, "notFound")


def test_a_stranger_with_a_rule_has_access_once_there_is_such_a_person(google, ada):
    allow(ada, "reader", STRANGER)
    assert rules(ada)[f"user:{STRANGER}"] == "reader"
    eve = google.api(STRANGER)
    assert eve.ok("calendarList.get", calendarId=ADA)["accessRole"] == "reader"
    allow(ada, "none", STRANGER)
    assert eve.refused("calendarList.get", calendarId=ADA) == (404, "notFound")
    assert rules(ada) == {f"user:{ADA}": "owner"}


def test_rules_come_in_pages_and_changes_with_a_token(ada):
    for number in range(4):
        allow(ada, "reader", f"guest{number}@client.example")
    found, query = [], {"maxResults": 2}
    while "syncToken" not in query:
        page = ada.ok("acl.list", calendarId="primary", query=query)
        found += [rule["id"] for rule in page["items"]]
        query = (
            {"maxResults": 2, "pageToken": page["nextPageToken"]}
            if "nextPageToken" in page
            else {"syncToken": page["nextSyncToken"]}
        )
    assert found == [f"user:{ADA}", *(f"user:guest{number}@client.example" for number in range(4))]
    assert rules(ada, **query) == {}
    allow(ada, "none", "guest1@client.example")
    allow(ada, "writer", "guest2@client.example")
    assert rules(ada, **query) == {"user:guest1@client.example": "none", "user:guest2@client.example": "writer"}
    unlike = {**query, "showDeleted": False}
    assert ada.refused("acl.list", calendarId="primary", query=unlike) == (400, "syncTokenWithRequestRestrictions")
    assert ada.refused("acl.list", calendarId="primary", query={"syncToken": "made-up"}) == (400, "invalid")


def test_a_change_of_the_rules_is_told_to_who_watches_them(google, ada):
    with receiving() as hook:
        ada.ok("acl.watch", channel(hook), calendarId="primary")
        ada.ok("settings.watch", channel(hook, "c-2"))
        hook.wait(2)
        allow(ada, "reader", STRANGER)
        hook.wait(3)
        assert hook.messages[-1].headers["x-goog-channel-id"] == "c-1"
        assert hook.messages[-1].headers["x-goog-resource-state"] == "exists"
        assert "/calendars/ada%40example.com/acl?" in hook.messages[-1].headers["x-goog-resource-uri"]
        google.control("POST", "/reset")
