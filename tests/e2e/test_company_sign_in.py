"""Company sign-in by SAML and by OIDC, with a published identity provider and the deployed triggers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
import requests
from authlib.integrations.base_client.errors import OAuthError
from botocore.exceptions import ClientError

from local.company.people import STAFF, group_map
from local.sign_in import SignInFailed, cognito
from tests.configured import DEFAULT_GROUP
from tests.e2e import company
from tests.e2e.clients import TIMEOUT, Api, Users
from tests.e2e.company import BY_GROUP, KINDS, ORDINARY, PRIVILEGED, Visitor, visitor
from tests.local.federation.saml_company import SamlCompany, asked, posted


def claims(token: str) -> dict[str, Any]:
    return jwt.decode(token, options={"verify_signature": False})


def groups_in(tokens: dict[str, Any]) -> list[str]:
    return list(claims(tokens["access_token"])["cognito:groups"])


def username_in(tokens: dict[str, Any]) -> str:
    return str(claims(tokens["access_token"])["username"])


def automatic_group(outputs: dict[str, Any], kind: str) -> str:
    return f"{outputs['user_pool_id']}_{outputs['company'][kind]['provider']}"


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def privileged(outputs: dict[str, Any], kind: str) -> dict[str, Any]:
    """The tokens of an employee whose company group stands for a privileged group."""
    return company.sign_in(outputs, kind, PRIVILEGED.name)


# --- groups ---


def test_every_employee_gets_the_groups_that_the_company_group_stands_for(outputs: dict[str, Any], kind: str) -> None:
    for group, person in BY_GROUP.items():
        groups = groups_in(company.sign_in(outputs, kind, person.name))
        assert groups == [automatic_group(outputs, kind), group]
        assert STAFF not in groups


def test_an_employee_with_a_privileged_company_group_may_call_the_administration_api(
    api: Api, privileged: dict[str, Any]
) -> None:
    assert api.ask("GET", "/admin/policies", privileged["access_token"]).status == 200


def test_a_company_group_does_not_become_a_group_of_the_pool(
    outputs: dict[str, Any], users: Users, kind: str, privileged: dict[str, Any]
) -> None:
    assert users.groups_of(username_in(privileged)) == [automatic_group(outputs, kind)]


def test_an_employee_without_a_mapped_group_gets_the_default_group_once(
    outputs: dict[str, Any], users: Users, api: Api, kind: str
) -> None:
    first = company.sign_in(outputs, kind, ORDINARY.name)
    assert DEFAULT_GROUP in users.groups_of(username_in(first))

    users.remove_from(DEFAULT_GROUP, username_in(first))
    second = company.sign_in(outputs, kind, ORDINARY.name)

    assert groups_in(second) == [automatic_group(outputs, kind)]
    assert api.ask("GET", "/whoami", second["access_token"]).body["code"] == "no_policy"
    users.cognito.admin_add_user_to_group(
        UserPoolId=outputs["user_pool_id"], Username=username_in(first), GroupName=DEFAULT_GROUP
    )


def test_a_second_sign_in_is_by_the_same_user(outputs: dict[str, Any], kind: str, privileged: dict[str, Any]) -> None:
    again = company.sign_in(outputs, kind, PRIVILEGED.name)
    assert claims(again["access_token"])["sub"] == claims(privileged["access_token"])["sub"]


def test_a_refresh_keeps_the_groups_of_the_company(
    outputs: dict[str, Any], kind: str, privileged: dict[str, Any]
) -> None:
    refreshed = visitor(outputs, kind).refresh(privileged["refresh_token"])
    assert groups_in(refreshed) == groups_in(privileged)


# --- attempts to get a group ---


def test_an_employee_cannot_write_the_groups_with_the_own_token(outputs: dict[str, Any], kind: str) -> None:
    tokens = company.sign_in(outputs, kind, ORDINARY.name)
    admin = [{"Name": "custom:idp_groups", "Value": next(iter(group_map()))}]

    with pytest.raises(ClientError, match="required scopes"):
        cognito(outputs).update_user_attributes(AccessToken=tokens["access_token"], UserAttributes=admin)
    with pytest.raises(SignInFailed, match="invalid_scope"):
        company.sign_in(outputs, kind, ORDINARY.name, "aws.cognito.signin.user.admin")


def test_a_local_user_cannot_write_the_groups(outputs: dict[str, Any], reader: str) -> None:
    admin = [{"Name": "custom:idp_groups", "Value": next(iter(group_map()))}]
    with pytest.raises(ClientError, match="unauthorized attribute"):
        cognito(outputs).update_user_attributes(AccessToken=reader, UserAttributes=admin)


def test_the_groups_attribute_of_a_local_user_has_no_effect(outputs: dict[str, Any], users: Users) -> None:
    person = users.new()
    written = [{"Name": "custom:idp_groups", "Value": json.dumps(list(group_map()))}]
    users.cognito.admin_update_user_attributes(
        UserPoolId=outputs["user_pool_id"], Username=person.username, UserAttributes=written
    )
    assert "cognito:groups" not in claims(users.token_of(person))


def test_the_client_of_the_company_has_no_sign_in_with_a_password(outputs: dict[str, Any], users: Users) -> None:
    person = users.new()
    client = outputs["company"]["client_id"]
    for flow, parameters in {
        "USER_SRP_AUTH": {"USERNAME": person.username, "SRP_A": "ab" * 128},
        "USER_PASSWORD_AUTH": {"USERNAME": person.username, "PASSWORD": person.password},
    }.items():
        with pytest.raises(ClientError, match="not enabled"):
            cognito(outputs).initiate_auth(ClientId=client, AuthFlow=flow, AuthParameters=parameters)


@pytest.fixture
def rogue(outputs: dict[str, Any], users: Users) -> Iterator[tuple[str, SamlCompany]]:
    """A second provider of the same app client, which the stage does not name."""
    stranger = SamlCompany()
    with company.registered(outputs, users, "SAML", {"MetadataFile": stranger.metadata()}, groups="groups") as name:
        yield name, stranger


def test_the_groups_of_a_provider_that_the_stage_does_not_name_have_no_effect(
    outputs: dict[str, Any], api: Api, rogue: tuple[str, SamlCompany]
) -> None:
    name, stranger = rogue
    visitor = Visitor(outputs, name)
    url, state = visitor.application.create_authorization_url(
        outputs["authorize_url"], code_verifier=visitor.verifier, identity_provider=name
    )
    request = asked(visitor.browser.get(url, allow_redirects=False, timeout=TIMEOUT).headers["location"])
    response = posted(stranger.response(request, groups=tuple(group_map())))
    answer = visitor.browser.post(
        f"{outputs['endpoint_url']}/saml2/idpresponse",
        {"SAMLResponse": response, "RelayState": request.relay_state},
        allow_redirects=False,
        timeout=TIMEOUT,
    )
    tokens = visitor.application.fetch_token(
        outputs["token_url"],
        authorization_response=answer.headers["location"],
        state=state,
        code_verifier=visitor.verifier,
    )

    assert not set(group_map().values()) & set(groups_in(tokens))
    assert api.ask("GET", "/admin/policies", tokens["access_token"]).status == 403


# --- the end of a sign-in ---


def test_a_revoked_employee_is_refused_from_the_next_request(
    outputs: dict[str, Any], api: Api, admin: str, kind: str
) -> None:
    token = company.sign_in(outputs, kind, ORDINARY.name)["access_token"]
    who = {"sub": claims(token)["sub"]}
    assert api.ask("GET", "/whoami", token).status == 200

    assert api.ask("POST", "/admin/revocations", admin, who).status == 201
    try:
        assert api.ask("GET", "/whoami", token).status == 401
    finally:
        api.ask("DELETE", "/admin/revocations", admin, who)


def test_a_revoked_client_refuses_every_employee(outputs: dict[str, Any], api: Api, admin: str, kind: str) -> None:
    token = company.sign_in(outputs, kind, ORDINARY.name)["access_token"]
    client = {"client": outputs["company"]["client_id"]}
    assert api.ask("POST", "/admin/revocations", admin, client).status == 201
    try:
        assert api.ask("GET", "/whoami", token).status == 401
    finally:
        api.ask("DELETE", "/admin/revocations", admin, client)


def test_a_revoked_refresh_token_gives_no_new_tokens(outputs: dict[str, Any], kind: str) -> None:
    tokens = company.sign_in(outputs, kind, ORDINARY.name)
    form = {"token": tokens["refresh_token"], "client_id": outputs["company"]["client_id"]}
    revoked = requests.post(f"{outputs['endpoint_url']}/oauth2/revoke", form, timeout=TIMEOUT)
    assert revoked.status_code == 200
    with pytest.raises(OAuthError, match="invalid_grant"):
        visitor(outputs, kind).refresh(tokens["refresh_token"])


def test_a_global_sign_out_ends_all_sign_ins_of_an_employee(outputs: dict[str, Any], users: Users, kind: str) -> None:
    tokens = company.sign_in(outputs, kind, ORDINARY.name)
    users.cognito.admin_user_global_sign_out(UserPoolId=outputs["user_pool_id"], Username=username_in(tokens))
    with pytest.raises(OAuthError, match="invalid_grant"):
        visitor(outputs, kind).refresh(tokens["refresh_token"])


def test_a_disabled_employee_gets_no_tokens(outputs: dict[str, Any], users: Users, kind: str) -> None:
    tokens = company.sign_in(outputs, kind, ORDINARY.name)
    who = {"UserPoolId": outputs["user_pool_id"], "Username": username_in(tokens)}
    users.cognito.admin_disable_user(**who)
    try:
        with pytest.raises(OAuthError, match="invalid_grant"):
            visitor(outputs, kind).refresh(tokens["refresh_token"])
        with pytest.raises(SignInFailed, match="disabled"):
            company.sign_in(outputs, kind, ORDINARY.name)
    finally:
        users.cognito.admin_enable_user(**who)


def test_a_sign_out_returns_to_the_console(outputs: dict[str, Any]) -> None:
    sent = {"client_id": outputs["company"]["client_id"], "logout_uri": outputs["redirect_uri"]}
    answer = requests.get(outputs["logout_url"], params=sent, allow_redirects=False, timeout=TIMEOUT)
    assert answer.headers["location"] == outputs["redirect_uri"]


# --- the company ---


def test_the_company_checks_passwords(outputs: dict[str, Any], kind: str) -> None:
    for username, password in ((ORDINARY.name, "wrong"), (ORDINARY.name, ""), ("nobody", ORDINARY.password)):
        assert visitor(outputs, kind).return_address(username, password) == ""


def test_a_tampered_answer_of_the_company_is_refused(outputs: dict[str, Any]) -> None:
    def tamper(form: dict[str, str]) -> dict[str, str]:
        return {name: f"{value[:-200]}{'A' * 200}" if name == "SAMLResponse" else value for name, value in form.items()}

    someone = Visitor(outputs, outputs["company"]["saml"]["provider"], change=tamper)
    address = someone.return_address(ORDINARY.name, ORDINARY.password)
    assert parse_qs(urlsplit(address).query).keys() == {"error", "error_description", "state"}


def test_the_console_gets_the_names_of_the_providers_and_no_password(outputs: dict[str, Any]) -> None:
    answer = requests.get(f"{outputs['console_url']}settings.json", timeout=TIMEOUT)
    assert answer.json()["company"] == {
        "client_id": outputs["company"]["client_id"],
        "providers": [outputs["company"][kind]["provider"] for kind in KINDS],
    }
    assert ORDINARY.password not in answer.text
