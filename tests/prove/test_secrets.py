"""The judges of the secrets battery: each is shown a leak.

The one rule: what is looked for is found in whatever it hides, and only what is named is excused.
"""

import base64
import json
from typing import Any, cast

import pytest

from prove.attack_outbound import Target
from prove.secrets_canaries import Canary, Flock, strays
from prove.secrets_drive import Drive, Said
from prove.secrets_reviewed import COLUMNS


def coats(value: str) -> list[bytes]:
    raw = value.encode()
    return [
        raw,
        raw.upper(),
        raw.hex().encode(),
        raw.hex().upper().encode(),
        json.dumps({"a": f"x{value}y"}).encode(),
        *(base64.b64encode(b"x" * before + raw + b"tail") for before in range(3)),
        *(base64.urlsafe_b64encode(b"head:"[:before] + raw) for before in range(3)),
    ]


def test_p5_the_search_sees_through_every_coat() -> None:
    flock = Flock()
    for coat in coats(flock.secret("value")):
        assert flock.found_in(b"... " + coat + b" ...") == {"value"}, coat
    odd = flock.add("odd", 'a"b/c+d é=&<twelve>')
    for text in (json.dumps(odd), "a%22b%2Fc%2Bd%20%C3%A9%3D%26%3Ctwelve%3E", "a&#34;b/c+d é=&amp;&lt;twelve>"):
        assert "odd" in flock.found_in(text.encode()), text
    assert flock.found_in(b"nothing of the kind") == set()


def test_a_canary_that_could_be_chance_is_none() -> None:
    with pytest.raises(ValueError, match="too short"):
        Canary("short", "abc", secret=True)


def test_a_value_keeps_its_first_name() -> None:
    flock = Flock()
    flock.add("first", "the very same value")
    flock.add("second", "the very same value")
    assert flock.found_in(b"the very same value") == {"first"}


def drive() -> Drive:
    return Drive(cast("Target", None), Flock())


def test_a_secret_may_be_told_once_by_the_answer_that_makes_it() -> None:
    driven = drive()
    driven.said.append(Said("POST /tokens", 201, b'{"token": "a-secret-of-some-length"}'))
    driven.keep("token", "a-secret-of-some-length")
    assert driven.leaks == []
    driven.said.append(Said("GET /tokens", 200, b'{"token": "a-secret-of-some-length"}'))
    assert driven.leaks == ["GET /tokens → 200: token"]


def test_a_refusal_tells_nothing_that_was_sent() -> None:
    driven = drive()
    name = driven.flock.text("visitor_name")
    driven.said.append(Said("GET /bookings", 200, name.encode()))
    assert driven.leaks == [], "who owns it may read it"
    driven.said.append(Said("POST /bookings", 422, f'{{"detail": "{name} is no number"}}'.encode()))
    assert driven.leaks == ["POST /bookings → 422: visitor_name"]


def test_only_columns_with_a_reason_are_excused() -> None:
    found: dict[str, Any] = {
        "visitor_email": {"bookings.visitor_email", "audit_entries.data"},
        "token": {"mails.letter"},
    }
    assert strays(found, COLUMNS) == {"visitor_email": {"audit_entries.data"}, "token": {"mails.letter"}}
    assert all(reason for columns in COLUMNS.values() for reason in columns.values())
