"""Mistakes in keeping accounts apart, secrets secret, and in whom we call and tell.

The one rule: see `prove.calibration_planted`.
"""

from typing import Final

from prove.calibration_planted import Planted

_FOUNDATION: Final = "migrations/versions/2026-11-21-0700_foundation.py"
_TENANCY: Final = "tests/test_tenancy.py::"
_LEARNS: Final = "tests/bookings/test_visitor_learns.py"
_DOUBTS: Final = "tests/events/test_webhook_doubts.py::"

SECRETS: Final = (
    Planted(
        guard="policy that lets foreign rows be written",
        file=_FOUNDATION,
        old='op.execute(f"CREATE POLICY own_account ON {table} USING ({mine}) WITH CHECK ({mine})")',
        new='op.execute(f"CREATE POLICY own_account ON {table} USING ({mine}) WITH CHECK (true)")',
        check=_TENANCY + "test_r53_a_row_of_another_account_can_be_neither_made_nor_given_away",
    ),
    Planted(
        guard="row-level security not forced",
        file=_FOUNDATION,
        old='op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")',
        new='op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")',
        check=_TENANCY + "test_r53_every_table_is_under_row_level_security_or_reviewed",
    ),
    Planted(
        guard="audience of a token not checked",
        file="app/accounts/tokens.py",
        old='aud={"essential": True, "value": audience},',
        new='aud={"essential": True},',
        check="tests/accounts/test_identity.py::test_r53_a_token_with_a_defect_is_refused",
    ),
    Planted(
        guard="OAuth state good twice",
        file="app/connections/repository.py",
        old="""\
        delete(DirectoryEntry)
        .where(DirectoryEntry.kind == Directory.OAUTH_STATE, DirectoryEntry.key == state_hash)
        .returning(DirectoryEntry)
""",
        new="""\
        select(DirectoryEntry)
        .where(DirectoryEntry.kind == Directory.OAUTH_STATE, DirectoryEntry.key == state_hash)
""",
        check="tests/connections/test_state_at_once.py",
    ),
    Planted(
        guard="ciphertext not bound to its row",
        file="app/vault.py",
        old="self.account_id.bytes, self.row_id.bytes]",
        new="self.account_id.bytes]",
        check="tests/test_vault.py::test_p5_a_secret_opens_nowhere_else",
    ),
    Planted(
        guard="header logged",
        file="app/http.py",
        old="            async with asyncio.timeout(timeout_seconds or self._timeout):\n",
        new="            for name, value in request.headers.items():\n"
        '                logging.getLogger("app.http").debug("%s is %s", name, value.removeprefix("Bearer "))\n'
        "            async with asyncio.timeout(timeout_seconds or self._timeout):\n",
        check="tests/test_logs.py::test_p5_connecting_and_syncing_at_debug_level_writes_no_secret",
    ),
    Planted(
        guard="secret in a text not hidden",
        file="app/logs.py",
        old=r"(Bearer\s+ | (?:token|code|state|secret|password|verifier)=)",
        new=r"((?:token|code|state|secret|password|verifier)=)",
        check="tests/test_logs.py::test_p5_a_secret_inside_a_text_is_hidden",
    ),
    Planted(
        guard="redirect followed",
        file="app/http.py",
        old="follow_redirects=False",
        new="follow_redirects=True",
        check="tests/events/test_deliveries.py::"
        "test_r52_a_redirect_is_not_followed_and_an_answer_s_body_is_nothing_to_us",
    ),
    Planted(
        guard="address looked at before connecting only",
        file="app/http.py",
        old="transport=None if guard is None else _GuardedTransport(guard),",
        new="transport=None,",
        check=_DOUBTS + "test_r52_a_name_that_leads_inside_is_not_followed",
    ),
    Planted(
        guard="name resolved again after it was allowed",
        file="app/http.py",
        old="return await self._network.connect_tcp(address, port, timeout, local_address, socket_options)",
        new="return await self._network.connect_tcp(host, port, timeout, local_address, socket_options)",
        check=_DOUBTS + "test_r52_the_connection_goes_to_the_address_that_was_allowed",
    ),
    Planted(
        guard="webhook's signature not over the body",
        file="app/events/signing.py",
        old='signed = f"{message_id}.{timestamp}.".encode() + body',
        new='signed = f"{message_id}.{timestamp}.".encode()',
        check="tests/events/test_webhook_endpoints.py::test_r52_signatures_are_those_of_standard_webhooks",
    ),
    Planted(
        guard="webhook moved by an overtaken worker",
        file="app/events/courier.py",
        old="ours = endpoint.fence == turn.fence",
        new="ours = endpoint.fence >= turn.fence",
        check=_DOUBTS + "test_r52_a_worker_that_was_overtaken_moves_nothing",
    ),
    Planted(
        guard="user's text into a mail's header",
        file="app/outbound/mailer.py",
        old="header_text(letter.subject)\n",
        new="letter.subject\n",
        check="tests/outbound/test_mailer.py::test_nothing_typed_becomes_a_header",
    ),
    Planted(
        guard="public answer tells of the provider",
        file="app/bookings/views.py",
        old='"calendar_event": _event_state(write).model_copy(update={"error": None}),',
        new='"calendar_event": _event_state(write),',
        check=_LEARNS,
    ),
    Planted(
        guard="public answer names the host by address",
        file="app/bookings/views.py",
        old='"host_name": page.host.name,',
        new='"host_name": page.host.email,',
        check=_LEARNS,
    ),
)
