"""A certificate authority of one's own, as companies have them, and certificates of hosts that it signs."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import pytest

x509 = pytest.importorskip("cryptography.x509")
from cryptography.hazmat.primitives import hashes, serialization  # noqa: E402 - only where it is installed
from cryptography.hazmat.primitives.asymmetric import ec  # noqa: E402

if TYPE_CHECKING:
    from pathlib import Path

DAY: Final = timedelta(days=1)


class Authority:
    """Its certificate is in `file`, in a directory of the test's."""

    def __init__(self, directory: Path, *, name: str = "Some Company") -> None:
        self.directory = directory
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        certificate = (
            self._draft(self._subject, self._key)
            .issuer_name(self._subject)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_MAY_SIGN, critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.file = self.directory / f"{name}.pem"
        self.file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def host(self, name: str, *, shift: timedelta = timedelta(), is_self_signed: bool = False) -> ssl.SSLContext:
        """What a host of that name serves with; `shift` is how far its two days are from today."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        certificate = (
            self._draft(subject, key, shift=shift)
            .issuer_name(subject if is_self_signed else self._subject)
            .add_extension(_named_by(key if is_self_signed else self._key), critical=False)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
            .sign(key if is_self_signed else self._key, hashes.SHA256())
        )
        file = self.directory / "host.pem"
        file.write_bytes(
            certificate.public_bytes(serialization.Encoding.PEM)
            + key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(file)
        file.unlink()
        return context

    def _draft(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, *, shift: timedelta = timedelta()
    ) -> x509.CertificateBuilder:
        now = datetime.now(UTC) + shift
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - DAY)
            .not_valid_after(now + DAY)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        )


_MAY_SIGN: Final = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)


def _named_by(key: ec.EllipticCurvePrivateKey) -> x509.AuthorityKeyIdentifier:
    """Which key has signed; Python wants to be told of it, from 3.13 on."""
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())
