"""The acl resource: who may use a calendar. The one rule: writers read the rules, only owners change them, and nobody
their own or those of whom the calendar belongs to.

A rule for a group is kept and gives nobody anything, for there is nobody in a group here.
https://developers.google.com/workspace/calendar/api/concepts/sharing
"""

import re
from collections.abc import Iterator
from typing import cast, get_args

from sandbox.google import errors
from sandbox.google.call import Answer, Call
from sandbox.google.channels import access_to
from sandbox.google.resources import collection_etag
from sandbox.google.short_lists import ShortList, answer_list
from sandbox.google.times import Json
from sandbox.google.world import Calendar, Role, rank

_ADDRESS = re.compile(r"[^@\s:]+@[^@\s:]+\.[^@\s:]+")
_DOMAIN = re.compile(r"[^@\s:]+\.[^@\s:]+")
_SCOPES = {"user": _ADDRESS, "group": _ADDRESS, "domain": _DOMAIN}


def list_rules(call: Call) -> Answer:
    """Deleted rules are listed on request, with the role `none`."""
    calendar = call.calendar(at_least="writer")
    short = ShortList("calendar#acl", access_to(calendar.id), calendar.access_log, lambda name: _show(calendar, name))
    ids = dict.fromkeys(_rules(calendar))
    if call.query.get("showDeleted"):
        ids |= dict.fromkeys(calendar.access_log)
    return answer_list(call, short, ids)


def get_rule(call: Call) -> Answer:
    calendar = call.calendar(at_least="writer")
    shown = _show(calendar, _existing(call, calendar))
    return call.unless_known(shown["etag"], shown)


def insert_rule(call: Call) -> Answer:
    """A second rule for the same scope takes the place of the first."""
    calendar = call.calendar(at_least="owner")
    rule_id = _asked_id(call.body)
    if not call.body.get("role"):
        raise errors.required("Missing role.")
    return _set(call, calendar, rule_id, call.body["role"])


def patch_rule(call: Call) -> Answer:
    return _edit(call)


def update_rule(call: Call) -> Answer:
    if not call.body.get("scope"):
        raise errors.required("Missing scope type.")
    return _edit(call)


def _edit(call: Call) -> Answer:
    """Only the role may change."""
    calendar = call.calendar(at_least="owner")
    rule_id = _existing(call, calendar)
    call.match_etag(_show(calendar, rule_id)["etag"])
    if call.body.get("scope") and _asked_id(call.body) != rule_id:
        raise errors.invalid_scope_value()
    return _set(call, calendar, rule_id, call.body.get("role") or _role(calendar, rule_id))


def delete_rule(call: Call) -> Answer:
    calendar = call.calendar(at_least="owner")
    rule_id = _existing(call, calendar)
    call.match_etag(_show(calendar, rule_id)["etag"])
    _set(call, calendar, rule_id, "none")
    return Answer()


def _set(call: Call, calendar: Calendar, rule_id: str, role: str) -> Answer:
    if role not in get_args(Role):
        raise errors.invalid("Invalid role value.")
    wanted, kind, value = cast("Role", role), *rule_id.partition(":")[::2]
    if wanted != _role(calendar, rule_id):
        if kind == "default" and rank(wanted) > rank("reader"):
            raise errors.role_for_everybody()
        if kind == "user" and value == calendar.owner:
            raise errors.owners_access()
        if kind == "user" and value == call.account.email:
            raise errors.own_access()
        account = call.world.accounts.get(value) if kind == "user" else None
        if account is not None:
            call.world.share(calendar, account, wanted)
        else:
            call.world.share_with(calendar, rule_id, wanted)
    shown = _show(calendar, rule_id)
    return Answer(shown, 200, {"etag": shown["etag"]})


def _asked_id(body: Json) -> str:
    """The id of the rule for the scope a body names."""
    scope = body.get("scope") or {}
    kind, value = scope.get("type"), str(scope.get("value") or "").strip().lower()
    if not kind:
        raise errors.required("Missing scope type.")
    if kind == "default":
        return "default"
    if kind not in _SCOPES:
        raise errors.invalid("Invalid scope type.")
    if _SCOPES[kind].fullmatch(value) is None:
        raise errors.invalid_scope_value()
    return f"{kind}:{value}"


def _existing(call: Call, calendar: Calendar) -> str:
    rule_id = call.path["ruleId"].lower()
    if rule_id not in _rules(calendar):
        raise errors.not_found()
    return rule_id


def _rules(calendar: Calendar) -> Iterator[str]:
    yield from (f"user:{email}" for email in calendar.access)
    yield from calendar.rules


def _role(calendar: Calendar, rule_id: str) -> Role:
    """What this rule alone gives."""
    email = rule_id.removeprefix("user:")
    return calendar.access.get(email) or calendar.rules.get(rule_id, "none")


def _show(calendar: Calendar, rule_id: str) -> Json:
    kind, _, value = rule_id.partition(":")
    role = _role(calendar, rule_id)
    return {
        "kind": "calendar#aclRule",
        "etag": collection_etag(calendar.id, rule_id, role),
        "id": rule_id,
        "scope": {"type": kind, "value": value} if value else {"type": kind},
        "role": role,
    }
