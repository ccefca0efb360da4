"""Mail servers as they are met in the field, on real sockets: they say what a test has them say, line by line.

The one rule: no mail library stands behind them; what came over the wire is kept as it came.
"""

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

_DEFAULTS = {
    "": "220 hello", "STARTTLS": "220 now", "AUTH": "235 in", "DATA": "354 go on", ".": "250 kept", "QUIT": "221 bye",
}  # fmt: skip


@dataclass(slots=True)
class Server:
    """What it offers and says, and what it was told."""

    offers: tuple[str, ...] = ()
    """After EHLO, in the clear."""
    offers_inside: tuple[str, ...] = ()
    """After EHLO within TLS."""
    says: dict[str, str | None] = field(default_factory=dict)
    """An answer of its own to a verb, `.` after the data, and the empty one for the greeting; None: it hangs up."""
    certificate: ssl.SSLContext | None = None
    implicit: bool = False
    whole: bool = True
    """Else each byte of an answer comes by itself."""
    port: int = 0
    lines: list[str] = field(default_factory=list)
    message: bytes = b""
    secrets: list[str] = field(default_factory=list)

    @property
    def verbs(self) -> list[str]:
        return [line.split(" ")[0].partition(":")[0] for line in self.lines]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            going = await self._answer(writer, "")
            while going and (line := (await reader.readline()).decode().strip()):
                self.lines.append(line)
                going = await self._obey(line, reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            return
        finally:
            writer.close()

    async def _obey(self, line: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        verb = line.split(" ", maxsplit=1)[0].upper()
        if verb == "AUTH" and line.split(" ")[1] == "LOGIN":
            self.secrets += [base64.b64decode(word).decode() for word in line.split(" ")[2:]]
            for question in ("Username:", "Password:")[len(self.secrets) :]:
                writer.write(b"334 " + base64.b64encode(question.encode()) + b"\r\n")
                self.secrets.append(base64.b64decode(await reader.readline()).decode())
        going = await self._answer(writer, verb)
        if going and verb == "STARTTLS":
            await writer.start_tls(self.certificate)
        if going and verb == "DATA" and "DATA" not in self.says:
            self.message = (await reader.readuntil(b"\r\n.\r\n"))[:-3]
            return await self._answer(writer, ".")
        return going and verb != "QUIT"

    async def _answer(self, writer: asyncio.StreamWriter, verb: str) -> bool:
        answer = self.says.get(verb, _DEFAULTS.get(verb, "250 fine"))
        if answer is None:
            return False
        if verb == "EHLO" and verb not in self.says:
            inside = writer.get_extra_info("sslcontext") is not None
            offers = ("mail.example.com", *(self.offers_inside if inside else self.offers))
            answer = "\n".join(f"250{' ' if item is offers[-1] else '-'}{item}" for item in offers)
        said = answer.encode("latin-1").replace(b"\n", b"\r\n") + b"\r\n"
        for piece in [said] if self.whole else [said[at : at + 1] for at in range(len(said))]:
            writer.write(piece)
            await writer.drain()
            if not self.whole:
                await asyncio.sleep(0)
        return not answer.startswith("421")


@asynccontextmanager
async def serving(server: Server) -> AsyncIterator[Server]:
    """The server on a free port of this machine."""
    tls = server.certificate if server.implicit else None
    async with await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=tls) as listening:
        server.port = listening.sockets[0].getsockname()[1]
        yield server


def certified(directory: Path) -> tuple[ssl.SSLContext, Path]:
    """A certificate for this machine, and the file of the authority that vouches for it, which is itself."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mail.example.com")])
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    made = made.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    made = made.add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
    made = made.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    file, private = directory / "certificate.pem", directory / "key.pem"
    file.write_bytes(made.sign(key, SHA256()).public_bytes(Encoding.PEM))
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, private)
    return context, file
