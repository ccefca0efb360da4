"""An issuer by another hand, on a real socket: its keys and its tokens are made by `cryptography` alone.

The one rule: it shares no code with the library that verifies, and says in a header or a key whatever a test wants.
"""

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.ids import encode_id, new_id

AUDIENCE = "calendar-connect"
Json = dict[str, Any]


def b64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def number(value: int, size: int) -> str:
    return b64(value.to_bytes(size, "big"))


@dataclass(frozen=True, slots=True)
class Key:
    """How a key is published, and how it signs."""

    public: Json
    sign: Callable[[bytes], bytes]


def rsa_key(bits: int = 2048, **said: Any) -> Key:
    private = rsa.generate_private_key(65537, bits)
    modulus = number(private.public_key().public_numbers().n, bits // 8)
    return Key(
        {"kty": "RSA", "n": modulus, "e": "AQAB"} | said, lambda text: private.sign(text, padding.PKCS1v15(), SHA256())
    )


def pss(text: bytes) -> bytes:
    """Signed as PS256 has it, by a key of nobody's."""
    key = rsa.generate_private_key(65537, 2048)
    return key.sign(text, padding.PSS(padding.MGF1(SHA256()), 32), SHA256())


def ec_key(**said: Any) -> Key:
    private = ec.generate_private_key(ec.SECP256R1())
    point = private.public_key().public_numbers()

    def sign(text: bytes) -> bytes:
        return b"".join(
            half.to_bytes(32, "big") for half in decode_dss_signature(private.sign(text, ec.ECDSA(SHA256())))
        )

    return Key({"kty": "EC", "crv": "P-256", "x": number(point.x, 32), "y": number(point.y, 32)} | said, sign)


def ed_key(curve: str = "Ed25519", **said: Any) -> Key:
    private: Any = {"Ed25519": ed25519.Ed25519PrivateKey, "Ed448": ed448.Ed448PrivateKey}[curve].generate()
    x = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return Key({"kty": "OKP", "crv": curve, "x": b64(x)} | said, private.sign)


@dataclass(slots=True)
class Issuer:
    """What it publishes, and how it answers."""

    url: str = ""
    keys: list[Json] = field(default_factory=list)
    head: str = "200 OK"
    slow: asyncio.Event | None = None
    asked: int = 0

    def publish(self, *keys: Key | Json) -> None:
        self.keys = [key.public if isinstance(key, Key) else key for key in keys]

    def token(self, key: Key, header: Any, **claims: Any) -> str:
        """A person's token with this very header."""
        now = int(time.time())
        said = {
            "iss": self.url,
            "aud": AUDIENCE,
            "sub": encode_id("usr", new_id()),
            "account_id": encode_id("acct", new_id()),
            "email": "ada@example.com",
            "iat": now,
            "exp": now + 3600,
        }
        parts = b".".join(b64(json.dumps(part).encode()).encode() for part in (header, said | claims))
        return f"{parts.decode()}.{b64(key.sign(parts))}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            self.asked += 1
            if self.slow is not None:
                await self.slow.wait()
            body = json.dumps({"keys": self.keys}).encode()
            head = f"HTTP/1.1 {self.head}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
            writer.write(head.encode() + body)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()


@asynccontextmanager
async def issuing() -> AsyncIterator[Issuer]:
    """An issuer on a free port of this machine."""
    issuer = Issuer()
    async with await asyncio.start_server(issuer.serve, "127.0.0.1", 0) as server:
        issuer.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield issuer
