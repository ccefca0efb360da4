"""The matrix of those who have no token of the CRM: visitors, with links of others, used ones and old ones.

The one rule: a token that does not open a thing answers as it does for a thing that never was.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Final

from tests.authorisation import rules
from tests.authorisation.calls import call_naming, rightful_call, thing
from tests.authorisation.city import City
from tests.authorisation.document import BOOKING_TOKEN, Call, Operation, Place
from tests.authorisation.findings import Finding, code_of, difference
from tests.authorisation.matrix import chosen, ignored, let_in, missing_id, nowhere, unchanged

OPEN: Final = {
    "getLiveness": "says that the process runs",
    "getReadiness": "says that the database answers",
    "getRobotsTxt": "is for crawlers",
    "resolveSchedulingPageUrl": "leads whoever has a link to its page",
    "getPublicSchedulingPage": "shows a page to whoever has its id",
    "listPublicSlots": "shows a page to whoever has its id",
    "createSlotHold": "keeps a time of a page for whoever has its id",
    "reportBookingAttempt": "always says the same",
    "getPublicTimeProposal": "shows the times to whoever has the proposal's id",
    "getPublicChatWidget": "shows the widget to whoever has its key",
}
"""Public operations with nothing to guess, and why."""

SECRETS: Final = {
    "releaseSlotHold": "Hold-Token",
    "getFormPrefill": "Visitor-Token",
    "bookMeeting": "the hold's",
    "completeConnectionAuthorization": "state",
}
"""Public operations to which a secret opens something."""

_LONG_AFTER: Final = timedelta(days=200)


async def other_tokens(city: City, only: frozenset[str] | None = None) -> list[Finding]:
    """A booking or request with everything but its own token."""
    found: list[Finding] = []
    for operation in chosen(city, only, BOOKING_TOKEN):
        call = rightful_call(operation, city.ada)
        for case, headers in _wrong(city, operation).items():
            wrong = replace(call, headers=headers)
            answer, other = await city.send(wrong, {}), await city.send(nowhere(operation, wrong), {})
            if (answer.status_code, code_of(answer)) != (401, "booking_token_invalid"):
                found.append(Finding(operation.id, case, f"answers {answer.status_code} {answer.text}"))
            elif told := difference(answer, other):
                found.append(Finding(operation.id, case, told))
        found += await unchanged(city, operation)
    return found


def _wrong(city: City, operation: Operation) -> dict[str, Mapping[str, str]]:
    ada, bob = city.ada.tokens, city.bob.tokens
    [place] = operation.places
    near, far = ("other booking", "mreq") if place.kind == "bkg" else ("other request", "bkg")
    tokens = {
        "malformed": "x",
        "of another of the account": ada[near],
        "of another kind": ada[far],
        "of another account": bob[place.kind],
        "of a hold": ada["hold"],
        "of a form": ada["form"],
        "one letter off": ada[place.kind][:-2] + ("A" if ada[place.kind][-2] != "A" else "B") + ada[place.kind][-1],
    }
    headers: dict[str, Mapping[str, str]] = {case: {"Booking-Token": token} for case, token in tokens.items()}
    headers["the host's own token instead"] = city.ada.owner.headers | {"Booking-Token": "x"}
    return headers


async def no_token(city: City, only: frozenset[str] | None = None) -> list[Finding]:
    """A booking or request without any token, or with one that is too long to be one."""
    found: list[Finding] = []
    for operation in chosen(city, only, BOOKING_TOKEN):
        call = rightful_call(operation, city.ada)
        for case, headers in {"none": {}, "empty": {"Booking-Token": ""}, "long": {"Booking-Token": "x" * 500}}.items():
            bare = replace(call, headers=headers)
            answer, other = await city.send(bare, city.ada.owner.headers), await city.send(nowhere(operation, bare), {})
            told = let_in(answer) or difference(answer, other)
            found += [Finding(operation.id, case, told)] if told else []
        found += await unchanged(city, operation)
    return found


async def secrets_of_others(city: City, only: frozenset[str] | None = None) -> list[Finding]:
    """Holds, forms and authorizations with somebody else's secret, or with none that was ever given out."""
    found: list[Finding] = []
    for operation in chosen(city, only):
        if operation.id not in SECRETS:
            continue
        for place in operation.places:
            if place.kind in rules.IGNORED:
                found += await ignored(city, operation, place, {})
        for case, guessed, unknown in _pairs(city, operation):
            answer, other = await city.send(guessed, {}), await city.send(unknown, {})
            ids = (*guessed.path.values(), *unknown.path.values())
            told = let_in(answer) or difference(answer, other, *ids)
            found += [Finding(operation.id, case, told)] if told else []
        found += await unchanged(city, operation)
    return found


def _pairs(city: City, operation: Operation) -> list[tuple[str, Call, Call]]:
    """The call with what is somebody else's, and the same with what is nobody's."""
    own = rightful_call(operation, city.ada)
    if operation.id == "releaseSlotHold":
        others = replace(own, headers={"Hold-Token": city.bob.tokens["hold"]})
        booking = replace(own, headers={"Hold-Token": city.ada.tokens["bkg"]})
        return [
            (case, call, nowhere(operation, call)) for case, call in (("other hold's", others), ("booking's", booking))
        ]
    if operation.id == "getFormPrefill":
        return [
            (case, replace(own, headers={"Visitor-Token": token}), replace(own, headers={"Visitor-Token": "unknown"}))
            for case, token in (("another account's", city.bob.tokens["form"]), ("a booking's", city.ada.tokens["bkg"]))
        ]
    if operation.id == "bookMeeting":
        return [
            (f"other account, {place}", *_swapped(city, operation, place))
            for place in operation.places
            if place.kind == "hold"
        ]
    return [
        ("a booking's token", _query(own, state=city.ada.tokens["bkg"]), _query(own, state="unknown")),
        ("a code without its state", _query(own, state="x"), _query(own, state="y", code="unknown")),
    ]


def _swapped(city: City, operation: Operation, place: Place) -> tuple[Call, Call]:
    call = call_naming(operation, place, city.bob)
    return call.holding(place, thing(operation, place, city.ada)), call.holding(place, missing_id(place.kind))


def _query(call: Call, **changes: str) -> Call:
    return replace(call, query={**call.query, **changes})


async def used_and_expired(city: City, only: frozenset[str] | None = None) -> list[Finding]:
    """Links that were good once answer like links that never were."""
    found: list[Finding] = []
    for operation in chosen(city, only):
        old = replace(rightful_call(operation, city.ada), later=_LONG_AFTER)
        if operation.scheme == BOOKING_TOKEN:
            found += await _alike(city, operation, "expired", old, nowhere(operation, old))
        elif operation.id == "getFormPrefill":
            unknown = replace(old, headers={"Visitor-Token": "unknown"})
            found += await _alike(city, operation, "expired", old, unknown)
        elif operation.id == "completeConnectionAuthorization":
            found += await _states(city, operation)
    return found


async def _states(city: City, operation: Operation) -> list[Finding]:
    own, late = rightful_call(operation, city.ada), rightful_call(operation, city.bob)
    expired = await city.send(replace(late, later=_LONG_AFTER), {})
    assert (await city.send(own, {})).status_code == 303
    found = await _alike(city, operation, "used", own, _query(own, state="unknown"))
    if "status=expired" not in expired.headers.get("Location", ""):  # whose browser it is may learn that it is too late
        found.append(Finding(operation.id, "expired", f"answers {expired.status_code} {expired.text}"))
    return found


async def _alike(city: City, operation: Operation, case: str, call: Call, unknown: Call) -> list[Finding]:
    answer, other = await city.send(call, {}), await city.send(unknown, {})
    await city.changed()
    told = let_in(answer) or difference(answer, other)
    return [Finding(operation.id, case, told)] if told else []
