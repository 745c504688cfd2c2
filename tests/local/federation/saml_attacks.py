"""Forgeries made from one genuine response with a signed assertion. Each one would make the sender another user.

XSW 1 to 8 are the wrappings of Somorovsky et al., "On Breaking SAML" (2012): the signed element stays in the document,
so that its signature is valid, and an unsigned element takes its place.
"""

from __future__ import annotations

import base64
import copy
import hashlib
import hmac
import re
import secrets
from collections.abc import Callable

from lxml import etree

from tests.local.federation.saml_company import NAMESPACES

VICTIM = "boss@corp.example"
Forge = Callable[[bytes], bytes]

_D = f"{{{NAMESPACES['d']}}}"
_P = f"{{{NAMESPACES['p']}}}"
_HMAC = "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"

ATTACKS: dict[str, Forge] = {}


def _attack(change: Callable[[etree._Element, etree._Element, etree._Element], None]) -> None:
    """Registers a change of the response, its assertion and the signature, under the name of the function."""

    def forge(genuine: bytes) -> bytes:
        response = etree.fromstring(genuine)
        assertion = response.find("a:Assertion", NAMESPACES)
        change(response, assertion, assertion.find("d:Signature", NAMESPACES))
        return bytes(etree.tostring(response))

    ATTACKS[change.__name__.strip("_").replace("_", " ")] = forge


def _evil(assertion: etree._Element) -> etree._Element:
    """Returns an unsigned copy that names the victim, with an ID of its own."""
    forged = _unsigned(assertion)
    forged.set("ID", f"_{secrets.token_hex(16)}")
    _impersonate(forged)
    return forged


def _impersonate(assertion: etree._Element) -> None:
    assertion.find(".//a:NameID", NAMESPACES).text = VICTIM
    assertion.find(".//a:Attribute[@Name='groups']/a:AttributeValue", NAMESPACES).text = "corp-admins"


def _unsigned(assertion: etree._Element) -> etree._Element:
    original = copy.deepcopy(assertion)
    original.remove(original.find("d:Signature", NAMESPACES))
    return original


def _before(response: etree._Element, assertion: etree._Element, forged: etree._Element) -> None:
    response.insert(response.index(assertion), forged)


@_attack
def _changed_subject(response: etree._Element, assertion: etree._Element, signature: etree._Element) -> None:
    assertion.find(".//a:NameID", NAMESPACES).text = VICTIM


@_attack
def _changed_group(response: etree._Element, assertion: etree._Element, signature: etree._Element) -> None:
    assertion.find(".//a:Attribute[@Name='groups']/a:AttributeValue", NAMESPACES).text = "corp-admins"


@_attack
def _removed_signature(response: etree._Element, assertion: etree._Element, signature: etree._Element) -> None:
    assertion.remove(signature)


@_attack
def _changed_signature_value(response: etree._Element, assertion: etree._Element, signature: etree._Element) -> None:
    value = signature.find("d:SignatureValue", NAMESPACES)
    value.text = ("A" if value.text[0] != "A" else "B") + value.text[1:]


@_attack
def _second_assertion_after(response: etree._Element, assertion: etree._Element, signature: etree._Element) -> None:
    response.append(_evil(assertion))


@_attack
def _second_assertion_with_the_same_ID(
    response: etree._Element, assertion: etree._Element, signature: etree._Element
) -> None:
    forged = _evil(assertion)
    forged.set("ID", assertion.get("ID"))
    _before(response, assertion, forged)


@_attack
def _XSW_1_response_in_an_object_of_the_signature(
    response: etree._Element, assertion: etree._Element, signature: etree._Element
) -> None:
    original = copy.deepcopy(response)
    response.replace(assertion, _evil(assertion))
    response.set("ID", f"_{secrets.token_hex(16)}")
    etree.SubElement(signature, f"{_D}Object").append(original)
    response.insert(1, signature)


@_attack
def _XSW_2_response_beside_a_detached_signature(
    response: etree._Element, assertion: etree._Element, signature: etree._Element
) -> None:
    original = copy.deepcopy(response)
    response.replace(assertion, _evil(assertion))
    response.set("ID", f"_{secrets.token_hex(16)}")
    response.insert(1, copy.deepcopy(signature))
    response.insert(1, original)


@_attack
def _XSW_3_forged_assertion_before_the_original(
    response: etree._Element, assertion: etree._Element, signature: etree._Element
) -> None:
    _before(response, assertion, _evil(assertion))


@_attack
def _XSW_4_original_inside_the_forged_assertion(
    response: etree._Element, assertion: etree._Element, signature: etree._Element
) -> None:
    forged = _evil(assertion)
    response.replace(assertion, forged)
    forged.append(assertion)


@_attack
def _XSW_5_forged_assertion_takes_the_signature(
    response: etree._Element, assertion: etree._Element, signature: etree._Element
) -> None:
    forged, original = _evil(assertion), _unsigned(assertion)
    response.replace(assertion, forged)
    forged.append(signature)
    response.append(original)


@_attack
def _XSW_6_original_inside_the_signature(
    response: etree._Element, assertion: etree._Element, signature: etree._Element
) -> None:
    forged, original = _evil(assertion), _unsigned(assertion)
    response.replace(assertion, forged)
    forged.append(signature)
    signature.append(original)


@_attack
def _XSW_7_forged_assertion_in_extensions(
    response: etree._Element, assertion: etree._Element, signature: etree._Element
) -> None:
    extensions = etree.Element(f"{_P}Extensions")
    extensions.append(_evil(assertion))
    response.insert(1, extensions)


@_attack
def _XSW_8_original_in_an_object_of_the_signature(
    response: etree._Element, assertion: etree._Element, signature: etree._Element
) -> None:
    forged, original = _evil(assertion), _unsigned(assertion)
    response.replace(assertion, forged)
    forged.append(signature)
    etree.SubElement(signature, f"{_D}Object").append(original)


@_attack
def _forged_assertion_as_an_encrypted_one(
    response: etree._Element, assertion: etree._Element, signature: etree._Element
) -> None:
    encrypted = etree.Element(f"{{{NAMESPACES['a']}}}EncryptedAssertion")
    encrypted.append(_evil(assertion))
    _before(response, assertion, encrypted)


@_attack
def _HMAC_with_the_certificate_as_its_key(
    response: etree._Element, assertion: etree._Element, signature: etree._Element
) -> None:
    certificate = "".join(signature.findtext(".//d:X509Certificate", namespaces=NAMESPACES).split())
    assertion.remove(signature)
    _impersonate(assertion)
    digest = hashlib.sha256(etree.tostring(assertion, method="c14n", exclusive=True)).digest()
    signature.find(".//d:SignatureMethod", NAMESPACES).set("Algorithm", _HMAC)
    signature.find(".//d:DigestValue", NAMESPACES).text = base64.b64encode(digest).decode()
    assertion.append(signature)
    signed = etree.tostring(signature.find("d:SignedInfo", NAMESPACES), method="c14n", exclusive=True)
    value = hmac.new(base64.b64decode(certificate), signed, "sha256").digest()
    signature.find("d:SignatureValue", NAMESPACES).text = base64.b64encode(value).decode()


@_attack
def _second_reference(response: etree._Element, assertion: etree._Element, signature: etree._Element) -> None:
    info = signature.find("d:SignedInfo", NAMESPACES)
    info.append(copy.deepcopy(info.find("d:Reference", NAMESPACES)))


def _with_document_type(entity: str) -> Forge:
    def forge(genuine: bytes) -> bytes:
        named = re.sub(rb"(<[\w:]*NameID[^>]*>)[^<]*", rb"\1&e;", genuine)
        return f"<!DOCTYPE x [{entity}]>".encode() + named

    return forge


_LAUGHS = '<!ENTITY a0 "ha">' + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
DOCUMENT_TYPES: dict[str, Forge] = {
    "internal entity": _with_document_type(f'<!ENTITY e "{VICTIM}">'),
    "file as an external entity": _with_document_type('<!ENTITY e SYSTEM "file:///etc/hostname">'),
    "URL as an external entity": _with_document_type('<!ENTITY e SYSTEM "http://127.0.0.1:9/e">'),
    "external document type": lambda genuine: b'<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">' + genuine,
    "billion laughs": _with_document_type(f'{_LAUGHS}<!ENTITY e "&a9;">'),
    "document type in UTF-16": lambda genuine: (
        f'<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE x [<!ENTITY e "{VICTIM}">]>{genuine.decode()}'.encode(
            "utf-16"
        )
    ),
    "document type in UTF-16 without a mark": lambda genuine: (
        f'<?xml version="1.0" encoding="UTF-16LE"?><!DOCTYPE x [<!ENTITY e "x">]>{genuine.decode()}'.encode("utf-16-le")
    ),
    "document type in UTF-7": lambda genuine: (
        b'<?xml version="1.0" encoding="UTF-7"?>+ADwAIQ-DOCTYPE x [+ADwAIQ-ENTITY e "x"+AD4]+AD4' + genuine
    ),
}


def with_comment(genuine: bytes) -> bytes:
    """Puts a comment into the NameID. The signature stays valid, because canonical XML has no comments."""
    return re.sub(rb"(<[\w:]*NameID[^>]*>[^<@]*)@", rb"\1<!-- -->@", genuine)
