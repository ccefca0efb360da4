"""The pages a person sees: the account chooser with granular consent, and Google's error page.

The one rule: a person may untick any scope but those that only tell who they are.
"""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from string import Template

from starlette.responses import HTMLResponse

from sandbox.google.surface import CALENDAR_SCOPES, IDENTITY_SCOPES

_PAGE = Template("""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>$title</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 30rem; margin: 3rem auto; padding: 0 1rem; color: #202124 }
fieldset { border: 1px solid #dadce0; border-radius: .5rem; margin: 1rem 0 }
label { display: block; padding: .25rem 0 } small { color: #5f6368 }
button { font: inherit; padding: .5rem 1.25rem; border-radius: 1rem; border: 1px solid #0b57d0; background: #fff }
button.allow { background: #0b57d0; color: #fff }
</style></head><body>$body</body></html>""")

_FORM = Template("""<h1>Sign in with simulated Google</h1>
<p><strong>$client</strong> wants access to your account.</p>
<form method="post" action="$action">$hidden
<fieldset><legend>Choose an account</legend>$accounts</fieldset>
$scopes
<p><button name="decision" value="deny">Cancel</button>
<button class="allow" name="decision" value="allow">Continue</button></p>
</form>""")


def consent_page(
    *,
    action: str,
    client_id: str,
    accounts: Sequence[tuple[str, str]],
    chosen: str | None,
    scopes: Iterable[str],
    fields: Mapping[str, str],
) -> HTMLResponse:
    """`accounts` are (email, name); `fields` are carried over to the decision."""
    hidden = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in fields.items()
    )
    listed = "".join(_account(email, name, chosen in {email, None}) for email, name in accounts)
    boxes = "".join(_scope(scope) for scope in scopes if scope not in IDENTITY_SCOPES)
    body = _FORM.substitute(
        client=escape(client_id),
        action=escape(action),
        hidden=hidden,
        accounts=listed or "<p>There are no simulated accounts.</p>",
        scopes=f"<fieldset><legend>Select what the app can access</legend>{boxes}</fieldset>" if boxes else "",
    )
    return HTMLResponse(_PAGE.substitute(title="Sign in - simulated Google", body=body))


def error_page(error: str, detail: str) -> HTMLResponse:
    """For requests that must not be redirected: an unknown client or redirect address."""
    body = f"<h1>Access blocked: authorization error</h1><p>{escape(detail)}</p><p>Error 400: {escape(error)}</p>"
    return HTMLResponse(_PAGE.substitute(title="Error", body=body), status_code=400)


def _account(email: str, name: str, checked: bool) -> str:
    mark = " checked" if checked else ""
    return (
        f'<label><input type="radio" name="account" value="{escape(email)}" required{mark}> '
        f"{escape(name)} <small>{escape(email)}</small></label>"
    )


def _scope(scope: str) -> str:
    return (
        f'<label><input type="checkbox" name="granted_scope" value="{escape(scope)}" checked> '
        f"{escape(CALENDAR_SCOPES[scope])} <small>{escape(scope)}</small></label>"
    )
