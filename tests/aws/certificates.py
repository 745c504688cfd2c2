"""Certificates for servers of the tests, and the authority that issued them."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

_DAY = timedelta(days=1)


@cache
def _key(name: str) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def authority(name: str = "Olympus") -> bytes:
    """Returns the certificate of an authority."""
    return _issued(name, name, -_DAY, is_authority=True).public_bytes(Encoding.PEM)


def server_settings(host: str, issuer: str = "Olympus", expires: timedelta = _DAY) -> ssl.SSLContext:
    """Returns the TLS settings of a server with a certificate for this host."""
    private = _key(host).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with TemporaryDirectory() as folder:
        file = Path(folder, "server.pem")
        file.write_bytes(private + _issued(host, issuer, expires).public_bytes(Encoding.PEM))
        settings = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        settings.load_cert_chain(file)
    return settings


def _issued(host: str, issuer: str, expires: timedelta, is_authority: bool = False) -> x509.Certificate:
    now = datetime.now(UTC)
    usage = dict.fromkeys(("key_cert_sign", "crl_sign"), is_authority)
    other = ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
    return (
        x509.CertificateBuilder()
        .subject_name(_name(host))
        .issuer_name(_name(issuer))
        .public_key(_key(host).public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - 3 * _DAY)
        .not_valid_after(now + (_DAY if is_authority else expires))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(
                digital_signature=True,
                encipher_only=False,
                decipher_only=False,
                **usage,
                **dict.fromkeys(other, False),
            ),
            critical=True,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(_key(host).public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(_key(issuer).public_key()), critical=False)
        .sign(_key(issuer), SHA256())
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])
