"""Texts of events, as HTML and plain. The one rule: what was plain reads the same as HTML, and back."""

import html
import re

_TAG = re.compile(r"<(?:style|script)\b.*?</(?:style|script)>|<[^>]+>", re.DOTALL | re.IGNORECASE)


def as_text(content: str) -> str:
    """HTML as plain text, as far as a preview needs it."""
    return html.unescape(_TAG.sub("", re.sub(r"<(?:br|/p|/div)\b[^>]*>", "\n", content, flags=re.IGNORECASE)))


def as_html(content: str) -> str:
    """Plain text as the page that Outlook makes of it."""
    inner = html.escape(content, quote=False).replace("\n", "<br>\r\n")
    return f"<html>\r\n<head>\r\n</head>\r\n<body>\r\n<div>{inner}</div>\r\n</body>\r\n</html>\r\n"
