"""URLs that pass for one of ours and lead a browser elsewhere, and a browser's own reading of a URL. Pure.

The one rule: what counts is where a browser goes, by the WHATWG's URL standard, not what a library makes of the text.
"""

import re
from typing import Final

ALLOWED: Final = ("https://crm.example.com/meetings", "crm-app://home/")
_GOOD: Final = "crm.example.com"
_EVIL: Final = "evil.example"
_SPECIAL: Final = frozenset({"http", "https", "ws", "wss", "ftp"})
_TRIMMED: Final = "".join(map(chr, range(0x21)))
_DOTS: Final = re.compile("[\u3002\uff0e\uff61]")
_URL: Final = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*):(?P<rest>.*)", re.IGNORECASE | re.DOTALL)
_NO_PORT: Final = {"https": 443, "http": 80, "ws": 80, "wss": 443, "ftp": 21}

Origin = tuple[str, str, int | None]


def browser_goes_to(url: str) -> Origin:
    """Scheme, host and port, unless the port is the scheme's own."""
    text = re.sub("[\t\n\r]", "", url.strip(_TRIMMED))
    found = _URL.fullmatch(text)
    if found is None:
        return "", text, None
    scheme, rest = found["scheme"].lower(), found["rest"]
    if scheme in _SPECIAL:
        rest = rest.lstrip("/\\")
        authority = re.split(r"[/\\?#]", rest, maxsplit=1)[0]
    elif rest.startswith("//"):
        authority = re.split(r"[/?#]", rest[2:], maxsplit=1)[0]
    else:
        return scheme, "", None
    host, _, port = authority.rpartition("@")[2].partition(":")
    number = int(port) if port.isascii() and port.isdigit() else None
    return scheme, _DOTS.sub(".", host).lower(), None if number == _NO_PORT.get(scheme) else number


def hostile_return_urls() -> list[str]:
    """Each once."""
    heads = [
        f"https://{_GOOD}.{_EVIL}", f"https://{_GOOD}{_EVIL}", f"https://{_GOOD}@{_EVIL}", f"https://{_EVIL}#@{_GOOD}",
        f"https://{_EVIL}?@{_GOOD}", f"https://{_EVIL}\\@{_GOOD}", f"https://{_GOOD}\\@{_EVIL}", f"https:\\\\{_EVIL}",
        f"https:/\\{_EVIL}", f"https:{_EVIL}", f"https:///{_EVIL}", f"//{_EVIL}", f"///{_EVIL}", f"\\\\{_EVIL}",
        f"/\\{_EVIL}", f"https://{_EVIL}\t@{_GOOD}", f"https://{_EVIL}\n@{_GOOD}", f"ht\ttps://{_EVIL}",
        f"https://{_GOOD}%40{_EVIL}", f"https://{_GOOD}%2f@{_EVIL}", f"https://{_GOOD}%00.{_EVIL}",
        f"https://{_GOOD}\x00.{_EVIL}", f"https://{_GOOD}\u3002{_EVIL}", f"https://{_GOOD}\uff0f{_EVIL}",
        f"https://{_GOOD}:443@{_EVIL}", f"https://{_GOOD}:@{_EVIL}", f"https://[{_GOOD}]@{_EVIL}", f"http://{_GOOD}",
        f"https://{_GOOD}:8443", f"https://{_EVIL}/https://{_GOOD}", f"https://xn--{_GOOD}", f"https://{_GOOD};{_EVIL}",
        f"https://{_GOOD}\u2100{_EVIL}", f"https://{_GOOD}\u00ad.{_EVIL}", f"https://\u200b{_EVIL}",
    ]  # fmt: skip
    paths = ["/meetings", "/meetings/../../x", "/meetings%2f..%2f..%2fadmin"]
    rest = [
        "javascript:alert(1)", "javascript://crm.example.com/meetings%0aalert(1)", " javascript:alert(1)",
        "data:text/html,https://crm.example.com/meetings", "crm-app://homes/", "crm-app://evil/home/", "crm-app:home/",
        "crm-app:///home/", "crm-app://home@evil/", "crm-app://home\\@evil/", "CRM-APP://HOME/", "evil-app://home/",
        "intent://home/#Intent;scheme=evil;end", "", " ", "null", "about:blank", "file:///etc/passwd",
        "https://crm.example.com/meetings\r\nLocation: https://evil.example", "https://crm.example.com/meetings\x00",
        "https://crm.example.com/meetings/\\evil.example", "https://crm.example.com//evil.example/meetings",
        "https://crm.example.com/meetings//evil.example",
    ]  # fmt: skip
    return list(dict.fromkeys([head + path for head in heads for path in paths] + rest))
