"""The form of a page, validated by the server (R33).

The one rule: every kind is shown an answer it takes and answers it does not.
"""

from typing import Any

import pytest

from app.bookings.book import BookingDesk
from app.bookings.forms import check_form
from app.errors import ConsentRequired, ValidationFailed
from app.scheduling.configuration import OFFICE_HOURS, Configuration
from tests.support.world import World, problem

GOOD = {
    "text": ["Example", "é", "x" * 500, " padded "],
    "long_text": ["a\nb", "a\r\nb", "x" * 5000],
    "email": ["ada@example.com", "ada+x@sub.example.com"],
    "phone": ["+46 70 123 45 67", "0701234567", "(030) 1234-567", "(555) 123-4567", "+1 (555) 123-4567"],
    "number": ["0", "-1", "3.14", "3,14", "123456789012345"],
    "date": ["2027-02-28", "1900-01-01"],
    "choice": ["Red", "Blue"],
    "checkbox": ["true", "false"],
}
BAD = {
    "text": [("x" * 501, "too_long"), ("a\x07b", "not_allowed"), ("a\nb", "not_allowed"), ("a\tb", "not_allowed")],
    "long_text": [("a\x00b", "not_allowed")],
    "email": [("ada", "invalid"), ("a@b@c", "invalid"), ("ada@example", "invalid")],
    "phone": [
        ("+46 70\n123 45 67", "not_allowed"),
        ("070\t1234567", "not_allowed"),
        ("call me", "invalid"),
        ("12", "invalid"),
        ("+", "invalid"),
        ("(((---)))", "invalid"),
        ("12 34 (", "invalid"),
    ],
    "number": [("one", "invalid"), ("1e5", "invalid"), ("1.", "invalid"), ("٣", "invalid"), ("1" * 16, "invalid")],
    "date": [("2027-02-29", "invalid"), ("28.02.2027", "invalid"), ("20270228", "invalid"), ("2027-W01-1", "invalid")],
    "choice": [("red", "invalid"), ("Green", "invalid")],
    "checkbox": [("yes", "invalid"), ("True", "invalid")],
}


def question(kind: str, *, required: bool = False) -> dict[str, Any]:
    options = ["Red", "Blue"] if kind == "choice" else []
    return {"id": "q", "label": "Question", "kind": kind, "required": required, "options": options}


def page(*questions: dict[str, Any], **fields: Any) -> Configuration:
    document = {"time_zone": "UTC", "weekly_hours": OFFICE_HOURS, "form_fields": list(questions)}
    return Configuration.model_validate(document | fields)


@pytest.mark.parametrize(("kind", "answer"), [(kind, answer) for kind, answers in GOOD.items() for answer in answers])
def test_r33_a_good_answer_is_kept_with_its_question(kind: str, answer: str) -> None:
    kept = check_form(page(question(kind)), {"q": answer}, [], consent=False)
    assert kept == [{"field_id": "q", "label": "Question", "kind": kind, "value": answer.strip().replace("\r", "")}]


@pytest.mark.parametrize(
    ("kind", "answer", "code"), [(kind, answer, code) for kind, answers in BAD.items() for answer, code in answers]
)
def test_r33_a_bad_answer_is_refused_with_its_place(kind: str, answer: str, code: str) -> None:
    with pytest.raises(ValidationFailed) as refused:
        check_form(page(question(kind)), {"q": answer}, [], consent=False)
    assert [(error.pointer, error.code) for error in refused.value.errors] == [("/answers/q", code)]


@pytest.mark.parametrize("kind", GOOD)
def test_r33_what_is_required_must_be_answered_and_what_is_not_may_be_left_out(kind: str) -> None:
    for nothing in ({}, {"q": ""}, {"q": "  "}, *([{"q": "false"}] if kind == "checkbox" else [])):
        with pytest.raises(ValidationFailed) as refused:
            check_form(page(question(kind, required=True)), nothing, [], consent=False)
        assert [(error.pointer, error.code) for error in refused.value.errors] == [("/answers/q", "required")]
    assert check_form(page(question(kind)), {"q": " "}, [], consent=False) == []


def test_r33_everything_that_is_wrong_is_told_at_once() -> None:
    questions = [question("text", required=True), question("number") | {"id": "n"}]
    with pytest.raises(ValidationFailed) as refused:
        check_form(page(*questions, max_guests=1), {"n": "x", "other": "y"}, ["a@x.se", "b@x.se"], consent=False)
    assert {(error.pointer, error.code) for error in refused.value.errors} == {
        ("/answers/q", "required"),
        ("/answers/n", "invalid"),
        ("/answers/other", "unknown_field"),
        ("/guests", "too_long"),
    }


def test_r33_an_emptied_text_asks_for_no_consent() -> None:
    assert page(consent_text=" ").consent_text is None
    assert check_form(page(consent_text=""), {}, [], consent=False) == []


def test_r33_what_is_wrong_with_an_answer_is_pointed_at_whatever_its_key() -> None:
    with pytest.raises(ValidationFailed) as refused:
        check_form(page(), {"a/b~c": "x"}, [], consent=False)
    assert [error.pointer for error in refused.value.errors] == ["/answers/a~1b~0c"], "RFC 6901"


def test_r33_consent_is_needed_where_it_is_asked_for() -> None:
    asking = page(consent_text="May we store this?")
    with pytest.raises(ConsentRequired):
        check_form(asking, {}, [], consent=False)
    assert check_form(asking, {}, [], consent=True) == []
    assert check_form(asking, {}, [], consent=True, shown="May we store this?") == []
    with pytest.raises(ConsentRequired):
        check_form(asking, {}, [], consent=True, shown="May we store this, and sell it?")
    assert check_form(page(), {}, [], consent=False) == []
    assert check_form(page(), {}, [], consent=True, shown="It asked when the page was opened.") == []


async def test_r33_what_a_visitor_agreed_to_is_what_they_were_shown(world: World) -> None:
    person = await world.connected()
    made = await person.make_page(consent_text="We keep your number.")
    await person.patch(f"/v1/scheduling-pages/{made['id']}", {"consent_text": "We sell your number."})
    start = person.at(3, "10:00").isoformat()
    agreed = {"consent": True, "consent_text": "We keep your number."}
    problem(await person.book(made["id"], start, **agreed), 422, "consent_required")
    booked = await person.book(made["id"], start, **agreed | {"consent_text": "We sell your number."})
    assert booked.status_code == 201, booked.text
    assert (await person.get(f"/v1/bookings/{booked.json()['id']}")).json()["consent_text"] == "We sell your number."


async def test_r33_the_form_is_checked_on_the_way_in_and_kept_with_the_booking(world: World) -> None:
    person = await world.connected()
    made = await person.make_page(
        form_fields=[question("choice", required=True), question("phone") | {"id": "phone", "label": "Phone"}],
        max_guests=1, consent_text="May we store this?",
    )  # fmt: skip
    start = person.at(3, "10:00").isoformat()
    good = {"answers": {"phone": "+46701234567", "q": "Red"}, "guests": ["g@example.com"], "consent": True}
    problem(await person.book(made["id"], start, **good | {"answers": {}}), 422, "validation_failed")
    problem(await person.book(made["id"], start, **good | {"consent": False}), 422, "consent_required")
    guests = good["guests"] + ["h@example.com"]
    problem(await person.book(made["id"], start, **good | {"guests": guests}), 422, "validation_failed")
    booked = await person.book(made["id"], start, **good)
    assert booked.status_code == 201, booked.text
    expected = [
        {"field_id": "phone", "label": "Phone", "value": "+46701234567"},
        {"field_id": "q", "label": "Question", "value": "Red"},
    ]
    assert sorted(booked.json()["answers"], key=lambda item: item["field_id"]) == expected
    await person.patch(f"/v1/scheduling-pages/{made['id']}", {"form_fields": []})
    own = (await person.get(f"/v1/bookings/{booked.json()['id']}")).json()
    assert sorted(own["answers"], key=lambda item: item["field_id"]) == expected
    await world.work()
    [mail] = await world.sandbox.mails(person.email)
    assert "Question: Red" in mail["text"]


async def test_r51_a_box_says_yes_or_no_to_each_in_their_language(world: World) -> None:
    person = await world.connected(locale="pl")
    boxes = [
        question("checkbox") | {"id": "a", "label": "Newsletter"},
        question("checkbox") | {"id": "b", "label": "Car"},
    ]
    boxes += [question("text") | {"id": "c", "label": "Magic word"}]
    made = await person.make_page(form_fields=boxes)
    said = {"a": "true", "b": "false", "c": "true"}
    booked = await person.book(made["id"], person.at(3, "10:00").isoformat(), answers=said, language="de")
    assert {item["field_id"]: item["value"] for item in booked.json()["answers"]} == said, "to programs as it was said"
    assert {frozenset(item) for item in booked.json()["answers"]} == {frozenset({"field_id", "label", "value"})}
    await world.work()
    [mail] = await world.sandbox.mails(person.email)
    told = [line for line in mail["text"].splitlines() if line.startswith(("Newsletter", "Car", "Magic"))]
    assert told == ["Newsletter: Tak", "Car: Nie", "Magic word: true"]


async def test_r33_what_the_visitor_agreed_to_is_kept_in_the_words_of_then(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = await world.connected()
    page = await person.make_page(consent_text="May we store this?")
    real = BookingDesk._look_under_lock

    async def reworded(self: BookingDesk, *given: Any) -> Any:
        changed = await person.patch(f"/v1/scheduling-pages/{page['id']}", {"consent_text": "And sell it?"})
        assert changed.status_code == 200, changed.text
        return await real(self, *given)

    monkeypatch.setattr(BookingDesk, "_look_under_lock", reworded)
    booked = await person.book(page["id"], person.at(3, "10:00").isoformat(), consent=True)
    assert booked.status_code == 201, booked.text
    own = (await person.get(f"/v1/bookings/{booked.json()['id']}")).json()
    assert own["consent_text"] == "May we store this?"
    monkeypatch.undo()
    await person.patch(f"/v1/scheduling-pages/{page['id']}", {"consent_text": None})
    unasked = await person.book(page["id"], person.at(3, "11:00").isoformat(), consent=True)
    assert (await person.get(f"/v1/bookings/{unasked.json()['id']}")).json()["consent_text"] is None


async def test_r33_a_request_hands_on_what_was_agreed_to(world: World) -> None:
    person = await world.person()
    page = await person.make_page(consent_text="May we store this?")
    asked = await person.book(page["id"], person.at(3, "10:00").isoformat(), consent=True)
    assert asked.status_code == 202, asked.text
    path = f"/v1/meeting-requests/{asked.json()['id']}"
    assert (await person.get(path)).json()["consent_text"] == "May we store this?"
    await world.sandbox.google_account(person.email)
    await person.connect()
    await world.work()
    accepted = await person.post(f"{path}/accept")
    assert accepted.status_code == 200, accepted.text
    booking = (await person.get(f"/v1/bookings/{accepted.json()['booking_id']}")).json()
    assert booking["consent_text"] == "May we store this?"
