"""The OAuth endpoints of a user pool: codes, refresh, revocation, sign-out and machines."""

from __future__ import annotations

import secrets
from urllib.parse import urlencode

import pytest
import requests

from tests.local.front_system import CALLBACK, System, claims


def test_an_authorization_code_is_valid_once_and_only_with_its_verifier(system: System) -> None:
    code = system.code(system.user())
    for change in (
        {"code_verifier": ""},
        {"code_verifier": "w" * 64},
        {"code_verifier": "é" * 50},
        {"redirect_uri": "http://x"},
    ):
        assert system.redeem(code, **change).json()["error"] == "invalid_grant"
    assert set(system.redeem(code).json()) >= {"access_token", "id_token", "refresh_token"}
    assert system.redeem(code).json()["error"] == "invalid_grant"


def test_a_federated_code_is_valid_only_for_its_client_address_and_verifier(system: System) -> None:
    code = system.corporate_code(f"{secrets.token_hex(6)}@corp.example")
    other = system.new_client(CallbackURLs=[CALLBACK])["ClientId"]
    for change in (
        {"code_verifier": ""},
        {"code_verifier": "w" * 64},
        {"client_id": other},
        {"client_id": ""},
        {"redirect_uri": ""},
        {"redirect_uri": "http://x"},
    ):
        assert system.redeem(code, **change).json()["error"] in ("invalid_grant", "invalid_client")
    assert set(claims(system.redeem(code).json()["access_token"])["scope"].split()) == {"openid", "system/read"}
    assert system.redeem(code).json()["error"] == "invalid_grant"


def test_a_sign_in_with_a_challenge_cannot_use_the_state_of_a_sign_in_without_one(system: System) -> None:
    email = f"{secrets.token_hex(6)}@corp.example"
    bare = {"code_challenge": "", "code_challenge_method": ""}
    assert system.redeem(system.corporate_code(email, **bare), code_verifier="").status_code == 200
    code = system.corporate_code(email, query=f"?state={system.relay(**bare)}")
    assert system.redeem(code, code_verifier="").json()["error"] == "invalid_grant"


def test_a_refresh_retains_the_scopes_and_reads_the_current_groups(system: System) -> None:
    email = system.user()
    tokens = system.oauth_tokens(email)
    assert "cognito:groups" not in claims(tokens["access_token"])
    system.idp.admin_add_user_to_group(UserPoolId=system.pool, Username=email, GroupName="editors")
    answer = system.refresh(tokens["refresh_token"]).json()
    before, after = claims(tokens["access_token"]), claims(answer["access_token"])
    assert after["cognito:groups"] == ["editors"]
    assert set(after["scope"].split()) == set(before["scope"].split()) == {"openid", "system/read"}
    assert after["origin_jti"] == before["origin_jti"]
    assert answer["expires_in"] == 600
    assert claims(answer["id_token"])["cognito:groups"] == ["editors"]


def test_a_federated_refresh_retains_its_scopes(system: System) -> None:
    tokens = system.redeem(system.corporate_code(f"{secrets.token_hex(6)}@corp.example")).json()
    refreshed = claims(system.refresh(tokens["refresh_token"]).json()["access_token"])
    assert set(refreshed["scope"].split()) == {"openid", "system/read"}
    assert refreshed["cognito:groups"] == [f"{system.pool}_Corp"]


def test_a_refresh_token_is_refused_for_another_client(system: System) -> None:
    token = system.oauth_tokens(system.user())["refresh_token"]
    for other in (system.new_client()["ClientId"], "nobody", ""):
        assert system.refresh(token, client_id=other).json()["error"] in ("invalid_grant", "invalid_client")


def test_a_confidential_client_needs_its_secret_to_refresh_and_revoke(system: System) -> None:
    client = system.new_client(GenerateSecret=True, ExplicitAuthFlows=["ALLOW_REFRESH_TOKEN_AUTH"])
    token = system.mint(
        token_use="refresh", sub=system.sub(system.user()), client_id=client["ClientId"], scope="system/read"
    )
    for path, grant in [
        ("/oauth2/token", {"grant_type": "refresh_token", "refresh_token": token}),
        ("/oauth2/revoke", {"token": token}),
    ]:
        for secret in ("", "wrong"):
            refused = system.post(path, {**grant, "client_id": client["ClientId"], "client_secret": secret})
            assert refused.json()["error"] == "invalid_client"
    basic = (client["ClientId"], client["ClientSecret"])
    answer = system.post("/oauth2/token", {"grant_type": "refresh_token", "refresh_token": token}, auth=basic)
    assert set(answer.json()) == {"access_token", "token_type", "expires_in"}  # no ID token without the openid scope


def test_a_revoked_token_is_refused_by_every_endpoint(system: System) -> None:
    tokens = system.oauth_tokens(system.user())
    assert system.post("/oauth2/revoke", {"token": tokens["refresh_token"], "client_id": system.web}).status_code == 200
    assert system.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"
    userinfo = requests.get(
        f"{system.cloud.url}/oauth2/userInfo", headers={"Authorization": f"Bearer {tokens['access_token']}"}, timeout=10
    )
    assert userinfo.status_code == 401


def test_a_client_cannot_revoke_the_token_of_another_client_or_an_access_token(system: System) -> None:
    tokens = system.oauth_tokens(system.user())
    other = system.new_client()["ClientId"]
    refused = system.post("/oauth2/revoke", {"token": tokens["refresh_token"], "client_id": other})
    assert refused.json()["error"] == "invalid_grant"
    refused = system.post("/oauth2/revoke", {"token": tokens["access_token"], "client_id": system.web})
    assert refused.json()["error"] == "unsupported_token_type"
    assert system.refresh(tokens["refresh_token"]).status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"redirect_uri": "http://evil.example/"},
        {"redirect_uri": CALLBACK + "/.."},
        {"response_type": "token"},
        {"client_id": "nobody"},
        {"identity_provider": "Corp", "redirect_uri": "http://evil.example/"},
        {"identity_provider": "Corp", "response_type": "token"},
        {"identity_provider": "Corp", "code_challenge_method": "plain"},
        {"identity_provider": "Corp", "code_challenge": "short"},
        {"identity_provider": "Nobody"},
    ],
)
def test_a_sign_in_that_the_client_does_not_allow_is_refused(system: System, changes: dict[str, str]) -> None:
    answer = system.authorize(**changes)
    assert answer.status_code == 400
    assert "location" not in answer.headers


def test_a_client_can_use_only_its_identity_providers(system: System) -> None:
    alone = system.new_client(
        AllowedOAuthFlowsUserPoolClient=True,
        AllowedOAuthFlows=["code"],
        AllowedOAuthScopes=["openid"],
        CallbackURLs=[CALLBACK],
        SupportedIdentityProviders=["COGNITO"],
    )["ClientId"]
    assert system.authorize(identity_provider="Corp", client_id=alone, scope="openid").status_code == 400
    codeless = system.new_client(CallbackURLs=[CALLBACK], SupportedIdentityProviders=["Corp"])["ClientId"]
    assert system.authorize(identity_provider="Corp", client_id=codeless).status_code == 400


def test_other_scopes_and_plain_challenges_are_refused_at_the_redirect(system: System) -> None:
    for changes in ({"scope": "system/write"}, {"code_challenge_method": "plain"}):
        location = system.authorize(**changes).headers["location"]
        assert location.startswith(CALLBACK)
        assert "error=" in location


def test_a_sign_out_redirects_only_to_a_registered_address(system: System) -> None:
    def log_out(client: str, uri: str) -> int:
        query = urlencode({"client_id": client, "logout_uri": uri})
        return requests.get(f"{system.cloud.url}/logout?{query}", allow_redirects=False, timeout=10).status_code

    assert log_out(system.web, "http://localhost:3000/") == 302
    assert log_out(system.web, "http://evil.example/") == 400
    assert log_out(system.machine[0], "http://evil.example/") == 400


def test_a_machine_gets_only_its_scopes_and_only_with_its_secret(system: System) -> None:
    def ask(secret: str, **grant: str) -> requests.Response:
        return system.post(
            "/oauth2/token", {"grant_type": "client_credentials", **grant}, auth=(system.machine[0], secret)
        )

    assert claims(ask(system.machine[1], scope="system/read").json()["access_token"])["scope"] == "system/read"
    for refused in (
        ask("wrong"),
        ask(""),
        ask(system.machine[1], scope="system/write"),
        system.post("/oauth2/token", {"grant_type": "client_credentials", "client_id": system.web}),
        system.post("/oauth2/token", {"grant_type": "password", "client_id": system.web}),
    ):
        assert refused.status_code == 400
        assert "access_token" not in refused.json()
    assert requests.get(f"{system.cloud.url}/oauth2/token", timeout=10).status_code == 403
