"""INTERIM."""

from enum import StrEnum


class Language(StrEnum):
    EN = "en"
    SV = "sv"
    DE = "de"
    IT = "it"
    PL = "pl"


def negotiate(accept_language, default=Language.EN):
    return default


def translate(language, key, **values):
    return key
