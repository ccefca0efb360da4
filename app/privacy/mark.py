"""How a table's columns are marked.

The one rule: a column has one mark.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Marked:
    """The columns of one table, by their mark."""

    plain: tuple[str, ...]
    personal: tuple[str, ...]
    secret: tuple[str, ...]
    reasons: Mapping[str, str]
    """Why a column is plain although its name looks otherwise."""


def marked(plain: str = "", *, personal: str = "", secret: str = "", **reasons: str) -> Marked:
    """Names separated by spaces. Raises: ValueError for a column with two marks, or a reason for none."""
    by_mark = tuple(plain.split()), tuple(personal.split()), tuple(secret.split())
    names = [name for group in by_mark for name in group]
    if len(names) != len(set(names)) or not reasons.keys() <= set(by_mark[0]):
        raise ValueError("a column has one mark, and a reason is a plain column's")
    return Marked(*by_mark, reasons=reasons)
