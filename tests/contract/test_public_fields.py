"""What is public was looked at, field by field, and nothing else is told (R34).

    the document   the fields of every public answer are those of `public_fields.json`, each with why it may be public
    the service    the same answers, in every state a page can be in, searched for all that lies beside them

The one rule: a field is public because somebody wrote down why; a new one fails here until they have.
"""

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from app.errors import Conflict, RequestInProgress
from app.settings import Settings
from sandbox.client import Sandbox
from tests.contract.documented import Operation, resolved
from tests.contract.public_ear import PUBLIC, Ear, Exchange
from tests.contract.public_mishaps import mishaps
from tests.contract.public_scenes import elsewhere, known_visitor, offline, out_of_reach, personal, together
from tests.contract.public_stage import open_stage

REVIEWED: dict[str, Any] = json.loads(Path(__file__).with_name("public_fields.json").read_text())
FIELDS: dict[str, dict[str, str]] = REVIEWED["fields"]
WITHHELD: dict[str, dict[str, str]] = REVIEWED["withheld"]
PROBLEM = "application/problem+json"
OURS_TO_FAIL = 500
CONFLICTS = {kind.code for kind in Conflict.__subclasses__()}
BUSY = {RequestInProgress.code}
"""What a database with too much to do answers to anything: as ours to fail as one that is gone."""


def top_level(response: dict[str, Any]) -> list[str]:
    """What an answer is: the names of its schemas, or its media type when it is no JSON."""
    found = []
    for media_type, content in response.get("content", {}).items():
        found += _named(content["schema"]) if media_type.endswith("json") else [media_type]
    return sorted(found)


def _named(schema: dict[str, Any]) -> list[str]:
    """The schema's own name, or those of the union that it is."""
    kinds = resolved(schema).get("oneOf", [])
    if kinds:
        return [name for kind in kinds for name in _named(kind)]
    return [schema["$ref"].rpartition("/")[2]]


def documented_fields(schema: dict[str, Any], path: str = "") -> Iterator[str]:
    """The path of every field in a schema and in what it holds."""
    schema = resolved(schema)
    if path and not path.endswith("[]"):
        yield path
    for kind in [*schema.get("anyOf", []), *schema.get("oneOf", []), *schema.get("allOf", [])]:
        yield from (found for found in documented_fields(kind, path) if found != path)
    for name, inner in schema.get("properties", {}).items():
        yield from documented_fields(inner, f"{path}.{name}" if path else name)
    of_any_name = [schema.get("additionalProperties"), *schema.get("patternProperties", {}).values()]
    for inner in (item for item in of_any_name if isinstance(item, dict)):
        yield from documented_fields(inner, f"{path}.*")
    if "items" in schema:
        yield from documented_fields(schema["items"], f"{path}[]")


def answered_fields(body: Any, open_objects: set[str], path: str = "") -> Iterator[tuple[str, Any]]:
    """The path and the value of every field in an answer; `open_objects` may have any names."""
    if path and not path.endswith("[]"):
        yield path, body
    if isinstance(body, dict):
        for name, inner in body.items():
            name = "*" if path in open_objects else name  # noqa: PLW2901 - the name is data there
            yield from answered_fields(inner, open_objects, f"{path}.{name}" if path else name)
    elif isinstance(body, list):
        for inner in body:
            yield from answered_fields(inner, open_objects, f"{path}[]")


@pytest.fixture(scope="module")
async def ear(settings: Settings, sandbox_addresses: dict[str, str]) -> AsyncIterator[Ear]:
    """Everything that strangers and visitors heard, in one long day."""
    async with Sandbox(sandbox_addresses["http_url"]) as sandbox, open_stage(settings, sandbox) as stage:
        shown = await personal(stage)
        await together(stage)
        await offline(stage)
        await elsewhere(stage)
        await known_visitor(stage)
        await mishaps(stage)
        await out_of_reach(stage, shown)
        yield stage.ear


def test_r34_every_public_answer_is_on_the_list() -> None:
    found = {
        f"{operation.id} {status}": top_level(response)
        for operation in PUBLIC
        for status, response in operation.answers.items()
    }
    assert found == REVIEWED["answers"]


def test_r34_every_public_refusal_is_a_problem() -> None:
    kinds = {tuple(top_level(resolved(response))) for operation in PUBLIC for response in operation.errors.values()}
    assert kinds == {("Problem",)}


@pytest.mark.parametrize("schema", sorted(FIELDS))
def test_r34_the_fields_of_a_public_answer_are_those_that_were_reviewed(schema: str) -> None:
    documented = set(documented_fields({"$ref": f"#/components/schemas/{schema}"}))
    assert documented == FIELDS[schema].keys() | WITHHELD.get(schema, {}).keys()


def test_r34_the_list_says_why_and_nothing_twice() -> None:
    answered = {name for names in REVIEWED["answers"].values() for name in names if "/" not in name}
    assert answered | {"Problem"} == FIELDS.keys()
    whys = [why for group in (*FIELDS.values(), *WITHHELD.values(), REVIEWED["headers"]) for why in group.values()]
    assert all(why.endswith(".") and len(why) > len("A word.") for why in whys)
    assert not [name for schema, fields in WITHHELD.items() for name in fields if name in FIELDS[schema]]


def schema_of(exchange: Exchange) -> str | None:
    """What the exchange's JSON is; None: it has none."""
    if exchange.body is None:
        return None
    if exchange.is_error:
        return "Problem"
    names: list[str] = REVIEWED["answers"][f"{exchange.operation.id} {exchange.status}"]
    kinds = {"booking": "PublicBooking", "meeting_request": "PublicMeetingRequest"}
    return names[0] if len(names) == 1 else kinds[exchange.body["kind"]]


def fields_of(exchange: Exchange) -> list[tuple[str, str, Any]]:
    """The schema, path and value of each field of an answer."""
    schema = schema_of(exchange)
    if schema is None:
        return []
    open_objects = {path.removesuffix(".*") for path in FIELDS[schema] if path.endswith(".*")}
    return [(schema, path, value) for path, value in answered_fields(exchange.body, open_objects)]


def conflicts_of(operation: Operation) -> set[str]:
    """The codes of 409 that it can answer."""
    return CONFLICTS & set(operation.spec["x-problem-codes"])


async def test_r34_every_public_operation_was_asked_and_answered_in_every_way(ear: Ear) -> None:
    promised = {
        (operation.id, int(status)) for operation in PUBLIC for status in operation.spec["responses"]
    }  # fmt: skip
    heard = {(exchange.operation.id, exchange.status) for exchange in ear.heard}
    assert heard <= promised
    unheard = {pair for pair in promised - heard if pair[1] < OURS_TO_FAIL}
    assert unheard == {(operation.id, Conflict.status_code) for operation in PUBLIC if conflicts_of(operation) == BUSY}


async def test_r34_what_is_answered_is_what_was_reviewed(ear: Ear) -> None:
    strange = {
        f"{exchange}: {path}"
        for exchange in ear.heard
        for schema, path, _ in fields_of(exchange)
        if path not in FIELDS[schema] and path not in WITHHELD.get(schema, {})
    }
    strange |= {
        f"{exchange}: {name}" for exchange in ear.heard for name in exchange.headers.keys() - REVIEWED["headers"].keys()
    }
    assert strange == set()


async def test_r34_what_is_withheld_is_never_told(ear: Ear) -> None:
    told = {
        f"{exchange}: {path} is {value!r}"
        for exchange in ear.heard
        for schema, path, value in fields_of(exchange)
        if path in WITHHELD.get(schema, {}) and value is not None
    }
    assert told == set()


async def test_r34_every_reviewed_field_was_seen_with_something_in_it(ear: Ear) -> None:
    seen = {
        (schema, path) for exchange in ear.heard for schema, path, value in fields_of(exchange) if value is not None
    }
    assert {(schema, path) for schema, fields in FIELDS.items() for path in fields} - seen == set()
    assert {name for exchange in ear.heard for name in exchange.headers} == REVIEWED["headers"].keys()


async def test_r34_nothing_private_is_told_to_anybody(ear: Ear) -> None:
    assert {leak for exchange in ear.heard for leak in ear.leaks(exchange)} == set()


async def test_r34_the_token_of_a_visitor_is_told_once(ear: Ear) -> None:
    told = {
        exchange.operation.id
        for exchange in ear.heard
        for _, path, value in fields_of(exchange)
        if path in {"booking_token", "token"} and value is not None
    }
    assert told == {"bookMeeting", "createSlotHold"}


async def test_r34_the_ear_hears_what_it_listens_for(ear: Ear) -> None:
    """Each kind of fact, put into an answer that was harmless, is noticed."""
    harmless = next(item for item in ear.heard if item.operation.id == "getPublicSchedulingPage" and not item.is_error)
    assert ear.leaks(harmless) == []
    secrets = [
        "Canary-title", "cal_01k9qj5v3mfb9t2z8h4c6x7wdn", "0190f2c0-de7a-7b11-80a4-c3d2e1f00112",
        "somebody@example.org", "Microsoft Exchange", "access_lost", max(ear.events).isoformat(),
    ]  # fmt: skip
    for secret in secrets:
        content = json.dumps(harmless.body | {"description": f"It is {secret}."})
        assert ear.leaks(_altered(harmless, content=content)), secret
        assert ear.leaks(_altered(harmless, headers=harmless.headers | {"location": f"/{secret}"})), secret


def _altered(exchange: Exchange, **changes: Any) -> Exchange:
    shared = {name: getattr(exchange, name) for name in Exchange.__dataclass_fields__}
    return Exchange(**shared | changes)
