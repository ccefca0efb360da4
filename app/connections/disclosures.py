"""INTERIM."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Disclosure:
    version: str
    title: str
    paragraphs: tuple[str, ...]
    accept_label: str


def disclosure_text(provider, language):
    return Disclosure("2026-11-01", "t", ("p",), "ok")
