"""Google's own ways to fail, as presets for the fault rules. The one rule: a preset's body is one Google sends.

Presets that are a plain refusal become a status; those that bend a list (`empty_page`, `duplicate`, `reordered`,
`replay_changes`) or a free/busy answer (`calendar_internal_error`) are handed to the handler.
"""

import json
from collections.abc import Mapping

from sandbox.faults import WIRE_ACTIONS, Action, as_status
from sandbox.google import errors
from sandbox.google.errors import GoogleError, OAuthError

LISTING_KINDS = frozenset({"empty_page", "duplicate", "reordered", "replay_changes", "calendar_internal_error"})

_REFUSALS: Mapping[str, GoogleError | OAuthError] = {
    "unauthorized": errors.invalid_credentials(),
    "invalid_grant": OAuthError("invalid_grant", "Token has been expired or revoked."),
    "gone": errors.full_sync_required(),
    "updated_min_too_long_ago": errors.updated_min_too_long_ago(),
    "deleted": errors.deleted(),
    "not_found": errors.not_found(),
    "forbidden": errors.forbidden(),
    "insufficient_scope": errors.insufficient_scope("calendar.v3.Events.List"),
    "rate_limit": errors.rate_limited(403, user=False),
    "user_rate_limit": errors.rate_limited(403),
    "too_many_requests": errors.rate_limited(429),
    "quota_exceeded": errors.quota_exceeded(),
    "backend_error": errors.backend_error(500),
    "unavailable": errors.backend_error(503),
    "precondition_failed": errors.condition_not_met(),
}
KINDS = WIRE_ACTIONS | LISTING_KINDS | _REFUSALS.keys()


def google_preset(action: Action) -> Action:
    """`action` with Google's body where its kind names one of Google's refusals."""
    refusal = _REFUSALS.get(action.kind)
    if refusal is None:
        return action
    headers = refusal.headers if isinstance(refusal, GoogleError) else {}
    return as_status(action, refusal.status, json.dumps(refusal.body(), indent=1) + "\n", headers)
