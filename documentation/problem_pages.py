"""A page for every problem code, under the path that a problem's `type` ends with.

The one rule: codes, texts and members are read off the service; only the advice is written by hand.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Final

from babel.messages.pofile import read_po

from app.errors import AppError
from app.i18n import Language, has_text, translate
from documentation.advice import ADVICE, Advice
from documentation.markdown import page, table
from documentation.reference import operation_links, operations
from documentation.repository import ROOT, Document

FOLDER: Final = "problems"
_LANGUAGES: Final = {"en": "English", "sv": "Swedish", "de": "German", "it": "Italian", "pl": "Polish"}
_CODE: Final = re.compile(r"`([a-z][A-Za-z_]+)`")
_COMMON: Final = 12
"""A code that more operations answer says nothing about any of them."""


def problem_pages(document: Document) -> dict[str, str]:
    """The pages by their path below `docs`."""
    kinds = problem_kinds()
    pages = {f"{FOLDER}/index.md": _overview(kinds)}
    for code, kind in kinds.items():
        pages[page_of(code)] = _page(document, code, kind)
    return pages


def page_of(code: str) -> str:
    """A folder of its own, so that `…/problems/<code>` is found by any web server."""
    return f"{FOLDER}/{code}/index.md"


def problem_kinds() -> dict[str, type[AppError]]:
    """The class of each code: where several share one, the one nearest the root."""
    kinds: dict[str, type[AppError]] = {}
    for kind in _tree(AppError):
        kinds.setdefault(kind.code, kind)
    return dict(sorted(kinds.items(), key=lambda item: (item[1].status_code, item[0])))


def _tree(kind: type[AppError]) -> Iterator[type[AppError]]:
    yield kind
    for below in kind.__subclasses__():
        yield from _tree(below)


def _overview(kinds: Mapping[str, type[AppError]]) -> str:
    parts = []
    for status in sorted({kind.status_code for kind in kinds.values()}):
        rows = [
            (f"[`{code}`]({code}/index.md)", _text(Language.EN, code, "title"), ADVICE[code].repeat)
            for code, kind in kinds.items()
            if kind.status_code == status
        ]
        parts += [f"## Status {status}", table(("code", "title", "worth repeating"), rows)]
    return page(
        "# Problems",
        "Every refusal is `application/problem+json` (RFC 9457). Switch on `code`: it is stable. `title` and `detail` "
        "are for people, in the language of `Accept-Language`. `type` is the address of the code's page here, when "
        "[`PROBLEM_BASE_URL`](../settings.md) names where this site is published. New codes may come: fall back to the "
        "status.",
        *parts,
    )


def _page(document: Document, code: str, kind: type[AppError]) -> str:
    advice = ADVICE[code]
    return page(
        f"# {code}",
        f"**{kind.status_code}** {_text(Language.EN, code, 'title')}",
        "## When it comes",
        advice.when,
        "## What to do",
        _linked(document, advice),
        f"Worth repeating unchanged: {advice.repeat}.",
        _members(document, code),
        _answering(document, code),
        "## What people read",
        _texts(code),
    )


def _linked(document: Document, advice: Advice) -> str:
    """The advice, its operations linked to the reference."""
    links = operation_links(document, "../../reference/")

    def link(found: re.Match[str]) -> str:
        target = links.get(found[1])
        return f"[{found[0]}]({target})" if target else found[0]

    return _CODE.sub(link, advice.do)


def _members(document: Document, code: str) -> str:
    """What the problem says beyond what all of them say."""
    rows = []
    for name, schema in document["components"]["schemas"]["Problem"]["properties"].items():
        codes, told, what = schema.get("description", "").partition(": ")
        if told and f"`{code}`" in codes:
            rows.append((f"`{name}`", what))
        elif told and f"; `{code}`: " in what:
            rows.append((f"`{name}`", what.partition(f"; `{code}`: ")[2]))
    return page("## What it carries", table(("member", "what"), rows)) if rows else ""


def _answering(document: Document, code: str) -> str:
    """The operations that tell of the code themselves, or else all that answer it; nothing of a common one."""
    links = operation_links(document, "../../reference/")
    telling = [op["operationId"] for _, _, op in operations(document) if f"`{code}`" in op.get("description", "")]
    answering = [op["operationId"] for _, _, op in operations(document) if code in op["x-problem-codes"]]
    named = telling or answering
    told = ", ".join(f"[`{name}`]({links[name]})" for name in named) if len(named) <= _COMMON else ""
    return page("## Operations", f"{told}.") if told else ""


def _texts(code: str) -> str:
    rows = [(_LANGUAGES[of.value], _text(of, code, "title"), _text(of, code, "detail")) for of in Language]
    variants = [f"- {_text(Language.EN, code, key)}" for key in _variants(code)]
    more = page("Or, when more is known, in English:", "\n".join(variants)) if variants else ""
    return page(table(("language", "title", "detail"), rows), more)


def _variants(code: str) -> list[str]:
    """The keys of the details that say more."""
    return [f"detail.{name}" for name in _names() if has_text(f"problem.{code}.detail.{name}")]


@cache
def _names() -> list[str]:
    """Every word that distinguishes a detail of some problem."""
    with (ROOT / "app/locales/en/LC_MESSAGES/messages.po").open("rb") as file:
        keys = [str(message.id) for message in read_po(file)]
    found = (re.fullmatch(r"problem\.[a-z_]+\.detail\.([a-z_]+)", key) for key in keys)
    return sorted({match[1] for match in found if match})


def _text(language: Language, code: str, key: str) -> str:
    values = {"email": "ada@example.com"}
    return translate(language, f"problem.{code}.{key}", **values)
