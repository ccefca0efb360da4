"""INTERIM."""


def invite_of(booking, page, *, sender):
    return b""
