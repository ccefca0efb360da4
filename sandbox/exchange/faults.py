"""Exchange's own ways to fail, as presets for the fault rules. The one rule: a preset's answer is one Exchange sends.

A preset that is a whole answer becomes a status; those that change what an operation does are handed to it:
`item_error` (every part of the answer; `code`), `free_busy_error` (every mailbox; `code`), `version_downgrade`
(an older server of the farm answers), and `empty_page`, `duplicate`, `reordered`, `replay_changes` for SyncFolderItems.
"""

from collections.abc import Callable, Mapping

from sandbox.exchange.errors import MESSAGES, envelope, fault
from sandbox.exchange.markup import element
from sandbox.faults import WIRE_ACTIONS, Action, as_status

OPERATION_KINDS = frozenset(
    {"item_error", "free_busy_error", "version_downgrade", "empty_page", "duplicate", "reordered", "replay_changes"}
)
XML = {"content-type": "text/xml; charset=utf-8"}
_HTML = {"content-type": "text/html; charset=utf-8"}
_LOGIN = (
    '<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.01 Transitional//EN">\n<html><head><title>Outlook Web App</title>'
    '<meta http-equiv="Content-Type" content="text/html; CHARSET=utf-8"></head><body class="signInBg">'
    '<form action="/CookieAuth.dll?Logon" method="POST" name="logonForm"><input name="username"><input name="password"'
    ' type="password"><input type="submit" value="Sign in"></form></body></html>'
)
# Ten levels of ten: ten thousand million times three letters for whoever expands them.
_LEVELS = "".join(f'<!ENTITY l{level} "{f"&l{level - 1};" * 10}">' for level in range(1, 11))
_BOMB = f'<?xml version="1.0"?><!DOCTYPE bomb [<!ENTITY l0 "lol">{_LEVELS}]><bomb>&l10;</bomb>'
_HUGE = 8 * 1024 * 1024


def _soap_fault(action: Action) -> Action:
    """`body` is the response code (default ErrorInternalServerError), `ms` the time to back off."""
    code = action.body or "ErrorInternalServerError"
    refused = fault(code, MESSAGES.get(code), back_off_ms=action.ms or None)
    return as_status(action, 500, envelope(element("s:Body", refused.body()), None).decode(), XML)


def _server_busy(action: Action) -> Action:
    refused = fault("ErrorServerBusy", back_off_ms=action.ms or 60_000)
    return as_status(action, 500, envelope(element("s:Body", refused.body()), None).decode(), XML)


def _huge_xml(action: Action) -> Action:
    """A well-formed envelope of some megabytes that never says what was asked."""
    filler = "<m:Filler>" + "x" * 1000 + "</m:Filler>"
    body = "".join(["<s:Envelope xmlns:s='s' xmlns:m='m'><s:Body>", filler * (_HUGE // len(filler)), "</s:Body>"])
    return as_status(action, 200, body + "</s:Envelope>", XML)


_PRESETS: Mapping[str, Callable[[Action], Action]] = {
    "soap_fault": _soap_fault,
    "server_busy": _server_busy,
    "unauthorized": lambda action: as_status(action, 401, "", {"www-authenticate": 'Basic realm="mail"', **_HTML}),
    "forbidden": lambda action: as_status(action, 403, "", _HTML),
    "login_page": lambda action: as_status(action, 200, _LOGIN, _HTML),
    "login_redirect": lambda action: as_status(
        action, 302, "", {"location": "/owa/auth/logon.aspx?replaceCurrent=1&url=%2fews%2fexchange.asmx", **_HTML}
    ),
    "cas_error": lambda action: as_status(
        action, 500, "", {"x-caserrorcode": action.body or "BackendConnectionTimeout", **_HTML}
    ),
    "too_many_requests": lambda action: as_status(action, 429, "", _HTML),
    "unavailable": lambda action: as_status(action, 503, "The service is unavailable.", _HTML),
    "proxy_error": lambda action: as_status(action, 502, "<html><body>Bad Gateway</body></html>", _HTML),
    "invalid_xml": lambda action: as_status(action, 200, "<s:Envelope xmlns:s='x'><s:Body><unclosed", XML),
    "huge_xml": _huge_xml,
    "entity_bomb": lambda action: as_status(action, 200, _BOMB, XML),
}
KINDS = WIRE_ACTIONS | OPERATION_KINDS | _PRESETS.keys()


def exchange_preset(action: Action) -> Action:
    """`action` with Exchange's answer where its kind names one."""
    preset = _PRESETS.get(action.kind)
    return preset(action) if preset is not None else action
