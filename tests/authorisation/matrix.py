"""The matrix: every operation of the document, by every caller who may not, at every id that can be swapped.

The one rule: a group of the matrix answers with what it found and judges nothing by luck. Foreign and missing are
compared to the byte, and after each operation the whole database is as it was.
"""

from collections.abc import Iterator, Mapping
from typing import Final, get_args

import httpx

from app.ids import encode_id, new_id
from sandbox.identity import Defect
from tests.authorisation import rules
from tests.authorisation.calls import call_naming, rightful_call, thing
from tests.authorisation.city import City, without
from tests.authorisation.document import BEARER, Call, Operation, Place
from tests.authorisation.estate import Estate
from tests.authorisation.findings import Finding, code_of, difference
from tests.support.people import Person

_FIRST_REFUSAL, _FIRST_FAULT = 400, 500
_TAKEN_OVER: Final = {"public.users", "public.accounts"}
"""What a person's newer token says of their rights is taken over before it is asked what it is good for."""
_ALIKE: Final = {"listDriftEntries", "listTasks", "listAuditLog", "upsertUser", "deleteUser"}
"""A filter by what one cannot see finds nothing, and the CRM's own ids are the CRM's to give out."""


def missing_id(kind: str) -> str:
    """An id of this kind that nobody has."""
    return encode_id("bkg" if kind.startswith("[") else kind, new_id())


def swappable(place: Place) -> bool:
    """Whether another id there can lead to what is somebody else's."""
    return place.kind not in rules.OF_THE_WORLD


def nowhere(operation: Operation, call: Call) -> Call:
    """The call with ids in its path that nobody has."""
    for place in operation.places:
        if place.where == "path" and swappable(place):
            call = call.holding(place, missing_id(place.kind))
    return call


async def rightful(city: City, only: frozenset[str] | None = None) -> list[Finding]:
    """Whoever may, can: each operation, and each id that it takes, with what is the caller's own."""
    found: list[Finding] = []
    for operation in chosen(city, only):
        calls = [("as it stands", rightful_call(operation, city.ada), city.caller(operation, city.ada))]
        calls += [
            (str(place), call_naming(operation, place, city.ada), city.caller(operation, city.ada, place))
            for place in operation.places
            if place.where != "path"
        ]
        for case, call, person in calls:
            answer = await city.send(call, person.headers if operation.scheme == BEARER else {})
            await city.changed()
            if answer.status_code >= _FIRST_REFUSAL:
                found.append(Finding(operation.id, case, f"{answer.status_code} {answer.text}"))
    return found


async def bad_tokens(city: City, only: frozenset[str] | None = None) -> list[Finding]:
    """No token, and tokens with every defect the issuer can make: nobody is let in, and nobody learns what there is."""
    found: list[Finding] = []
    tokens = {person.user_id: await _defective(person) for person in _callers(city)}
    for operation in chosen(city, only, BEARER):
        call = rightful_call(operation, city.ada)
        for case, headers in tokens[city.caller(operation, city.ada).user_id].items():
            answer, other = await city.send(call, headers), await city.send(nowhere(operation, call), headers)
            code = "token_expired" if case == "expired" else "unauthenticated"
            if (answer.status_code, code_of(answer)) != (401, code):
                found.append(Finding(operation.id, case, f"let in: {answer.status_code} {answer.text}"))
            elif told := difference(answer, other):
                found.append(Finding(operation.id, case, told))
        found += await unchanged(city, operation)
    return found


def _callers(city: City) -> Iterator[Person]:
    for role in ("owner", "exchange", "newcomer", "service"):
        yield city.ada.person(role)


async def _defective(person: Person) -> dict[str, dict[str, str]]:
    """The person's token in every way that a token can be wrong."""
    refused = {"anonymous": {}, "no scheme": {"Authorization": person.token}, "empty": {"Authorization": "Bearer "}}
    for defect in get_args(Defect):
        token = await person.sandbox.issue_token(**person.claims, defect=defect)
        refused[defect] = {"Authorization": f"Bearer {token}"}
    return refused


async def permissions(city: City, only: frozenset[str] | None = None) -> list[Finding]:
    """A good token that lacks what the operation needs, or speaks for a service where a person is asked for."""
    found: list[Finding] = []
    for operation in chosen(city, only, BEARER):
        call = rightful_call(operation, city.ada)
        for case, headers, newer in await _unfit(city, operation):
            answer, other = await city.send(call, headers), await city.send(nowhere(operation, call), headers)
            if answer.status_code != 403:
                found.append(Finding(operation.id, case, f"let in: {answer.status_code} {answer.text}"))
            elif not newer and (told := difference(answer, other)):  # people may learn of what is their own
                found.append(Finding(operation.id, case, told))
            changed = await city.changed() - (_TAKEN_OVER if newer else set())
            found += [Finding(operation.id, case, f"changed {sorted(changed)}")] if changed else []
    return found


async def _unfit(city: City, operation: Operation) -> list[tuple[str, dict[str, str], bool]]:
    """Tokens of the account, good and not good enough; and whether they are a person's newer word on their rights."""
    if operation.id in rules.ANYBODY:
        return []
    owner, service = city.caller(operation, city.ada), city.ada.service
    if operation.id in rules.SERVICE:
        lacking = await without(service, rules.SERVICE[operation.id])
        return [("service without the permission", lacking, False), ("person with all", city.ada.owner.headers, False)]
    if operation.id in rules.PERSON_OR_SERVICE:
        lacking = await without(service, rules.PERSON_OR_SERVICE[operation.id])
        return [("service without the permission", lacking, False)]
    unfit = []
    if (needed := rules.needs(operation.id)) is not None:
        unfit.append(("person without the permission", await without(owner, needed), True))
    if operation.id in rules.WHOEVER_MAY:
        unfit.append(("service without the permission", await without(service, rules.WHOEVER_MAY[operation.id]), False))
    else:
        unfit.append(("service with all", service.headers, False))
    return unfit


async def swapped_ids(city: City, only: frozenset[str] | None = None) -> list[Finding]:
    """Somebody else's id in path, query and body, by everybody for whom it is somebody else's."""
    found: list[Finding] = []
    for operation in chosen(city, only, BEARER):
        for place in operation.places:
            if place.kind in rules.IGNORED:
                found += await ignored(city, operation, place, city.caller(operation, city.bob).headers)
            for case, person, estate in _strangers(city, operation, place):
                found += await _swap(city, operation, place, (f"{case}, {place}", person.headers, estate))
        found += await unchanged(city, operation)
    return found


def _strangers(city: City, operation: Operation, place: Place) -> Iterator[tuple[str, Person, Estate]]:
    if not swappable(place):
        return
    yield "other account", city.caller(operation, city.bob, place), city.bob
    if operation.id in rules.SERVICE:
        return
    yield "same user id in another account", city.twin, city.bob
    if operation.id in rules.PERSON_OR_SERVICE or operation.id in rules.ANYBODY:
        yield "service of another account", city.bob.service, city.bob
    own = place.kind not in rules.OF_THE_ACCOUNT or operation.id in rules.SEEN_BY_ALL
    if own and operation.id not in rules.WHOEVER_MAY:
        yield "other user of the account", city.caller(operation, city.cleo, place), city.cleo


async def _swap(
    city: City, operation: Operation, place: Place, who: tuple[str, Mapping[str, str], Estate]
) -> list[Finding]:
    case, headers, estate = who
    victims, nobodys = thing(operation, place, city.ada), missing_id(place.kind)
    call = call_naming(operation, place, estate)
    own = call.holding(place, victims)
    foreign, missing = await city.send(own, headers), await city.send(call.holding(place, nobodys), headers)
    told: str | None
    if estate is city.cleo and operation.id in rules.SEEN_BY_ALL:
        told = None if foreign.status_code == 403 else let_in(foreign)
    elif operation.id in _ALIKE:
        changed = await city.changed_for_others()
        told = f"changed {sorted(changed)}" if changed else difference(foreign, missing, victims, nobodys)
    else:
        told = let_in(foreign) or difference(foreign, missing, victims, nobodys)
    told = told or leak(city, own, foreign, shared=city.ada.shared(estate))
    return [Finding(operation.id, case, told)] if told else []


async def ignored(city: City, operation: Operation, place: Place, headers: Mapping[str, str]) -> list[Finding]:
    """An id that is left out of account where it is not one's own: its owner's account is as it was."""
    call = call_naming(operation, place, city.bob).holding(place, thing(operation, place, city.ada))
    answer = await city.send(call, headers)
    changed = await city.changed_for_others()
    told = f"changed {sorted(changed)}" if changed else leak(city, call, answer, shared=set())
    return [Finding(operation.id, f"other account, {place}", told)] if told else []


def let_in(answer: httpx.Response) -> str | None:
    """What is wrong with an answer that had to be a refusal."""
    refused = _FIRST_REFUSAL <= answer.status_code < _FIRST_FAULT
    return None if refused else f"let in: {answer.status_code} {answer.text}"


def leak(city: City, call: Call, answer: httpx.Response, *, shared: set[str]) -> str | None:
    """What the answer tells of Ada's that the caller has not said themselves."""
    said = call.told()
    told = [secret for secret in city.ada.secrets() - shared if secret in answer.text and secret not in said]
    return f"leaks {told}" if told else None


async def own_answers(city: City, only: frozenset[str] | None = None) -> list[Finding]:
    """What everybody else reads of their own holds nothing of Ada's."""
    found: list[Finding] = []
    for operation in chosen(city, only, BEARER):
        if operation.method != "GET":
            continue
        for case, person, estate in _readers(city, operation):
            call = rightful_call(operation, estate)
            answer = await city.send(call, person.headers)
            if told := leak(city, call, answer, shared=city.ada.shared(estate)):
                found.append(Finding(operation.id, case, told))
            elif answer.status_code >= _FIRST_REFUSAL and person in (estate.owner, *_serving(operation, estate)):
                found.append(Finding(operation.id, case, f"cannot read their own: {answer.status_code} {answer.text}"))
        await city.changed()  # who comes for the first time is given settings
    return found


def _serving(operation: Operation, estate: Estate) -> list[Person]:
    """The service, where it reads what it is asked to."""
    both = operation.id in rules.PERSON_OR_SERVICE or operation.id in rules.WHOEVER_MAY
    return [estate.service] if both or operation.id in rules.SERVICE else []


def _readers(city: City, operation: Operation) -> Iterator[tuple[str, Person, Estate]]:
    yield "other account", city.caller(operation, city.bob), city.bob
    yield "same user id in another account", city.twin, city.bob
    yield "service of another account", city.bob.service, city.bob
    if operation.id not in rules.SERVICE and operation.id not in rules.WHOEVER_MAY:
        yield "other user of the account", city.caller(operation, city.cleo), city.cleo


async def unchanged(city: City, operation: Operation) -> list[Finding]:
    changed = await city.changed()
    return [Finding(operation.id, "refused calls", f"changed {sorted(changed)}")] if changed else []


def chosen(city: City, only: frozenset[str] | None, scheme: str | None = None) -> list[Operation]:
    """The operations of a scheme (None: all), in an order in which nothing is needed after it is gone."""
    return [
        operation
        for operation in city.operations
        if (only is None or operation.id in only) and scheme in (None, operation.scheme)
    ]
