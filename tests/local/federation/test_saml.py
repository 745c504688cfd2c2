"""Tests the verification of SAML responses. Each faulty response has one fault, and a valid signature if it can."""

from __future__ import annotations

import copy
import re
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from lxml import etree
from signxml.algorithms import SignatureMethod

from local.front.federation import saml_metadata
from local.front.federation.identity import Refused
from local.front.federation.saml import Assertion, Expected, verify
from tests.local.federation.saml_attacks import ATTACKS, DOCUMENT_TYPES, VICTIM, Forge, with_comment
from tests.local.federation.saml_company import BEARER, LIFETIME, NAMESPACES, Asked, SamlCompany, posted

ASKED = Asked("_request", "relay", "http://localhost:4566/saml2/idpresponse", "urn:amazon:cognito:sp:pool")
NOW = time.time()
COMPANY, STRANGER = SamlCompany(clock=lambda: NOW), SamlCompany(clock=lambda: NOW)  # the same names, and two keys
EXPECTED = Expected(COMPANY.entity_id, (COMPANY.certificate_text,), ASKED.audience, ASKED.recipient, ASKED.request_id)


def verified(response: bytes, expected: Expected = EXPECTED, now: float = NOW) -> Assertion:
    return verify(posted(response), expected, now)


def refuses(response: bytes, message: str | None = None, expected: Expected = EXPECTED, now: float = NOW) -> None:
    with pytest.raises(Refused, match=message):
        verified(response, expected, now)


def test_a_genuine_response_names_the_user_and_all_values() -> None:
    assertion = verified(COMPANY.response(ASKED, groups=("corp-staff", "corp-editors"), assertion_id="_one"))
    assert assertion.id == "_one"
    assert assertion.identity.subject == "jane@corp.example"
    assert assertion.identity.attributes["groups"] == ("corp-staff", "corp-editors")
    assert assertion.expires_at == int(NOW + LIFETIME)


@pytest.mark.parametrize("forge", ATTACKS.values(), ids=ATTACKS)
def test_a_forged_response_is_refused(forge: Forge) -> None:
    forged = forge(COMPANY.response(ASKED))
    assert forged != COMPANY.response(ASKED)
    refuses(forged)


@pytest.mark.parametrize("forge", DOCUMENT_TYPES.values(), ids=DOCUMENT_TYPES)
def test_a_document_type_is_refused_before_any_entity_is_read(forge: Forge) -> None:
    refuses(forge(COMPANY.response(ASKED)), "document type|well-formed")


def test_a_comment_does_not_shorten_the_name() -> None:
    response = COMPANY.response(ASKED, name_id=f"{VICTIM}@evil.example")
    commented = with_comment(response)
    assert commented != response
    assert verified(commented).identity.subject == f"{VICTIM}@evil.example"


def test_a_processing_instruction_does_not_shorten_the_name() -> None:
    response = COMPANY.response(ASKED, name_id=f"{VICTIM}@evil.example")
    refuses(response.replace(b"boss@", b"boss<?x?>@"))
    signed_with_it = COMPANY.signed(COMPANY.statement(ASKED).xml().replace("jane@", "jane<?x?>@"))
    refuses(signed_with_it, "one NameID")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"issuer": "https://other.example/saml"}, "issuer"),
        ({"audience": "urn:amazon:cognito:sp:other"}, "audience"),
        ({"audience": f"{ASKED.audience} "}, "audience"),
        ({"audience": None}, "audience"),
        ({"recipient": "http://localhost:4566/elsewhere"}, "recipient"),
        ({"recipient": None}, "recipient"),
        ({"destination": "http://localhost:4566/elsewhere"}, "destination"),
        ({"request_id": "_of_another_client"}, "another request"),
        ({"request_id": None}, "another request"),
        ({"not_before": NOW + 61}, "not valid yet"),
        ({"not_after": NOW}, "expired"),
        ({"not_after": None}, "expiry"),
        ({"confirmed_until": NOW}, "expired"),
        ({"confirmed_until": None}, "expiry"),
        ({"status": "urn:oasis:names:tc:SAML:2.0:status:Requester"}, "failure"),
        ({"method": BEARER.replace("bearer", "holder-of-key")}, "bearer"),
        ({"name_id": ""}, "NameID"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else None,  # no time in a name
)
def test_a_signed_response_with_another_content_is_refused(changes: dict[str, Any], message: str) -> None:
    refuses(COMPANY.response(ASKED, **changes), message)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b"p:Response", b"p:LogoutResponse", "not a SAML response"),
        (b"status:Success", b"status:Requester", "failure"),
        (b'InResponseTo="_request"', b'InResponseTo="_other"', "response answers another request"),
        (b"/saml</a:Issuer><p:Status", b"/other</a:Issuer><p:Status", "response has another issuer"),
    ],
)
def test_an_envelope_that_contradicts_its_assertion_is_refused(old: bytes, new: bytes, message: str) -> None:
    envelope, assertion = COMPANY.response(ASKED).split(b"<a:Assertion")
    assert old in envelope
    end = assertion.replace(b"p:Response", b"p:LogoutResponse") if old == b"p:Response" else assertion
    refuses(envelope.replace(old, new) + b"<a:Assertion" + end, message)


def test_an_assertion_of_another_issuer_is_refused_in_every_envelope() -> None:
    response = COMPANY.response(ASKED, issuer="https://other.example/saml")
    in_envelope = response.replace(b"https://other.example/saml", COMPANY.entity_id.encode(), 1)
    refuses(in_envelope, "assertion has another issuer")


def test_an_assertion_in_another_place_is_refused() -> None:
    response = etree.fromstring(COMPANY.response(ASKED))
    extensions = etree.SubElement(response, f"{{{NAMESPACES['p']}}}Extensions")
    extensions.append(response.find("a:Assertion", NAMESPACES))
    refuses(etree.tostring(response), "at the top")


def test_an_assertion_without_a_signature_or_with_two_is_refused() -> None:
    response = etree.fromstring(COMPANY.response(ASKED))
    assertion = response.find("a:Assertion", NAMESPACES)
    assertion.append(copy.deepcopy(assertion.find("d:Signature", NAMESPACES)))
    refuses(etree.tostring(response), "not signed")
    for signature in assertion.findall("d:Signature", NAMESPACES):
        assertion.remove(signature)
    refuses(etree.tostring(response), "not signed")


def test_a_signature_of_another_element_is_refused() -> None:
    """The sender puts an element that the company has signed into an assertion of their own."""
    advice = f'<a:Advice ID="_advice"><a:Issuer>{COMPANY.entity_id}</a:Issuer></a:Advice>'
    response = etree.fromstring(COMPANY.signed(COMPANY.statement(ASKED).xml(), element=advice))
    assertion = response.find("a:Assertion", NAMESPACES)
    assertion.append(assertion.find("a:Advice/d:Signature", NAMESPACES))
    refuses(etree.tostring(response), "signature of the assertion")


def test_an_assertion_without_conditions_is_refused() -> None:
    xml = re.sub("<a:Conditions.*</a:Conditions>", "", COMPANY.statement(ASKED).xml())
    refuses(COMPANY.signed(xml), "no conditions")


def test_the_clock_of_the_company_can_be_a_minute_ahead() -> None:
    assert verified(COMPANY.response(ASKED, not_before=NOW + 59))


@pytest.mark.parametrize(
    ("method", "digest"),
    [
        (SignatureMethod.RSA_SHA1, "SHA256"),
        (SignatureMethod.RSA_SHA256, "SHA1"),
        (SignatureMethod.RSA_SHA224, "SHA256"),
        (SignatureMethod.RSA_SHA256, "SHA224"),
    ],
)
def test_a_signature_with_a_weak_algorithm_is_refused(method: SignatureMethod, digest: str) -> None:
    refuses(COMPANY.signed(COMPANY.statement(ASKED).xml(), method, digest), "signature")


@pytest.mark.parametrize("method", [SignatureMethod.RSA_SHA384, SignatureMethod.RSA_SHA512])
def test_a_signature_with_a_strong_algorithm_is_accepted(method: SignatureMethod) -> None:
    assert verified(COMPANY.signed(COMPANY.statement(ASKED).xml(), method, "SHA512"))


def test_the_key_comes_from_the_metadata_and_not_from_the_response() -> None:
    refuses(STRANGER.response(ASKED), "signature")


def test_a_company_that_changes_its_key_has_two_certificates() -> None:
    metadata = saml_metadata.read(COMPANY.metadata(STRANGER.certificate_text))
    both = replace(EXPECTED, certificates=metadata.certificates)
    assert verified(COMPANY.response(ASKED), both)
    assert verified(STRANGER.response(ASKED), both)


def test_a_comment_does_not_shorten_a_certificate() -> None:
    text = COMPANY.certificate_text
    metadata = COMPANY.metadata().replace(text, f"{text[:99]}<!-- -->{text[99:]}")
    assert saml_metadata.read(metadata).certificates == (text,)


def test_a_certificate_that_has_expired_is_refused() -> None:
    later = time.time() + 31 * 86400
    refuses(COMPANY.response(ASKED, not_after=later + 60, confirmed_until=later + 60), "signature", now=later)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"<",
        b"<Response/>",
        b"\xff",
        b"<x>" * 1000,
        b'<p:LogoutResponse xmlns:p="urn:oasis:names:tc:SAML:2.0:protocol"/>',
    ],
)
def test_a_document_that_is_not_a_response_is_refused(raw: bytes) -> None:
    refuses(raw)


def test_a_response_that_is_not_base64_is_refused() -> None:
    for text in ("", "no base64!", posted(COMPANY.response(ASKED))[:-1], "=" * 8):
        with pytest.raises(Refused):
            verify(text, EXPECTED, NOW)


def test_a_large_response_is_refused() -> None:
    refuses(COMPANY.response(ASKED, groups=("x" * 300_000,)), "too large")


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("EntityDescriptor", "Other"),
        lambda text: text.replace("IDPSSODescriptor", "SPSSODescriptor"),
        lambda text: text.replace("X509Certificate", "X509SKI"),
        lambda text: text.replace('use="signing"', 'use="encryption"'),
        lambda text: text.replace("HTTP-Redirect", "HTTP-POST"),
        lambda text: text.replace("entityID", "id"),
        lambda text: f"<!DOCTYPE x>{text}",
        lambda text: text[:-1],
    ],
)
def test_incomplete_metadata_is_refused(change: Callable[[str], str]) -> None:
    assert saml_metadata.read(COMPANY.metadata()).sign_in_url == COMPANY.sign_in_url
    with pytest.raises(Refused):
        saml_metadata.read(change(COMPANY.metadata()))
