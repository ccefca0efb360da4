"""`$filter` by extended properties: what may be asked of text, of numbers, and of what is not there."""

import pytest

from tests.sandbox.microsoft.live import ADA, meeting

SET = "{66f5a359-4659-4830-9070-00047ec6ac6e}"
COLOR, SIZE = f"String {SET} Name Color", f"Integer {SET} Name Size"
SEEN, SENDER = f"SystemTime {SET} Name Seen", f"CLSID {SET} Name Sender"
GUID = "b9cf8971-7d55-4b73-9ffa-a584611b600b"
HELD = {
    "A": {COLOR: "Light Green", SIZE: "9", SEEN: "2026-12-01T10:00:00Z", SENDER: GUID.upper()},
    "B": {COLOR: "green", SIZE: "12", SEEN: "2026-12-02T10:00:00Z"},
    "C": {COLOR: "O'Red", SIZE: "100"},
    "D": {},
}


@pytest.fixture(scope="module")
def ada(server):
    """Nothing here changes the mailbox, so it is filled once."""
    server.control("POST", "/reset")
    ada = server.api(ADA)
    for hour, (subject, held) in enumerate(HELD.items(), start=8):
        properties = [{"id": name, "value": value} for name, value in held.items()]
        ada.create(meeting(hour=hour, subject=subject, singleValueExtendedProperties=properties))
    return ada


def within(name, condition):
    return f"singleValueExtendedProperties/Any(ep: ep/id eq '{name}' and {condition})"


def found(ada, text):
    return "".join(sorted(row["subject"] for row in ada.ok("GET", "/me/events", S_filter=text)["value"]))


@pytest.mark.parametrize(
    ("name", "condition", "subjects"),
    [
        (COLOR, "ep/value eq 'GREEN'", "B"),
        (COLOR, "ep/value ne 'green'", "AC"),
        (COLOR, "contains(ep/value, 'gReEn')", "AB"),
        (COLOR, "startswith(ep/value, 'light')", "A"),
        (COLOR, "contains(ep/Value, 'o''r')", "C"),
        (COLOR, "ep/value ne null", "ABC"),
        (COLOR, "ep/value eq null", "D"),
        (SIZE, "ep/value eq '12'", "B"),
        (SIZE, "ep/value eq '12.0'", "B"),
        (SIZE, "ep/value ne '12'", "AC"),
        (SIZE, "ep/value gt '9'", "BC"),
        (SIZE, "ep/value ge '9'", "ABC"),
        (SIZE, "ep/value lt '100'", "AB"),
        (SIZE, "cast(ep/value, Edm.Int32) eq 12", "B"),
        (SIZE, "cast(ep/value, Edm.Int32) le 12.5", "AB"),
        (SIZE, "cast(ep/value, Edm.Int32) gt -1", "ABC"),
        (SIZE, "ep/value eq null", "D"),
        (SEEN, "cast(ep/value, Edm.DateTimeOffset) lt 2026-12-01T12:00:00+01:00", "A"),
        (SEEN, "ep/value ge '2026-12-01T10:00:00Z'", "AB"),
        (SENDER, f"cast(ep/value, Edm.Guid) eq ({GUID})", "A"),
        (SENDER, f"ep/value eq '{GUID}'", "A"),
    ],
)
def test_a_value_is_compared_as_its_type_is(ada, name, condition, subjects):
    assert found(ada, within(name, condition)) == subjects


def test_the_value_may_come_first_and_other_conditions_beside(ada):
    first = f"singleValueExtendedProperties/any(ep:contains(ep/value,'green') and ep/id eq '{COLOR}')"
    assert found(ada, first) == "AB"
    assert found(ada, f"{first} and subject eq 'A'") == "A"
    assert found(ada, f"not ({first})") == "CD"


def test_names_of_properties_have_case_and_their_sets_have_none(ada):
    assert not found(ada, within(COLOR.replace("Color", "color"), "ep/value ne null"))
    assert found(ada, within(f"String {SET.upper()} Name Color", "ep/value eq 'green'")) == "B"


@pytest.mark.parametrize(
    "text",
    [
        within(COLOR, "ep/value gt 'a'"),
        within(COLOR, "ep/value gt null"),
        within(SIZE, "contains(ep/value, '1')"),
        within(SIZE, "ep/value eq 'many'"),
        within(SIZE, "ep/value eq 'NaN'"),
        within(SEEN, "ep/value eq 'yesterday'"),
        within(SENDER, "ep/value lt 'a'"),
        within(COLOR, "ep/value eq 'a' and ep/value eq 'b'"),
        within(COLOR, f"ep/id eq '{SIZE}'"),
        within(COLOR, "cast(ep/value, String) eq 'a'"),
        f"singleValueExtendedProperties/any(ep: ep/id eq '{COLOR}')",
        "singleValueExtendedProperties/any(ep: ep/value eq 'green')",
        f"singleValueExtendedProperties/any(ep: ep/id ne '{COLOR}' and ep/value eq 'a')",
        f"singleValueExtendedProperties/any(ep: x/id eq '{COLOR}' and ep/value eq 'a')",
        "(" * 400 + "subject eq 'A'" + ")" * 400,
        "not " * 3000 + "subject eq 'A'",
    ],
)
def test_what_the_type_cannot_do_is_refused(ada, text):
    assert ada.refused("GET", "/me/events", S_filter=text) == (400, "ErrorInvalidUrlQueryFilter")
