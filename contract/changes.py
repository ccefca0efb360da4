"""What changed between two OpenAPI 3.1 documents that breaks a caller, a generated client or a receiver. Pure.

The one rule: only what this project's documents use is understood; anything else is an error, not silence.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from contract.schema_changes import Direction, Document, SchemaComparison, resolve

_METHODS = ("get", "put", "post", "patch", "delete", "head", "options", "trace")
_PATH_ITEM_KEYS = {*_METHODS, "summary", "description"}
_FIRST_ERROR = 400


def breaking_changes(old: Document, new: Document) -> list[str]:
    """Every breaking change, sorted; none when old callers can go on. Raises: ValueError."""
    return sorted(set(_Comparison(old, new).changes()))


def may_break(old: Document, new: Document) -> bool:
    """Whether the version allows it: a higher major one, or one of 0.x that promised nothing."""
    return _major(new) > _major(old) or _major(old) == 0


def _major(document: Document) -> int:
    return int(str(document["info"]["version"]).split(".")[0])


class _Comparison:
    def __init__(self, old: Document, new: Document) -> None:
        self._old, self._new = old, new
        self._schemas = SchemaComparison(old, new)

    def changes(self) -> Iterator[str]:
        before, after = _operations(self._old), _operations(self._new)
        for name in before.keys() - after.keys():
            yield f"{name}: the operation is gone"
        for name in sorted(before.keys() & after.keys()):
            yield from self._operation(before[name], after[name], name)
        yield from self._webhooks()
        yield from self._components()

    def _webhooks(self) -> Iterator[str]:
        """What we send is to its receiver what an answer is to a caller; what it may answer, what a caller may send."""
        before, after = _webhooks(self._old), _webhooks(self._new)
        for name in before.keys() - after.keys():
            yield f"{name}: is sent no more"
        for name in sorted(before.keys() & after.keys()):
            old, new = before[name], after[name]
            if old.get("operationId") != new.get("operationId"):
                yield f"{name}: the operationId was {old.get('operationId')}, now it is {new.get('operationId')}"
            yield from self._sent(old, new, name)
            for status in old.get("responses", {}).keys() - new.get("responses", {}).keys():
                yield f"{name}: the answer {status} means nothing any more"

    def _sent(self, old: Any, new: Any, where: str) -> Iterator[str]:
        before, after = _parameters(self._old, old), _parameters(self._new, new)
        for name in before.keys() - after.keys():
            yield f"{where} {name}: is sent no more"
        for name in sorted(before.keys() & after.keys()):
            if before[name].get("required") and not after[name].get("required"):
                yield f"{where} {name}: may now be absent"
            yield from self._schemas.changes(
                before[name].get("schema", {}), after[name].get("schema", {}), Direction.RESPONSE, f"{where} {name}"
            )
        old_body, new_body = (resolve(d, o.get("requestBody", {})) for d, o in ((self._old, old), (self._new, new)))
        yield from self._content(old_body, new_body, Direction.RESPONSE, f"{where} body")

    def _components(self) -> Iterator[str]:
        for kind, what in (("schemas", "generated clients name this schema"), ("securitySchemes", "a way to sign in")):
            before, after = (document.get("components", {}).get(kind, {}) for document in (self._old, self._new))
            for name in before.keys() - after.keys():
                yield f"#/components/{kind}/{name}: is gone ({what})"
            if kind == "securitySchemes":
                yield from _scheme_changes(before, after)

    def _operation(self, old: Any, new: Any, where: str) -> Iterator[str]:
        if old.get("operationId") != new.get("operationId"):
            yield f"{where}: the operationId was {old.get('operationId')}, now it is {new.get('operationId')}"
        if old.get("tags", [])[:1] != new.get("tags", [])[:1]:
            yield f"{where}: the tag is another (generated clients group by it)"
        yield from self._parameters(old, new, where)
        yield from self._request_body(old, new, where)
        yield from self._responses(old, new, where)
        yield from _security_changes(_security(self._old, old), _security(self._new, new), where)

    def _parameters(self, old: Any, new: Any, where: str) -> Iterator[str]:
        before, after = _parameters(self._old, old), _parameters(self._new, new)
        for name in before.keys() - after.keys():
            yield f"{where} {name}: the parameter is gone"
        for name, parameter in after.items():
            if parameter.get("required") and not before.get(name, {}).get("required"):
                yield f"{where} {name}: the parameter is now required"
        for name in sorted(before.keys() & after.keys()):
            yield from self._schemas.changes(
                before[name].get("schema", {}), after[name].get("schema", {}), Direction.REQUEST, f"{where} {name}"
            )

    def _request_body(self, old: Any, new: Any, where: str) -> Iterator[str]:
        before = resolve(self._old, old.get("requestBody", {}))
        after = resolve(self._new, new.get("requestBody", {}))
        if after.get("required") and not before.get("required"):
            yield f"{where} body: is now required"
        yield from self._content(before, after, Direction.REQUEST, f"{where} body")

    def _responses(self, old: Any, new: Any, where: str) -> Iterator[str]:
        before, after = old.get("responses", {}), new.get("responses", {})
        for status in before.keys() - after.keys():
            yield f"{where} {status}: the response is gone"
        for status in after.keys() - before.keys():
            if status == "default" or int(status) < _FIRST_ERROR:
                yield f"{where} {status}: the response is new, and callers do not know it"
        for status in sorted(before.keys() & after.keys()):
            place = f"{where} {status}"
            answer, now = resolve(self._old, before[status]), resolve(self._new, after[status])
            yield from self._content(answer, now, Direction.RESPONSE, place)
            for name in answer.get("headers", {}).keys() - now.get("headers", {}).keys():
                yield f"{place}: the header {name} is gone"

    def _content(self, old: Any, new: Any, direction: Direction, where: str) -> Iterator[str]:
        before, after = old.get("content", {}), new.get("content", {})
        for media_type in before.keys() - after.keys():
            yield f"{where}: {media_type} is gone"
        for media_type in sorted(before.keys() & after.keys()):
            yield from self._schemas.changes(
                before[media_type].get("schema", {}), after[media_type].get("schema", {}), direction, where
            )


def _operations(document: Document) -> dict[str, Any]:
    """`GET /v1/me` → operation."""
    return _by_method(document.get("paths", {}))


def _webhooks(document: Document) -> dict[str, Any]:
    """`webhook POST booking.created` → operation."""
    return {f"webhook {name}": operation for name, operation in _by_method(document.get("webhooks", {})).items()}


def _by_method(items: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for place, item in items.items():
        if strange := item.keys() - _PATH_ITEM_KEYS:
            raise ValueError(f"{place}: {', '.join(sorted(strange))} is not understood here")
        found |= {f"{method.upper()} {place}": item[method] for method in _METHODS if method in item}
    return found


def _parameters(document: Document, operation: Any) -> dict[str, Any]:
    resolved = [resolve(document, parameter) for parameter in operation.get("parameters", ())]
    return {
        f"{item['in']} {item['name'].lower() if item['in'] == 'header' else item['name']}": item for item in resolved
    }


def _security(document: Document, operation: Any) -> set[frozenset[str]]:
    """The ways in, each as what it asks for: schemes and scopes. A public operation asks for nothing."""
    ways: Iterable[Mapping[str, list[str]]] = operation.get("security", document.get("security", []))
    return {
        frozenset(item for scheme, scopes in way.items() for item in (scheme, *(f"{scheme}:{s}" for s in scopes)))
        for way in ways
    } or {frozenset()}


def _security_changes(before: set[frozenset[str]], after: set[frozenset[str]], where: str) -> Iterator[str]:
    for way in before:
        if not any(other <= way for other in after):
            yield f"{where}: {' and '.join(sorted(way)) or 'asking without signing in'} is no longer enough"


def _scheme_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for name in before.keys() & after.keys():
        for key in ("type", "scheme", "in", "name", "openIdConnectUrl"):
            if before[name].get(key) != after[name].get(key):
                yield f"#/components/securitySchemes/{name}: {key} is another"
