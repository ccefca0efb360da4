"""Answers to a page's form, checked against its questions (R33). Pure.

The one rule: the server decides what is valid; an answer to no question is refused, not dropped.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from email_validator import EmailNotValidError, validate_email

from app.errors import ConsentRequired, FieldError, ValidationFailed, pointer_to
from app.i18n import Language, translate
from app.scheduling.configuration import Configuration, FormField

_PHONE = re.compile(r"^\+?[0-9][0-9 ()./-]{4,30}$")
_NUMBER = re.compile(r"^-?[0-9]{1,15}([.,][0-9]{1,6})?$")
_DATE = re.compile(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x85\u2028\u2029]")
_MORE_THAN_A_LINE = re.compile(r"[\t\n]")
_LINE = 500
_LONG = 5000


def check_form(
    page: Configuration, answers: Mapping[str, str], guests: Sequence[str], *, consent: bool, shown: str | None = None
) -> list[dict[str, str]]:
    """The answers as they are stored; `shown`: the text that was agreed to, where that is known.

    Raises: ValidationFailed, ConsentRequired.
    """
    questions = {field.id: field for field in page.form_fields}
    errors = [FieldError(pointer_to("answers", key), "unknown_field") for key in answers if key not in questions]
    errors += [error for field in page.form_fields if (error := _check(field, answers.get(field.id, ""))) is not None]
    if len(guests) > page.max_guests:
        errors.append(FieldError("/guests", "too_long", {"limit": page.max_guests}))
    if errors:
        raise ValidationFailed(errors=errors)
    if page.consent_text is not None and not (consent and shown in {None, page.consent_text}):
        raise ConsentRequired
    return [
        {"field_id": key, "label": questions[key].label, "kind": questions[key].kind, "value": value.strip()}
        for key, value in answers.items()
        if value.strip()
    ]


def in_words(answers: Iterable[Mapping[str, str]], language: Language) -> list[tuple[str, str]]:
    """Question and answer as people read them: a box says yes or no, in their language."""
    return [(answer["label"], _said(answer, language)) for answer in answers]


def _said(answer: Mapping[str, str], language: Language) -> str:
    if answer.get("kind") != "checkbox":  # before there was a kind, a box said what it says to programs
        return answer["value"]
    return translate(language, f"mail.answer.{answer['value']}")


def _check(field: FormField, value: str) -> FieldError | None:
    code = _code(field, value.strip())
    return None if code is None else FieldError(f"/answers/{field.id}", code)


def _code(field: FormField, value: str) -> str | None:
    """What is wrong with an answer; None when nothing is."""
    if not value:
        return "required" if field.required else None
    long = field.kind == "long_text"
    if _CONTROL.search(value) or (not long and _MORE_THAN_A_LINE.search(value)):
        return "not_allowed"
    if len(value) > (_LONG if long else _LINE):
        return "too_long"
    if field.kind == "checkbox":
        return _checkbox(field, value)
    return None if _fits(field, value) else "invalid"


def _checkbox(field: FormField, value: str) -> str | None:
    if value not in {"true", "false"}:
        return "invalid"
    return "required" if field.required and value == "false" else None


def _fits(field: FormField, value: str) -> bool:
    match field.kind:
        case "email":
            return _is_email(value)
        case "phone":
            return _PHONE.match(value) is not None
        case "number":
            return _NUMBER.match(value) is not None
        case "date":
            return _is_date(value)
        case "choice":
            return value in field.options
        case _:
            return True


def _is_email(value: str) -> bool:
    try:
        validate_email(value, check_deliverability=False)
    except EmailNotValidError:
        return False
    return True


def _is_date(value: str) -> bool:
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return _DATE.match(value) is not None  # Python reads `20270228` and weeks as well


def guests_once(visitor: str, guests: Sequence[str]) -> list[str]:
    """Every guest once, the visitor not among them; calendars refuse or fold an address that comes twice."""
    first = {visitor.casefold(): visitor}
    for guest in guests:
        first.setdefault(guest.casefold(), guest)
    return list(first.values())[1:]
