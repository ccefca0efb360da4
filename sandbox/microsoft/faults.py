"""Microsoft's own ways to fail, as presets for the fault rules. The one rule: a preset's body is one Microsoft sends.

Presets that are a plain refusal become a status; those that bend a delta (`empty_page`, `duplicate`, `reordered`,
`replay_changes`, `stray_removed`, `moved_back`) or a schedule (`schedule_error`) are handed to the handler.
"""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from uuid import uuid4

from sandbox.faults import WIRE_ACTIONS, Action, as_status
from sandbox.microsoft import aadsts, errors
from sandbox.microsoft.aadsts import OAuthError
from sandbox.microsoft.errors import GraphError

HANDLED_KINDS = frozenset(
    {"empty_page", "duplicate", "reordered", "replay_changes", "stray_removed", "moved_back", "schedule_error"}
)
_GRAPH: Mapping[str, Callable[[], GraphError]] = {
    "unauthorized": errors.expired_token,
    "access_denied": errors.access_denied,
    "not_found": errors.item_not_found,
    "gone": lambda: errors.sync_state_not_found(149),
    "conflict": errors.change_key,
    "mailbox_concurrency": lambda: errors.over_concurrency(None),
    "too_many_requests": lambda: errors.throttled("Too many requests."),
    "internal": errors.internal,
    "unavailable": errors.unavailable,
    "gateway_timeout": errors.gateway_timeout,
}
_OAUTH: Mapping[str, Callable[[], OAuthError]] = {
    "invalid_grant": aadsts.revoked,
    "interaction_required": aadsts.mfa_needed,
    "consent_removed": lambda: aadsts.not_consented("the app", "invalid_grant"),
    "token_unavailable": aadsts.unavailable,
}
KINDS = WIRE_ACTIONS | HANDLED_KINDS | _GRAPH.keys() | _OAUTH.keys()


def microsoft_preset(action: Action, now: datetime) -> Action:
    """`action` with Microsoft's body where its kind names one of Microsoft's refusals."""
    if action.kind in _GRAPH:
        refusal = _GRAPH[action.kind]()
        request_id = str(uuid4())
        body = refusal.body(now=now, request_id=request_id, client_request_id=request_id)
        headers = {"request-id": request_id, "client-request-id": request_id, **refusal.headers}
        return as_status(action, refusal.status, json.dumps(body), headers)
    if action.kind in _OAUTH:
        error = _OAUTH[action.kind]()
        return as_status(action, error.status, json.dumps(error.body(now)))
    return action
