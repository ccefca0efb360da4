"""The keys an issuer publishes (RFC 7517), and which of them may have signed a token. Pure.

The one rule: a key that is not understood hides no other, and of one that is, only its numbers reach the library: what
else it says of itself is read here.
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, Key

_SHORTEST_RSA: Final = 256
"""Bytes: 2,048 bits (RFC 7518, 3.3)."""
_NUMBERS: Final = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x")}
_CURVES: Final = {"P-256": "ES256", "Ed25519": "EdDSA", "Ed448": "EdDSA"}


class _Document(msgspec.Struct):
    keys: list[Any]


@dataclass(frozen=True, slots=True)
class PublishedKeys:
    """A set of keys that verify signatures."""

    _keys: Sequence[tuple[str | None, str, Key]]
    """The name, if it has one; the algorithm; the key."""

    @classmethod
    def read(cls, document: bytes) -> Self:
        """Raises: ValueError, when there is no key in it that verifies anything."""
        try:
            told = msgspec.json.decode(document, type=_Document).keys
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ValueError("not a set of keys") from error
        keys = [key for key in map(_read, told) if key is not None]
        if not keys:
            raise ValueError("no key that we can use")
        return cls(keys)

    def __len__(self) -> int:
        return len(self._keys)

    def candidates(self, algorithm: object, name: object) -> list[Key]:
        """Those that may have signed: of that name or of none; whatever their name, when the token says none."""
        return [
            key
            for own_name, own_algorithm, key in self._keys
            if own_algorithm == algorithm and (name is None or own_name is None or own_name == name)
        ]


def _read(told: Any) -> tuple[str | None, str, Key] | None:
    """None: it is for something else, or not understood."""
    if not isinstance(told, Mapping) or (algorithm := _algorithm(told)) is None:
        return None
    kind, name = str(told.get("kty")), told.get("kid")
    try:
        numbers = {number: told[number] for number in _NUMBERS[kind]}
        if kind == "RSA" and len(_decoded(numbers["n"])) < _SHORTEST_RSA:
            return None
        key = JWKRegistry.import_key({"kty": kind, **numbers})
    except (JoseError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return (name if isinstance(name, str) else None), algorithm, key


def _algorithm(told: Mapping[str, Any]) -> str | None:
    """What it verifies; None: nothing that we take."""
    operations = told.get("key_ops")
    if told.get("use", "sig") != "sig" or (isinstance(operations, list) and "verify" not in operations):
        return None
    algorithm = "RS256" if told.get("kty") == "RSA" else _CURVES.get(str(told.get("crv")))
    return algorithm if told.get("alg", algorithm) == algorithm else None


def _decoded(number: Any) -> bytes:
    try:
        return base64.urlsafe_b64decode(number + "=" * (-len(number) % 4)).lstrip(b"\0")
    except binascii.Error as error:
        raise ValueError("not a number") from error
