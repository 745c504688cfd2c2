"""Builds SAML authentication requests for the redirect binding."""

from __future__ import annotations

import base64
import zlib
from datetime import UTC, datetime

from lxml import etree

from local.front.http import with_query

_P, _A = "urn:oasis:names:tc:SAML:2.0:protocol", "urn:oasis:names:tc:SAML:2.0:assertion"
_POST = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"


def sign_in_url(address: str, request_id: str, relay_state: str, *, issuer: str, recipient: str, now: float) -> str:
    """Returns the address of the provider with an authentication request.

    request_id  an XML name that nobody can guess: the response must repeat it
    issuer      the entity id of the user pool
    recipient   the address to which the provider posts its response
    """
    request = etree.Element(
        f"{{{_P}}}AuthnRequest",
        {
            "ID": request_id,
            "Version": "2.0",
            "IssueInstant": datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "Destination": address,
            "AssertionConsumerServiceURL": recipient,
            "ProtocolBinding": _POST,
        },
        nsmap={"samlp": _P, "saml": _A},
    )
    etree.SubElement(request, f"{{{_A}}}Issuer").text = issuer
    deflated = zlib.compress(etree.tostring(request), wbits=-15)
    sent = {"SAMLRequest": base64.b64encode(deflated).decode(), "RelayState": relay_state}
    return with_query(address, sent)
