"""Reads the SAML metadata of a provider."""

from __future__ import annotations

from dataclasses import dataclass

from local.front.federation.identity import Refused
from local.front.federation.xml import parse

_MD, _DS = "{urn:oasis:names:tc:SAML:2.0:metadata}", "{http://www.w3.org/2000/09/xmldsig#}"
_REDIRECT = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"


@dataclass(frozen=True)
class Metadata:
    """What the pool needs to know about a provider.

    entity_id     the issuer of its assertions
    certificates  of its signatures, as base64; a provider that changes its key has two
    sign_in_url   its address for authentication requests, in the redirect binding
    """

    entity_id: str
    certificates: tuple[str, ...]
    sign_in_url: str


def read(text: str) -> Metadata:
    """Returns the content of a metadata document. Raises Refused for an incomplete one."""
    root = parse(text.strip().encode())
    provider = root.find(f"{_MD}IDPSSODescriptor")
    if root.tag != f"{_MD}EntityDescriptor" or provider is None:
        raise Refused("The metadata describes no identity provider.")
    certificates = tuple(
        "".join(certificate.text.split())
        for key in provider.iterfind(f"{_MD}KeyDescriptor")
        if key.get("use", "signing") == "signing"
        for certificate in key.iter(f"{_DS}X509Certificate")
        if certificate.text
    )
    services = provider.iterfind(f"{_MD}SingleSignOnService")
    addresses = [service.get("Location", "") for service in services if service.get("Binding") == _REDIRECT]
    if not root.get("entityID") or not certificates or not addresses:
        raise Refused("The metadata lacks an entityID, a certificate or an address for redirects.")
    return Metadata(root.get("entityID"), certificates, addresses[0])
