"""Who may say of a write what stands in the calendar: `app/calendar_writes` alone.

The one rule: everybody else says what they saw to `observing`, so that one place decides what follows from it.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

APP = Path(__file__).parents[2] / "app"
OWN = APP / "calendar_writes"
STATE = {
    *("event_id", "etag", "ical_uid", "written_start", "written_end", "ends_at", "status", "attempts", "last_error"),
    *("failing_since", "look_again_at", "desired_seq", "written_seq", "fence", "lease_until"),
}


def _named_write(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and (node.id == "write" or node.id.endswith("_write"))


def _targets(node: ast.AST) -> Iterator[ast.expr]:
    if isinstance(node, ast.Assign):
        for target in node.targets:
            yield from target.elts if isinstance(target, ast.Tuple) else [target]
    elif isinstance(node, ast.AugAssign | ast.AnnAssign):
        yield node.target


def _updates(node: ast.AST) -> bool:
    values = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "values"
    return values and "update(CalendarWrite)" in ast.unparse(node)


def assigned_in(source: str) -> list[str]:
    """The columns of a write's state that a module sets, by attribute or by `update(CalendarWrite).values(...)`."""
    found: list[str | None] = []
    for node in ast.walk(ast.parse(source)):
        attributes = [target for target in _targets(node) if isinstance(target, ast.Attribute)]
        found += [target.attr for target in attributes if _named_write(target.value)]
        if isinstance(node, ast.Call) and _updates(node):
            found += [keyword.arg for keyword in node.keywords]
    return [column for column in found if column in STATE]


def test_r46_nobody_else_says_what_stands_in_a_calendar() -> None:
    others = (path for path in APP.rglob("*.py") if OWN not in path.parents)
    found = {str(path.relative_to(APP)): assigned_in(path.read_text()) for path in others}
    assert {path: columns for path, columns in found.items() if columns} == {}, "see app/calendar_writes/observing.py"


def test_what_sets_a_writes_state_is_seen() -> None:
    source = (
        "write.draft, write.etag = None, None\n"
        "their_write.status = 'written'\n"
        "write.fence += 1\n"
        "mail.status = 'sent'\n"
        "session.execute(update(CalendarWrite).where(True).values(subject=None, last_error=None))\n"
    )
    assert sorted(assigned_in(source)) == ["etag", "fence", "last_error", "status"]
    assert assigned_in((OWN / "observing.py").read_text()) != []
