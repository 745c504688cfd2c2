"""A company with a SAML provider in the test process. It can state anything, and sign it or not.

Its responses satisfy the schema of SAML 2.0, so that another library can judge them.
"""

from __future__ import annotations

import base64
import secrets
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import escape

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree
from signxml.algorithms import CanonicalizationMethod, DigestAlgorithm, SignatureConstructionMethod, SignatureMethod
from signxml.signer import XMLSigner

NAMESPACES = {
    "p": "urn:oasis:names:tc:SAML:2.0:protocol",
    "a": "urn:oasis:names:tc:SAML:2.0:assertion",
    "d": "http://www.w3.org/2000/09/xmldsig#",
}
SUCCESS = "urn:oasis:names:tc:SAML:2.0:status:Success"
BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
PASSWORD = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"
LIFETIME = 86400  # seconds of an assertion, so that no test depends on its own duration


@dataclass(frozen=True)
class Asked:
    """An authentication request, as the user pool's redirect contains it."""

    request_id: str
    relay_state: str
    recipient: str
    audience: str


def asked(location: str) -> Asked:
    """Reads the redirect of the user pool."""
    query = parse_qs(urlsplit(location).query)
    request = etree.fromstring(zlib.decompress(base64.b64decode(query["SAMLRequest"][0]), -15))
    return Asked(
        request.get("ID"),
        query["RelayState"][0],
        request.get("AssertionConsumerServiceURL"),
        request.findtext("{*}Issuer"),
    )


@dataclass(frozen=True)
class Statement:
    """The content of a response. The times are seconds since 1970; None leaves a value out."""

    issuer: str
    audience: str | None
    recipient: str | None
    request_id: str | None
    not_before: float | None
    not_after: float | None
    confirmed_until: float | None
    name_id: str = "jane@corp.example"
    groups: tuple[str, ...] = ("corp-staff",)
    assertion_id: str = field(default_factory=lambda: f"_{secrets.token_hex(16)}")
    status: str = SUCCESS
    destination: str | None = None
    method: str = BEARER

    def xml(self) -> str:
        def pair(name: str, value: str | None) -> str:
            return "" if value is None else f' {name}="{escape(value)}"'

        groups = "".join(f"<a:AttributeValue>{escape(group)}</a:AttributeValue>" for group in self.groups)
        audience = f"<a:Audience>{escape(self.audience or '')}</a:Audience>"
        restriction = f"<a:AudienceRestriction>{audience}</a:AudienceRestriction>" if self.audience else ""
        data = pair("NotOnOrAfter", _instant(self.confirmed_until)) + pair("Recipient", self.recipient)
        data += pair("InResponseTo", self.request_id)
        valid = pair("NotBefore", _instant(self.not_before)) + pair("NotOnOrAfter", _instant(self.not_after))
        answers = pair("Destination", self.destination) + pair("InResponseTo", self.request_id)
        issued = f' IssueInstant="{_instant(time.time())}"'
        context = f"<a:AuthnContext><a:AuthnContextClassRef>{PASSWORD}</a:AuthnContextClassRef></a:AuthnContext>"
        mail = f"<a:AttributeValue>{escape(self.name_id)}</a:AttributeValue>"
        return (
            f'<p:Response xmlns:p="{NAMESPACES["p"]}" xmlns:a="{NAMESPACES["a"]}" Version="2.0" '
            f'ID="_{secrets.token_hex(16)}"{issued}{answers}><a:Issuer>{escape(self.issuer)}</a:Issuer>'
            f'<p:Status><p:StatusCode Value="{self.status}"/></p:Status>'
            f'<a:Assertion Version="2.0" ID="{self.assertion_id}"{issued}><a:Issuer>{escape(self.issuer)}</a:Issuer>'
            f"<a:Subject><a:NameID>{escape(self.name_id)}</a:NameID>"
            f'<a:SubjectConfirmation Method="{self.method}"><a:SubjectConfirmationData{data}/></a:SubjectConfirmation>'
            f"</a:Subject><a:Conditions{valid}>{restriction}</a:Conditions>"
            f'<a:AuthnStatement AuthnInstant="{_instant(time.time())}">{context}</a:AuthnStatement>'
            f'<a:AttributeStatement><a:Attribute Name="mail">{mail}</a:Attribute>'
            f'<a:Attribute Name="groups">{groups}</a:Attribute></a:AttributeStatement></a:Assertion></p:Response>'
        )


class _OldSigner(XMLSigner):
    """Also signs with SHA-1."""

    def check_deprecated_methods(self) -> None: ...


@dataclass(frozen=True)
class SamlCompany:
    """The provider, with its own key and clock."""

    entity_id: str = "https://corp.example/saml"
    sign_in_url: str = "http://localhost:9/sso"
    clock: Callable[[], float] = time.time

    @cached_property
    def key(self) -> rsa.RSAPrivateKey:
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)

    @cached_property
    def certificate(self) -> x509.Certificate:
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "corp.example")])
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self.key.public_key())
            .serial_number(1)
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=30))
            .sign(self.key, hashes.SHA256())
        )

    @property
    def certificate_text(self) -> str:
        return base64.b64encode(self.certificate.public_bytes(Encoding.DER)).decode()

    def metadata(self, *further_certificates: str) -> str:
        keys = "".join(
            f'<KeyDescriptor use="signing"><KeyInfo xmlns="{NAMESPACES["d"]}"><X509Data><X509Certificate>{text}'
            "</X509Certificate></X509Data></KeyInfo></KeyDescriptor>"
            for text in (*further_certificates, self.certificate_text)
        )
        return (
            f'<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{self.entity_id}">'
            f'<IDPSSODescriptor protocolSupportEnumeration="{NAMESPACES["p"]}">{keys}<SingleSignOnService '
            'Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" '
            f'Location="{self.sign_in_url}"/></IDPSSODescriptor></EntityDescriptor>'
        )

    def statement(self, asked: Asked, **changes: Any) -> Statement:
        """Returns what a genuine response to a request states, with these changes."""
        now = self.clock()
        genuine = {
            "issuer": self.entity_id,
            "audience": asked.audience,
            "recipient": asked.recipient,
            "request_id": asked.request_id,
            "not_before": now - 5,
            "not_after": now + LIFETIME,
            "confirmed_until": now + LIFETIME,
        }
        return Statement(**{**genuine, **changes})

    def response(self, asked: Asked, **changes: Any) -> bytes:
        """Returns a response with a signed assertion."""
        return self.signed(self.statement(asked, **changes).xml())

    def signed(
        self,
        xml: str,
        method: SignatureMethod = SignatureMethod.RSA_SHA256,
        digest: str = "SHA256",
        element: str = "",
    ) -> bytes:
        """Returns a response with its assertion signed by the key of this company.

        element  is added to the assertion, and signed in its place
        """
        root = etree.fromstring(xml.encode())
        assertion = root.find("a:Assertion", NAMESPACES)
        signer = _OldSigner(
            method=SignatureConstructionMethod.enveloped,
            signature_algorithm=method,
            digest_algorithm=DigestAlgorithm[digest],
            c14n_algorithm=CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0,
        )
        target = assertion
        if element:
            namespaces = " ".join(f'xmlns:{prefix}="{name}"' for prefix, name in NAMESPACES.items())
            target = etree.fromstring(f"<x {namespaces}>{element}</x>")[0]
            assertion.append(target)
        else:
            # The signer replaces this element. The schema of SAML requires the signature in this place.
            place = {"Id": "placeholder"}
            assertion.insert(1, etree.Element(f"{{{NAMESPACES['d']}}}Signature", place, {"ds": NAMESPACES["d"]}))
        certificate = self.certificate.public_bytes(Encoding.PEM).decode()
        signed = signer.sign(target, key=self.key, cert=certificate, reference_uri=target.get("ID"))
        target.getparent().replace(target, signed)
        return bytes(etree.tostring(root))


def posted(response: bytes) -> str:
    """Returns a response as a browser posts it."""
    return base64.b64encode(response).decode()


def _instant(moment: float | None) -> str | None:
    return None if moment is None else datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
