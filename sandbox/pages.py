"""The sandbox's pages for people: what is where, and the mails that were sent.

The rule: text from elsewhere is escaped, and a mail's HTML is shown in a frame that may run nothing.
"""

from collections.abc import Iterable, Mapping
from html import escape
from string import Template
from typing import Any

from starlette.responses import HTMLResponse

_PAGE = Template("""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>$title</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 52rem; margin: 2rem auto; padding: 0 1rem; color: #1f2328 }
td, th { text-align: left; vertical-align: top; padding: .25rem 1rem .25rem 0 }
pre { background: #f6f8fa; padding: 1rem; overflow-x: auto; white-space: pre-wrap }
.line { white-space: nowrap }
iframe { width: 100%; height: 24rem; border: 1px solid #d1d9e0 }
</style></head><body>$body</body></html>""")

_PLACES = (
    ("/calendars", "The people's calendars, as they see them: move an event, delete it, add one"),
    ("/mail", "The mails that were sent"),
    ("/dashboard", "Plays the CRM's meetings dashboard, where connecting ends"),
    ("/control/mail/messages", "The mails as JSON, with <code>?to=</code>"),
    ("/control/dns/records", "What the DNS server says; beside it <code>/questions</code> and <code>/outage</code>"),
    ("/control/clock", "The simulators' clock"),
    ("/identity/.well-known/openid-configuration", "The identity provider's discovery document"),
    ("/health", "Is it up?"),
)
_FOR_PROGRAMS = (
    ("/google", "Simulated Google: OAuth, OpenID and Calendar API v3, on their real paths"),
    ("/microsoft", "Simulated Microsoft: the identity platform and Graph's calendars, on their real paths"),
    ("/control/google", "What a person does in Google's own pages, faults, the ledger of writes"),
    ("/control/microsoft", "What a person does in Outlook, faults, the ledger of writes"),
    ("/control/exchange", "The same at Exchange"),
    ("/identity", "The identity provider: <code>POST /identity/token</code> signs any token"),
)


def front_page(*, smtp_address: str, dns_address: str, ews_url: str, https_url: str) -> HTMLResponse:
    """What is where."""
    rows = "".join(
        f'<tr><td><a href="{path}"><code>{path}</code></a></td><td>{what}</td></tr>' for path, what in _PLACES
    )
    beneath = "".join(f"<tr><td><code>{path}/…</code></td><td>{what}</td></tr>" for path, what in _FOR_PROGRAMS)
    body = (
        "<h1>Sandbox</h1><p>Simulated providers for calendar-connect. Nothing here leaves this machine.</p>"
        f"<table>{rows}</table><h2>For programs</h2><table>{beneath}"
        f"<tr><td><code>{escape(ews_url)}</code></td><td>Simulated Exchange, over TLS</td></tr>"
        f"<tr><td><code>{escape(https_url)}</code></td><td>All of this, over TLS</td></tr>"
        f"<tr><td><code>{escape(smtp_address)}</code></td><td>SMTP: takes every mail</td></tr>"
        f"<tr><td><code>{escape(dns_address)}</code></td><td>DNS, over UDP: the records it was given</td></tr>"
        "</table>"
    )
    return render("Sandbox", body)


def dashboard_page(result: Mapping[str, str]) -> HTMLResponse:
    """Plays the CRM's meetings dashboard, where the browser returns to after connecting."""
    rows = "".join(f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in result.items())
    body = f"<h1>Meetings</h1><p>Here the CRM would be. You were sent back with:</p><table>{rows}</table>"
    return render("Meetings", body)


def mailbox_page(messages: Iterable[dict[str, Any]]) -> HTMLResponse:
    """All mails, the newest first."""
    rows = "".join(
        f"<tr><td>{message['number']}</td><td>{escape(', '.join(message['envelope_to']))}</td>"
        f'<td><a href="/mail/{message["number"]}">{escape(message["subject"] or "(no subject)")}</a></td>'
        f"<td>{escape(message['received_at'][:19])}</td></tr>"
        for message in reversed(list(messages))
    )
    return render("Mails", f"<h1>Mails</h1><table>{rows or '<tr><td>None yet.</td></tr>'}</table>")


def message_page(message: dict[str, Any]) -> HTMLResponse:
    """One mail: what the reader sees, what is attached."""
    head = "".join(
        f"<tr><th>{name}</th><td>{escape(value)}</td></tr>"
        for name, value in (("From", message["from"]), ("To", message["to"]), ("Subject", message["subject"]))
    )
    parts = [f"<p><a href='/mail'>All mails</a></p><table>{head}</table>"]
    if message["html"] is not None:
        # No scripts and no forms, but links may open: confirming a booking is what one wants to try.
        frame = escape(message["html"])
        parts.append(f'<iframe sandbox="allow-popups allow-popups-to-escape-sandbox" srcdoc="{frame}"></iframe>')
    if message["text"] is not None:
        parts.append(f"<h2>Text</h2><pre>{escape(message['text'])}</pre>")
    if message["calendar"] is not None:
        method, content = message["calendar"]["method"], message["calendar"]["content"]
        parts.append(f"<h2>Invitation ({escape(str(method))})</h2><pre>{escape(content)}</pre>")
    parts.append(f'<p><a href="/control/mail/messages/{message["number"]}/raw">As it came</a></p>')
    return render(message["subject"] or "Mail", "".join(parts))


def render(title: str, body: str) -> HTMLResponse:
    """A page; `body` is HTML, whatever comes from elsewhere escaped in it."""
    return HTMLResponse(_PAGE.substitute(title=escape(title), body=body))
