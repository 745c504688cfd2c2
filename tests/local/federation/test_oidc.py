"""Tests the verification of ID tokens, and what the pool asks of an OIDC provider."""

from __future__ import annotations

import time
from typing import Any

import pytest

from local.front.federation import oidc
from local.front.federation.identity import Identity, Refused, mapped
from local.front.federation.oidc_provider import OidcProvider
from tests.local.federation.oidc_attacks import ATTACKS, Forge
from tests.local.federation.oidc_company import CLIENT_ID, CLIENT_SECRET, OidcCompany

COMPANY = OidcCompany()
NONCE = "nonce-of-this-sign-in"
EXPECTED = oidc.Expected(COMPANY.url, CLIENT_ID, NONCE, "access-token")


def provider(company: OidcCompany) -> OidcProvider:
    """The user pool's view of a company, without a network."""

    def fetch(url: str, form: dict[str, str] | None = None, bearer: str = "") -> Any:
        content = company.answer(url.removeprefix(company.url), form or {}, bearer)
        if content is None:
            raise OSError
        return content

    return OidcProvider(company.url, CLIENT_ID, CLIENT_SECRET, "openid email", "http://localhost/back", fetch)


def test_a_genuine_token_is_accepted() -> None:
    assert oidc.verify(COMPANY.id_token(NONCE), COMPANY.keys, EXPECTED, time.time())["sub"] == "jane"
    several = COMPANY.id_token(NONCE, aud=[CLIENT_ID, "another-client"], azp=CLIENT_ID)
    assert oidc.verify(several, COMPANY.keys, EXPECTED, time.time())["sub"] == "jane"


@pytest.mark.parametrize("forge", ATTACKS.values(), ids=ATTACKS)
def test_a_forged_token_is_refused(forge: Forge) -> None:
    with pytest.raises(Refused):
        oidc.verify(forge(COMPANY, NONCE), COMPANY.keys, EXPECTED, time.time())


@pytest.mark.parametrize("keys", [{}, {"keys": None}, {"keys": []}, {"keys": [{}]}, {"keys": [{"kty": "RSA"}]}])
def test_a_malformed_key_set_is_refused(keys: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        oidc.verify(COMPANY.id_token(NONCE), keys, EXPECTED, time.time())


def test_a_symmetric_key_and_a_key_for_encryption_do_not_count() -> None:
    for change in ({"kty": "oct", "k": "A" * 43}, {"use": "enc"}):
        keys = {"keys": [{**COMPANY.keys["keys"][0], **change}]}
        with pytest.raises(Refused):
            oidc.verify(COMPANY.id_token(NONCE), keys, EXPECTED, time.time())


def test_a_code_gives_the_claims_of_the_token_and_of_userinfo() -> None:
    code = COMPANY.code(COMPANY.id_token(NONCE, email_verified=True), groups=["corp-staff", "corp-editors"])
    identity = provider(COMPANY).identity(code, NONCE, time.time())
    assert identity.subject == "jane"
    assert identity.attributes["groups"] == ("corp-staff", "corp-editors")
    assert identity.attributes["email_verified"] == ("true",)


def test_userinfo_of_another_user_is_refused() -> None:
    code = COMPANY.code(COMPANY.id_token(NONCE), sub="boss", groups=["corp-admins"])
    with pytest.raises(Refused, match="another user"):
        provider(COMPANY).identity(code, NONCE, time.time())


def test_a_code_that_the_company_refuses_gives_no_identity() -> None:
    for code in ("unknown", COMPANY.code(COMPANY.id_token(NONCE), client_id="another-client")):
        with pytest.raises(Refused, match="/token"):
            provider(COMPANY).identity(code, NONCE, time.time())


@pytest.mark.parametrize(
    "document",
    [{"issuer": "https://other.example"}, {"token_endpoint": None}, {"jwks_uri": "file:///etc/passwd"}],
)
def test_a_wrong_discovery_document_is_refused(document: dict[str, Any]) -> None:
    company = OidcCompany(discovery=document)
    with pytest.raises(Refused, match="discovery"):
        provider(company).identity(company.code(company.id_token(NONCE)), NONCE, time.time())


def test_only_mapped_attributes_reach_the_user_pool() -> None:
    identity = Identity("jane", {"mail": ("j@corp.example",), "groups": ("a", "b"), "custom:idp_groups": ("admins",)})
    mapping = {"username": "sub", "email": "mail", "custom:idp_groups": "groups", "name": "missing"}
    assert mapped(identity, mapping) == {"mail": "j@corp.example", "groups": "[a, b]"}


def test_a_value_that_is_too_long_for_the_user_pool_is_refused() -> None:
    mapping = {"custom:idp_groups": "groups"}
    assert mapped(Identity("jane", {"groups": ("x" * 2048,)}), mapping)
    with pytest.raises(Refused, match="2048"):
        mapped(Identity("jane", {"groups": ("x" * 1024, "y" * 1024)}), mapping)
