"""Where a browser may be sent after connecting (R8). Pure.

The one rule: only where the deployment allows, compared part by part, so that no look-alike host slips through.
"""

from collections.abc import Sequence
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from app.errors import ReturnUrlNotAllowed


def allowed_return_url(asked: str | None, allowed: Sequence[str], *, client: str) -> str:
    """The URL to go back to; by default the first allowed one that the client can open: a deep link for the app, a
    page for a browser. Raises: ReturnUrlNotAllowed.
    """
    if asked is None:
        own = (url for url in allowed if _is_deep_link(url) == (client == "mobile"))
        return next(own, allowed[0])
    if any(_within(asked, prefix) for prefix in allowed):
        return asked
    raise ReturnUrlNotAllowed


def _is_deep_link(url: str) -> bool:
    return urlsplit(url).scheme not in {"http", "https"}


def _within(url: str, prefix: str) -> bool:
    try:
        asked, base = urlsplit(url), urlsplit(prefix)
        same_place = (asked.scheme, asked.hostname, asked.port) == (base.scheme, base.hostname, base.port)
    except ValueError:
        return False
    if (
        not same_place
        or asked.username
        or asked.password
        or "\\" in url
        or any(part == ".." for part in _parts(asked.path))
    ):
        return False
    below = base.path if base.path.endswith("/") else base.path + "/"
    return asked.path == base.path or asked.path.startswith(below)


def _parts(path: str) -> list[str]:
    return path.replace("%2e", ".").replace("%2E", ".").split("/")


def with_result(url: str, **result: str | None) -> str:
    """The URL with the result in its query, what was there kept."""
    split = urlsplit(url)
    query = [*parse_qsl(split.query, keep_blank_values=True), *((k, v) for k, v in result.items() if v is not None)]
    return urlunsplit(split._replace(query=urlencode(query)))
