"""Mistakes in asking whose something is: each is for the authorisation matrix to find.

The one rule: see `prove.calibration_planted`. What can be taken away in the running service is taken away in
`tests/authorisation/test_guards_removed.py`; here stand the questions that are a line of a use case.
"""

from typing import Final

from prove.calibration_planted import Planted

_MATRIX: Final = "tests/authorisation/test_matrix.py::"
_SWAPPED: Final = _MATRIX + "test_p4_an_id_of_somebody_else_is_an_id_of_nobody"
_SECRETS: Final = _MATRIX + "test_p4_a_secret_of_somebody_else_is_no_secret"
_LINKS: Final = _MATRIX + "test_p4_a_link_that_was_used_or_has_expired_is_no_link"

AUTHORISATION: Final = (
    Planted(
        guard="connection of another user",
        file="app/connections/service.py",
        old="if connection is None or connection.user_id != principal.user:",
        new="if connection is None:",
        check=_SWAPPED,
    ),
    Planted(
        guard="authorization of another user",
        file="app/connections/authorization.py",
        old="if authorization is None or authorization.user_id != principal.user:",
        new="if authorization is None:",
        check=_SWAPPED,
    ),
    Planted(
        guard="inbox of another user",
        file="app/connections/inboxes.py",
        old="foreign = inbox is not None and principal.user_id is not None and inbox.user_id != principal.user_id",
        new="foreign = False",
        check=_SWAPPED,
    ),
    Planted(
        guard="page of another user",
        file="app/scheduling/pages.py",
        old="if page is None or page.owner_id != principal.user:",
        new="if page is None:",
        check=_SWAPPED,
    ),
    Planted(
        guard="calendar of another user",
        file="app/scheduling/availability_calendars.py",
        old="if found is None or found[1].user_id != principal.user or not found[0].checked:",
        new="if found is None or not found[0].checked:",
        check=_SWAPPED,
    ),
    Planted(
        guard="task of another user",
        file="app/crm/tasks.py",
        old="if row is None or row.owner_id != principal.user or row.deleted_at is not None:",
        new="if row is None or row.deleted_at is not None:",
        check=_SWAPPED,
    ),
    Planted(
        guard="meeting of another user changed",
        file="app/crm/meetings.py",
        old='        if row.owner_id != principal.user:\n            raise Forbidden(detail="not_the_owner")\n',
        new="",
        check=_SWAPPED,
    ),
    Planted(
        guard="drift entry of another host",
        file="app/bookings/drift/resolving.py",
        old="if entry is None or entry.host_id != principal.user:",
        new="if entry is None:",
        check=_SWAPPED,
    ),
    Planted(
        guard="account of a task's contact not asked",
        file="app/crm/tasks.py",
        old="if contact_id is not None and await repository.hold_contact(session, contact_id) is None:",
        new="if False:",
        check=_SWAPPED,
    ),
    Planted(
        guard="form's token good for ever",
        file="app/scheduling/prefill.py",
        old=".where(VisitorToken.token_hash == hashed, VisitorToken.expires_at > now)",
        new=".where(VisitorToken.token_hash == hashed)",
        check=_LINKS,
    ),
    Planted(
        guard="visitor's link good for ever",
        file="app/bookings/visitor.py",
        old="if found is None or not matches or found.ends_at + _KEPT < now:",
        new="if found is None or not matches:",
        check=_LINKS,
    ),
    Planted(
        guard="hold let go by anybody",
        file="app/bookings/holds.py",
        old="            if not self._tokens.match(token, hold_id, _NO_HASH if hold is None else hold.token_hash):",
        new="            if hold is None:",
        check=_SECRETS,
    ),
)
