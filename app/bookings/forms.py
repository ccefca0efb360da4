"""Answers to a page's form, checked against its questions (R33). Pure.

The one rule: the server decides what is valid; an answer to no question is refused, not dropped.
"""

from collections.abc import Iterable, Mapping, Sequence

from app.calendar import normalised
from app.errors import ConsentRequired, FieldError, ValidationFailed, pointer_to
from app.i18n import Language, translate
from app.scheduling.configuration import Configuration
from app.scheduling.form_answers import as_kept, fault_of


def check_form(
    page: Configuration, answers: Mapping[str, str], guests: Sequence[str], *, consent: bool, shown: str | None = None
) -> list[dict[str, str]]:
    """The answers as they are stored; `shown`: the text that was agreed to, where that is known.

    Raises: ValidationFailed, ConsentRequired.
    """
    questions = {field.id: field for field in page.form_fields}
    answers = {key: as_kept(value) for key, value in answers.items()}
    errors = [FieldError(pointer_to("answers", key), "unknown_field") for key in answers if key not in questions]
    faults = ((field.id, fault_of(field, answers.get(field.id, ""))) for field in page.form_fields)
    errors += [FieldError(f"/answers/{key}", fault) for key, fault in faults if fault is not None]
    if len(guests) > page.max_guests:
        errors.append(FieldError("/guests", "too_long", {"limit": page.max_guests}))
    if errors:
        raise ValidationFailed(errors=errors)
    if page.consent_text is not None and not (consent and shown in {None, page.consent_text}):
        raise ConsentRequired
    return [
        {"field_id": key, "label": questions[key].label, "kind": questions[key].kind, "value": value}
        for key, value in answers.items()
        if value
    ]


def in_words(answers: Iterable[Mapping[str, str]], language: Language) -> list[tuple[str, str]]:
    """Question and answer as people read them: a box says yes or no, in their language."""
    return [(answer["label"], _said(answer, language)) for answer in answers]


def _said(answer: Mapping[str, str], language: Language) -> str:
    if answer.get("kind") != "checkbox":  # before there was a kind, a box said what it says to programs
        return answer["value"]
    return translate(language, f"mail.answer.{answer['value']}")


def guests_once(visitor: str, guests: Sequence[str]) -> list[str]:
    """Every guest once, the visitor not among them; calendars refuse or fold an address that comes twice."""
    first = {normalised(visitor): visitor}
    for guest in guests:
        first.setdefault(normalised(guest), guest)
    return list(first.values())[1:]
