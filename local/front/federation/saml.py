"""Verifies a SAML response. Pure: the response, the expectations and the time decide.

Only the element that the signature covers is read, as the verifier returns it. The envelope is not signed: it can only
be a reason to refuse.

Source:  SAML 2.0 profiles, section 4.1.4.3; Somorovsky et al., "On Breaking SAML" (2012), for the wrapping attacks
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import UTC, datetime

from lxml import etree
from signxml.algorithms import DigestAlgorithm, SignatureMethod
from signxml.exceptions import SignXMLException
from signxml.verifier import SignatureConfiguration, XMLVerifier

from local.front.federation.identity import SKEW_SECONDS, Identity, Refused
from local.front.federation.xml import parse

_P, _A = "{urn:oasis:names:tc:SAML:2.0:protocol}", "{urn:oasis:names:tc:SAML:2.0:assertion}"
_DS = "{http://www.w3.org/2000/09/xmldsig#}"
_SUCCESS = "urn:oasis:names:tc:SAML:2.0:status:Success"
_BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
_METHODS = frozenset({SignatureMethod.RSA_SHA256, SignatureMethod.RSA_SHA384, SignatureMethod.RSA_SHA512})
_DIGESTS = frozenset({DigestAlgorithm.SHA256, DigestAlgorithm.SHA384, DigestAlgorithm.SHA512})


@dataclass(frozen=True)
class Expected:
    """What the response to one authentication request must contain.

    issuer        the provider's entity id
    certificates  the provider's, from its metadata and never from the response
    audience      the entity id of the user pool
    recipient     the address to which the provider posts the response
    request_id    the ID of the authentication request
    """

    issuer: str
    certificates: tuple[str, ...]
    audience: str
    recipient: str
    request_id: str


@dataclass(frozen=True)
class Assertion:
    """A verified assertion. The caller must not accept the same ID again before it expires."""

    id: str
    expires_at: float
    identity: Identity


def verify(response: str, expected: Expected, now: float) -> Assertion:
    """Returns the assertion of a response in base64. Raises Refused."""
    root = parse(_decoded(response))
    _check_envelope(root, expected)
    assertion = _signed(_only_assertion(root), expected.certificates, now)
    if assertion.findtext(f"{_A}Issuer") != expected.issuer:
        raise Refused("The assertion has another issuer.")
    until = min(_subject_expiry(assertion, expected), _conditions_expiry(assertion, expected, now))
    if until <= now:
        raise Refused("The assertion has expired.")
    return Assertion(assertion.get("ID", ""), until, Identity(_subject(assertion), _attributes(assertion)))


def _decoded(response: str) -> bytes:
    try:
        return base64.b64decode("".join(response.split()), validate=True)
    except ValueError as error:
        raise Refused("The response is not base64.") from error


def _check_envelope(root: etree._Element, expected: Expected) -> None:
    if root.tag != f"{_P}Response":
        raise Refused("The message is not a SAML response.")
    status = root.find(f"{_P}Status/{_P}StatusCode")
    if status is None or status.get("Value") != _SUCCESS:
        raise Refused("The provider reports a failure.")
    if root.get("Destination", expected.recipient) != expected.recipient:
        raise Refused("The response has another destination.")
    if root.get("InResponseTo", expected.request_id) != expected.request_id:
        raise Refused("The response answers another request.")
    if root.findtext(f"{_A}Issuer", expected.issuer) != expected.issuer:
        raise Refused("The response has another issuer.")


def _only_assertion(root: etree._Element) -> etree._Element:
    """Returns the assertion if it is the only one, in its place, with its own signature."""
    assertions = list(root.iter(f"{_A}Assertion"))
    if len(assertions) != 1 or assertions[0].getparent() is not root:
        raise Refused("The response must contain exactly one assertion, at the top.")
    if len(assertions[0].findall(f"{_DS}Signature")) != 1:
        raise Refused("The assertion is not signed.")
    return assertions[0]


def _signed(assertion: etree._Element, certificates: tuple[str, ...], now: float) -> etree._Element:
    """Returns the assertion as the signature covers it."""
    trusted = SignatureConfiguration(
        location="./",
        expect_references=1,
        signature_methods=_METHODS,
        digest_algorithms=_DIGESTS,
        verification_time=datetime.fromtimestamp(now, UTC),
    )
    text = etree.tostring(assertion, with_tail=False)
    for certificate in certificates:
        try:
            result = XMLVerifier().verify(text, x509_cert=certificate, id_attribute="ID", expect_config=trusted)
        except (SignXMLException, etree.LxmlError, ValueError):
            continue
        signed = None if isinstance(result, list) else result.signed_xml
        if signed is not None and signed.tag == assertion.tag and signed.get("ID") == assertion.get("ID"):
            return signed
    raise Refused("The signature of the assertion is not valid.")


def _subject_expiry(assertion: etree._Element, expected: Expected) -> float:
    """Returns the expiry of the confirmation that this response, to this request, is for this pool."""
    confirmations = assertion.findall(f"{_A}Subject/{_A}SubjectConfirmation")
    if len(confirmations) != 1 or confirmations[0].get("Method") != _BEARER:
        raise Refused("The assertion must have one confirmation, for its bearer.")
    data = confirmations[0].find(f"{_A}SubjectConfirmationData")
    if data is None or data.get("Recipient") != expected.recipient:
        raise Refused("The assertion has another recipient.")
    if data.get("InResponseTo") != expected.request_id:
        raise Refused("The assertion answers another request.")
    return _time(data.get("NotOnOrAfter"))


def _conditions_expiry(assertion: etree._Element, expected: Expected, now: float) -> float:
    conditions = assertion.find(f"{_A}Conditions")
    if conditions is None:
        raise Refused("The assertion has no conditions.")
    if conditions.get("NotBefore") and _time(conditions.get("NotBefore")) > now + SKEW_SECONDS:
        raise Refused("The assertion is not valid yet.")
    restrictions = conditions.findall(f"{_A}AudienceRestriction")
    audiences = [{audience.text for audience in r.iterfind(f"{_A}Audience")} for r in restrictions]
    if not audiences or not all(expected.audience in named for named in audiences):
        raise Refused("The assertion has another audience.")
    return _time(conditions.get("NotOnOrAfter"))


def _subject(assertion: etree._Element) -> str:
    names = assertion.findall(f"{_A}Subject/{_A}NameID")
    if len(names) != 1 or len(names[0]) or not names[0].text:
        raise Refused("The assertion must have one NameID.")
    return str(names[0].text)


def _attributes(assertion: etree._Element) -> dict[str, tuple[str, ...]]:
    return {
        attribute.get("Name", ""): tuple(value.text or "" for value in attribute.iterfind(f"{_A}AttributeValue"))
        for attribute in assertion.iterfind(f"{_A}AttributeStatement/{_A}Attribute")
    }


def _time(text: str | None) -> float:
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError as error:
        raise Refused("The assertion has no valid time of expiry.") from error
    # Without an offset the time would be that of this machine. SAML requires UTC.
    return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()
