"""Open extensions: a client's own data on an event."""

import pytest

from tests.sandbox.microsoft.live import ADA, BO, guest, meeting, quoted, weekly

NAME, QUALIFIED = "Com.Contoso.Deal", "Microsoft.OutlookServices.OpenTypeExtension.Com.Contoso.Deal"
TYPE = {"@odata.type": "microsoft.graph.openTypeExtension"}
DEAL = {**TYPE, "extensionName": NAME, "company": "Wingtip Toys", "value": 500050, "tags": ["a", "b"], "open": None}
TOLD = {**DEAL, "@odata.type": "#microsoft.graph.openTypeExtension", "id": QUALIFIED}
VISIT = {**TYPE, "extensionName": "Com.Contoso.Visit", "floor": 2}


def bare(body):
    return {name: value for name, value in body.items() if name != "@odata.context"}


def place(event, name=""):
    return f"/me/events/{event['id']}/extensions" + (f"/{name}" if name else "")


def test_an_event_is_made_with_its_extensions_and_told_with_them_once(ada):
    made = ada.create(meeting(extensions=[DEAL, VISIT]))
    assert made["extensions"][0] == TOLD
    assert [each["extensionName"] for each in made["extensions"]] == [NAME, "Com.Contoso.Visit"]
    assert "extensions" not in ada.get(made["id"])
    assert ada.get(made["id"], S_expand="extensions")["extensions"] == made["extensions"]
    assert "extensions" not in ada.create(meeting())


@pytest.mark.parametrize(
    "name",
    [NAME, NAME.lower(), QUALIFIED, f"microsoft.graph.openTypeExtension.{NAME}"],
)
def test_an_extension_answers_to_its_name_and_its_whole_name(ada, name):
    made = ada.create(meeting(extensions=[DEAL, VISIT]))
    assert bare(ada.ok("GET", place(made, name))) == TOLD
    assert bare(ada.ok("GET", f"/me/events('{made['id']}')/extensions('{name}')")) == TOLD
    for expand in (f"extensions($filter=id eq '{name}')", f"Extensions($filter=id eq '{name}')"):
        assert ada.get(made["id"], S_expand=expand)["extensions"] == [TOLD]
    ada.ok("DELETE", place(made, name))
    assert [each["extensionName"] for each in ada.ok("GET", place(made))["value"]] == ["Com.Contoso.Visit"]
    assert ada.refused("GET", place(made, name)) == (404, "ErrorItemNotFound")
    assert ada.refused("DELETE", place(made, name)) == (404, "ErrorItemNotFound")


def test_an_extension_is_added_and_replaced_whole(ms, ada):
    bo = ms.api(BO)
    made = ada.create(meeting(attendees=[guest(BO)]))
    answer = ada.call("POST", place(made), DEAL)
    assert (answer.status_code, bare(answer.json())) == (201, TOLD)
    context = answer.json()["@odata.context"]
    assert context.endswith(f"/events('{quoted(made['id'])}')/extensions/$entity")
    changed = ada.ok("PATCH", place(made, NAME), {**TYPE, "extensionName": NAME, "company": "Alpine Skis", "new": 1.5})
    assert bare(changed).keys() == {"@odata.type", "id", "extensionName", "company", "new"}
    assert bare(ada.ok("GET", place(made, NAME))) == bare(changed)
    assert ada.get(made["id"])["changeKey"] != made["changeKey"]
    assert ms.outbox() == [("invitation", BO)], "it is nobody else's"
    assert bo.ok("GET", "/me/events", S_expand="extensions")["value"][0]["extensions"] == []


def test_events_are_found_by_their_extensions(ada):
    made = ada.create(meeting(extensions=[DEAL]))
    ada.create(meeting(hour=12, extensions=[VISIT]))
    for name in (NAME, QUALIFIED):
        find = f"Extensions/any(f:f/id eq '{name}')"
        rows = ada.ok("GET", "/me/events", S_filter=find, S_expand=f"Extensions($filter=id eq '{name}')")["value"]
        assert [(row["id"], row["extensions"]) for row in rows] == [(made["id"], [TOLD])]
    wrong = "extensions/any(f:f/id ne 'x')"
    assert ada.refused("GET", "/me/events", S_filter=wrong) == (400, "ErrorInvalidUrlQueryFilter")


def test_an_occurrence_has_its_series_extensions_until_it_has_its_own(ada):
    series = ada.create(meeting(recurrence=weekly(type="numbered", numberOfOccurrences=2), extensions=[DEAL, VISIT]))
    window = ("2026-11-01T00:00:00Z", "2027-01-01T00:00:00Z")
    second = ada.view(*window)[1]
    assert bare(ada.ok("GET", place(second, NAME))) == TOLD
    ada.ok("PATCH", place(second, NAME), {"company": "Alpine Skis"})
    ada.ok("DELETE", place(second, "Com.Contoso.Visit"))
    told = [row["extensions"] for row in ada.view(*window, S_expand="extensions")]
    assert [[each["extensionName"] for each in each_day] for each_day in told] == [[NAME, "Com.Contoso.Visit"], [NAME]]
    assert (told[0][0]["company"], told[1][0]["company"]) == ("Wingtip Toys", "Alpine Skis")
    assert len(ada.ok("GET", place(series))["value"]) == 2


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"extensionName": NAME}, "RequestBodyRead"),
        ({"@odata.type": "microsoft.graph.event", "extensionName": NAME}, "RequestBodyRead"),
        ({**TYPE}, "ErrorPropertyValidationFailure"),
        ({**TYPE, "extensionName": 5}, "ErrorPropertyValidationFailure"),
        ({**DEAL, "value": {"nested": 1}}, "RequestBodyRead"),
        ({**DEAL, "value": [["nested"]]}, "RequestBodyRead"),
    ],
)
def test_an_extension_that_makes_no_sense_is_refused(ada, body, code):
    made = ada.create(meeting(extensions=[DEAL]))
    assert ada.refused("POST", place(made), body) == (400, code)
    assert ada.refused("POST", "/me/events", meeting(hour=12, extensions=[body])) == (400, code)
    assert len(ada.ok("GET", "/me/events")["value"]) == 1
    assert ada.ok("GET", place(made))["value"] == [TOLD]


def test_an_extension_keeps_its_name_and_is_not_edited_through_its_event(ada):
    made = ada.create(meeting(extensions=[DEAL]))
    assert ada.refused("PATCH", place(made, NAME), VISIT) == (400, "ErrorInvalidPropertySet")
    assert ada.refused("PATCH", f"/me/events/{made['id']}", {"extensions": [VISIT]}) == (400, "RequestBodyRead")
    stale = {"If-Match": made["@odata.etag"]}
    ada.ok("PATCH", place(made, NAME), {"company": "x"}, headers=stale)
    assert ada.refused("DELETE", place(made, NAME), headers=stale) == (412, "ErrorIrresolvableConflict")


def test_in_a_shared_calendar_extensions_are_read_and_not_made(ms, ada):
    bo = ms.api(BO)
    made = ada.create(meeting(extensions=[DEAL]))
    shared = ms.control("PUT", f"/accounts/{ADA}/calendars/default/access", {"account": BO, "role": "write"})["id"]
    inside = f"/me/calendars/{shared}/events"
    assert bo.ok("GET", f"{inside}/{made['id']}/extensions")["value"] == [TOLD]
    assert bo.refused("POST", f"{inside}/{made['id']}/extensions", VISIT) == (403, "ErrorAccessDenied")
    assert bo.refused("POST", inside, meeting(extensions=[VISIT])) == (403, "ErrorAccessDenied")
    ms.control("PUT", f"/accounts/{ADA}/calendars/default/access", {"account": BO, "role": "limitedRead"})
    assert bo.ok("GET", f"{inside}/{made['id']}/extensions")["value"] == []
    assert bo.ok("GET", f"{inside}/{made['id']}", S_expand="extensions")["extensions"] == []


HOBBIES = "StringArray {66f5a359-4659-4830-9070-00050ec6ac6e} Name Recreation"


def many(identifier=HOBBIES, value=("Food", "Hiking")):
    return {"multiValueExtendedProperties": [{"id": identifier, "value": list(value)}]}


def hobbies(api, event):
    return api.get(event["id"], S_expand=f"multiValueExtendedProperties($filter=id eq '{HOBBIES}')")


def test_a_property_may_have_many_values(ada):
    made = ada.create(meeting(**many(HOBBIES.replace("66f5a359", "66F5A359"))))
    assert hobbies(ada, made)["multiValueExtendedProperties"] == many()["multiValueExtendedProperties"]
    assert "multiValueExtendedProperties" not in ada.get(made["id"])
    ada.patch(made["id"], many(value=["Chess"]))
    assert hobbies(ada, made)["multiValueExtendedProperties"][0]["value"] == ["Chess"]
    ada.patch(made["id"], many(value=[]))
    assert "multiValueExtendedProperties" not in hobbies(ada, made)


def test_many_values_of_an_occurrence_are_not_its_series(ada):
    ada.create(meeting(recurrence=weekly(type="numbered", numberOfOccurrences=2), **many()))
    first, second = ada.view("2026-11-01T00:00:00Z", "2027-01-01T00:00:00Z")
    ada.patch(first["id"], many(value=["Chess"]))
    values = [hobbies(ada, each)["multiValueExtendedProperties"][0]["value"] for each in (first, second)]
    assert values == [["Chess"], ["Food", "Hiking"]]


def test_many_values_need_an_array_and_one_value_none(ada):
    invalid = (400, "ErrorInvalidExtendedProperty")
    plain = HOBBIES.replace("StringArray", "String")
    assert ada.refused("POST", "/me/events", meeting(**many(plain))) == invalid
    single = {"singleValueExtendedProperties": [{"id": HOBBIES, "value": "x"}]}
    assert ada.refused("POST", "/me/events", meeting(**single)) == invalid
    made = ada.create(meeting())
    expand = f"multiValueExtendedProperties($filter=id eq '{plain}')"
    assert ada.refused("GET", f"/me/events/{made['id']}", S_expand=expand) == invalid
    assert ada.refused("GET", f"/me/events/{made['id']}", S_expand="multiValueExtendedProperties") == (
        400,
        "BadRequest",
    )
