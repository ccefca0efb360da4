"""What is a good answer to a page's question (R33). Pure.

The one rule: a form that is filled in beforehand and one that is sent are judged alike.
"""

import re
from datetime import date
from typing import Final

from email_validator import EmailNotValidError, validate_email

from app.scheduling.configuration import FormField

_PHONE: Final = re.compile(r"\+?[0-9 ()./-]{1,31}", re.ASCII)
_FEWEST_DIGITS: Final = 5
_NUMBER: Final = re.compile(r"^-?[0-9]{1,15}([.,][0-9]{1,6})?$")
_DATE: Final = re.compile(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x85\u2028\u2029]")
_MORE_THAN_A_LINE: Final = re.compile(r"[\t\n]")
_LINE: Final = 500
_LONG: Final = 5000


def as_kept(value: str) -> str:
    """An answer as it is judged and kept: forms of browsers end their lines in two ways more."""
    return value.replace("\r\n", "\n").replace("\r", "\n").strip()


def fault_of(field: FormField, value: str) -> str | None:
    """What is wrong with an answer, a field error's code; None when nothing is."""
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
            return _is_phone(value)
        case "number":
            return _NUMBER.match(value) is not None
        case "date":
            return _is_date(value)
        case "choice":
            return value in field.options
        case _:
            return True


def _is_phone(value: str) -> bool:
    """However people write them: `+46 70 123 45 67`, `(030) 1234-567`."""
    return _PHONE.fullmatch(value) is not None and sum(map(str.isdigit, value)) >= _FEWEST_DIGITS


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
