"""TLS for the simulator: a certificate authority of its own and a server certificate for this machine.

The one rule: the files are made once and kept, so that a client that trusts the authority trusts it after a restart.
"""

import ipaddress
import os
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LIFETIME = timedelta(days=825)
_NAMES = ("localhost", "mail.sandbox.example", "autodiscover.sandbox.example")
_ADDRESSES = ("127.0.0.1", "::1")


@dataclass(frozen=True)
class Certificates:
    """Paths of PEM files. `authority` is what a client must trust; `chain` and `key` are the server's."""

    authority: Path
    chain: Path
    key: Path

    def server_context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.chain, self.key)
        return context


def ensure_certificates(directory: Path, *, now: datetime | None = None) -> Certificates:
    """The certificates kept in a directory, made there if they are missing or about to expire."""
    now = now or datetime.now(UTC)
    kept = Certificates(directory / "ca.pem", directory / "server.pem", directory / "server.key")
    if not _usable(kept, now):
        directory.mkdir(parents=True, exist_ok=True)
        _make(kept, now)
    return kept


def _usable(kept: Certificates, now: datetime) -> bool:
    if not all(path.is_file() for path in (kept.authority, kept.chain, kept.key)):
        return False
    certificate = x509.load_pem_x509_certificate(kept.chain.read_bytes())
    return certificate.not_valid_after_utc - now > timedelta(days=30)


def _make(kept: Certificates, now: datetime) -> None:
    authority_key = ec.generate_private_key(ec.SECP256R1())
    authority_name = _name("Sandbox Exchange CA")
    authority = _build_authority(authority_key, authority_name, now)
    key = ec.generate_private_key(ec.SECP256R1())
    server = _build_server(key, authority_key, authority_name, now)
    _write(kept.authority, authority.public_bytes(serialization.Encoding.PEM))
    _write(kept.chain, server.public_bytes(serialization.Encoding.PEM))
    _write(
        kept.key,
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
        secret=True,
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + LIFETIME)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _build_authority(key: ec.EllipticCurvePrivateKey, name: x509.Name, now: datetime) -> x509.Certificate:
    usage = x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=True,
        crl_sign=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    return (
        _builder(name, name, key.public_key(), now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())
    )


def _build_server(
    key: ec.EllipticCurvePrivateKey, authority: ec.EllipticCurvePrivateKey, issuer: x509.Name, now: datetime
) -> x509.Certificate:
    names: list[x509.GeneralName] = [x509.DNSName(name) for name in _NAMES]
    names += [x509.IPAddress(ipaddress.ip_address(address)) for address in _ADDRESSES]
    return (
        _builder(_name("localhost"), issuer, key.public_key(), now)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key()), critical=False)
        .sign(authority, hashes.SHA256())
    )


def _write(path: Path, content: bytes, *, secret: bool = False) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.touch(mode=0o600 if secret else 0o644)
    draft.write_bytes(content)
    draft.replace(path)
