"""HTML forms as a browser reads and submits them. Pure.

The rule: only what the page offers can be sent: an account that is not listed or a box that is not there is an error.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin


class FormError(Exception):
    """The page is not what was expected."""


@dataclass(frozen=True)
class Control:
    """An input or a button."""

    kind: str
    name: str
    value: str
    checked: bool


@dataclass
class Form:
    """The first form of a page."""

    action: str
    method: str
    controls: list[Control] = field(default_factory=list)

    def values(self, kind: str) -> list[str]:
        """The values offered by controls of a kind: `radio`, `checkbox`, `submit`."""
        return [control.value for control in self.controls if control.kind == kind]

    def submission(self, *, choose: str, untick: Collection[str], press: str) -> list[tuple[str, str]]:
        """What is sent when the radio button `choose` is chosen, boxes are unticked and the button `press` is pressed.

        Raises FormError for what the form does not have.
        """
        for kind, wanted in (("radio", [choose]), ("checkbox", untick), ("submit", [press])):
            missing = set(wanted) - set(self.values(kind))
            if missing:
                raise FormError(f"no {kind} {', '.join(sorted(missing))} among {self.values(kind)}")
        return [(control.name, control.value) for control in self.controls if _is_sent(control, choose, untick, press)]


def _is_sent(control: Control, choose: str, untick: Collection[str], press: str) -> bool:
    match control.kind:
        case "radio":
            return control.value == choose
        case "checkbox":
            return control.checked and control.value not in untick
        case "submit":
            return control.value == press
        case _:
            return True


def read_form(page: str, page_url: str) -> Form:
    """The first form of the page at `page_url`. Raises FormError when there is none."""
    reader = _FormReader(page_url)
    reader.feed(page)
    if reader.form is None:
        raise FormError(f"no form in the page at {page_url.partition('?')[0]}; it says: {' '.join(reader.words)}")
    return reader.form


class _FormReader(HTMLParser):
    def __init__(self, page_url: str) -> None:
        super().__init__()
        self.form: Form | None = None
        self._page_url = page_url
        self._inside = False
        self._invisible = False
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._invisible = tag in {"style", "script", "title"}
        values = {name: value or "" for name, value in attrs}
        if tag == "form" and self.form is None:
            self._inside = True
            action = urljoin(self._page_url, values.get("action", ""))
            self.form = Form(action, values.get("method", "get").upper())
        elif self._inside and self.form is not None and tag in {"input", "button"} and "name" in values:
            kind = values.get("type", "submit" if tag == "button" else "text")
            self.form.controls.append(Control(kind, values["name"], values.get("value", "on"), "checked" in values))

    def handle_endtag(self, tag: str) -> None:
        self._invisible = False
        if tag == "form":
            self._inside = False

    def handle_data(self, data: str) -> None:
        if not self._invisible:
            self.words += data.split()
