"""Compares the verification of SAML responses with python3-saml, which uses another library for signatures (xmlsec)."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest
from onelogin.saml2.response import OneLogin_Saml2_Response
from onelogin.saml2.settings import OneLogin_Saml2_Settings

from local.front.federation.identity import Refused
from local.front.federation.saml import verify
from tests.local.federation.saml_attacks import ATTACKS, DOCUMENT_TYPES, with_comment
from tests.local.federation.saml_company import posted
from tests.local.federation.test_saml import ASKED, COMPANY, EXPECTED, NOW, STRANGER

_TWINS: dict[str, Any] = {
    "issuer": "https://other.example/saml",
    "audience": "urn:amazon:cognito:sp:other",
    "recipient": "http://localhost:4566/elsewhere",
    "destination": "http://localhost:4566/elsewhere",
    "request_id": "_of_another_client",
    "not_before": NOW + 3600,
    "not_after": NOW - 3600,
    "confirmed_until": NOW - 3600,
    "status": "urn:oasis:names:tc:SAML:2.0:status:Requester",
}
RESPONSES = {
    **{name: forge(COMPANY.response(ASKED)) for name, forge in (ATTACKS | DOCUMENT_TYPES).items()},
    **{f"another {name}": COMPANY.response(ASKED, **{name: value}) for name, value in _TWINS.items()},
    "the key of a stranger": STRANGER.response(ASKED),
}


def second_opinion(response: bytes) -> str | None:
    """Returns the name that python3-saml accepts, or None."""
    settings = OneLogin_Saml2_Settings(
        {
            "strict": True,
            "sp": {"entityId": EXPECTED.audience, "assertionConsumerService": {"url": EXPECTED.recipient}},
            "idp": {
                "entityId": EXPECTED.issuer,
                "singleSignOnService": {"url": COMPANY.sign_in_url},
                "x509cert": COMPANY.certificate_text,
            },
            "security": {"wantAssertionsSigned": True, "rejectDeprecatedAlgorithm": True},
        }
    )
    address = urlsplit(EXPECTED.recipient)
    request = {"http_host": address.netloc, "script_name": address.path, "get_data": {}, "post_data": {}}
    try:
        judged = OneLogin_Saml2_Response(settings, posted(response))
        return str(judged.get_nameid()) if judged.is_valid(request, EXPECTED.request_id) else None
    except Exception:  # it raises many types for malformed documents
        return None


def test_both_accept_a_genuine_response() -> None:
    response = COMPANY.response(ASKED, destination=ASKED.recipient)
    assert verify(posted(response), EXPECTED, NOW).identity.subject == second_opinion(response) == "jane@corp.example"


def test_both_read_the_whole_name_around_a_comment() -> None:
    response = with_comment(COMPANY.response(ASKED, name_id="boss@corp.example@evil.example"))
    assert verify(posted(response), EXPECTED, NOW).identity.subject == "boss@corp.example@evil.example"
    assert second_opinion(response) == "boss@corp.example@evil.example"


@pytest.mark.parametrize("response", RESPONSES.values(), ids=RESPONSES)
def test_both_refuse(response: bytes) -> None:
    assert second_opinion(response) is None
    with pytest.raises(Refused):
        verify(posted(response), EXPECTED, NOW)
