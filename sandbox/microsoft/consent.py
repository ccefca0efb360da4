"""The pages a person sees at the identity platform: account chooser with permissions, its answer, its error page.

The one rule: permissions are taken or left as a whole; nothing can be unticked.
"""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from string import Template

from starlette.responses import HTMLResponse

from sandbox.microsoft.scopes import describe

_PAGE = Template("""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>$title</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
body { font: 16px/1.5 "Segoe UI", system-ui, sans-serif; max-width: 30rem; margin: 3rem auto; padding: 0 1rem;
  color: #1b1b1b }
fieldset { border: 1px solid #ccc; margin: 1rem 0 }
label { display: block; padding: .25rem 0 } small { color: #666 }
button { font: inherit; padding: .4rem 1.5rem; border: 1px solid #0067b8; background: #fff }
button.allow { background: #0067b8; color: #fff }
</style></head><body>$body</body></html>""")

_FORM = Template("""<h1>Sign in with simulated Microsoft</h1>
<p><strong>$client</strong> would like to:</p><ul>$scopes</ul>
<form method="post" action="$action">$hidden
<fieldset><legend>Pick an account</legend>$accounts</fieldset>
<p><button name="decision" value="deny">Cancel</button>
<button class="allow" name="decision" value="allow">Accept</button></p>
</form>""")

_POSTING = Template("""<form method="post" name="hiddenform" action="$action">$hidden
<noscript><p>Script is disabled. Click Submit to continue.</p><button>Submit</button></noscript>
</form><script>document.forms[0].submit();</script>""")


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
    body = _FORM.substitute(
        client=escape(client_id),
        action=escape(action),
        hidden=hidden,
        accounts=listed or "<p>There are no simulated accounts.</p>",
        scopes="".join(f"<li>{escape(describe(scope))} <small>{escape(scope)}</small></li>" for scope in scopes),
    )
    return HTMLResponse(_PAGE.substitute(title="Sign in - simulated Microsoft", body=body))


def posting_page(target: str, fields: Mapping[str, str]) -> HTMLResponse:
    """`response_mode=form_post`: a page that posts the answer to the app by itself, by a button without scripts."""
    hidden = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in fields.items()
    )
    body = _POSTING.substitute(action=escape(target), hidden=hidden)
    return HTMLResponse(_PAGE.substitute(title="Working...", body=body))


def signed_out_page() -> HTMLResponse:
    body = "<h1>You signed out of your account</h1><p>It's a good idea to close all browser windows.</p>"
    return HTMLResponse(_PAGE.substitute(title="Sign out", body=body))


def error_page(text: str) -> HTMLResponse:
    """For requests that must not be redirected."""
    body = f"<h1>Sorry, but we're having trouble signing you in.</h1><p>{escape(text)}</p>"
    return HTMLResponse(_PAGE.substitute(title="Sign in to your account", body=body), status_code=400)


def _account(email: str, name: str, checked: bool) -> str:
    mark = " checked" if checked else ""
    return (
        f'<label><input type="radio" name="account" value="{escape(email)}" required{mark}> '
        f"{escape(name)} <small>{escape(email)}</small></label>"
    )
