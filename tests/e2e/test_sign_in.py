"""Signs in with independent clients: pycognito, Authlib, and boto3 without credentials."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any
from urllib.parse import urljoin

import jwt
import pytest
import requests
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from botocore.exceptions import ClientError
from pycognito.aws_srp import AWSSRP

from local.sign_in import cognito, mailed_code
from tests.configured import DEFAULT_GROUP, PRIVILEGED_GROUP
from tests.e2e.clients import TIMEOUT, Api, Users, unique
from tests.forms import Form

PASSWORD = "correct-horse-battery-staple"


def submitted(url: str, username: str, password: str) -> str:
    """Submits the form of a sign-in page and returns the address of the redirect."""
    browser = requests.Session()
    page = browser.get(url, timeout=TIMEOUT)
    form = Form(page.text)
    filled = form.fields | {"username": username, "password": password}
    answer = browser.post(urljoin(page.url, form.action), data=filled, allow_redirects=False, timeout=TIMEOUT)
    return answer.headers.get("location", "")


class Browser:
    """The sign-in of a web application, by authorization code with PKCE."""

    def __init__(self, outputs: dict[str, Any], scope: str = "openid") -> None:
        self.verifier = secrets.token_urlsafe(48)
        self._outputs = outputs
        self._client = OAuth2Session(
            outputs["web_client_id"],
            scope=scope,
            redirect_uri=outputs["redirect_uri"],
            code_challenge_method="S256",
            token_endpoint_auth_method="none",
        )

    def log_in(self, username: str, password: str) -> str:
        """Submits the form of the page and returns the address of the redirect."""
        url, self.state = self._client.create_authorization_url(
            self._outputs["authorize_url"], code_verifier=self.verifier
        )
        return submitted(url, username, password)

    def redeem(self, sent_to: str, **proof: str) -> dict[str, Any]:
        return dict(
            self._client.fetch_token(
                self._outputs["token_url"], authorization_response=sent_to, state=self.state, **proof
            )
        )

    def refresh(self, refresh_token: str) -> dict[str, Any]:
        return dict(self._client.refresh_token(self._outputs["token_url"], refresh_token=refresh_token))


def claims(token: str) -> dict[str, Any]:
    return jwt.decode(token, options={"verify_signature": False})


def refused_with(ask: Callable[[], object]) -> str:
    with pytest.raises((ClientError, OAuthError)) as refusal:
        ask()
    error = refusal.value
    return error.response["Error"]["Code"] if isinstance(error, ClientError) else error.error


@pytest.fixture(scope="module")
def account(outputs: dict[str, Any]) -> dict[str, str]:
    return dict(outputs["users"]["reader"])


@pytest.fixture(scope="module")
def pool(outputs: dict[str, Any]) -> Any:
    """A client of the user pool without AWS credentials."""
    return cognito(outputs)


def machine_client(outputs: dict[str, Any], **changes: Any) -> OAuth2Session:
    settings = {"client_id": outputs["machine_client_id"], "client_secret": outputs["machine_client_secret"], **changes}
    return OAuth2Session(**settings)


# --- SRP ---


def srp(outputs: dict[str, Any], pool: Any, username: str, password: str) -> dict[str, Any]:
    srp = AWSSRP(
        username=username,
        password=password,
        pool_id=outputs["user_pool_id"],
        client_id=outputs["web_client_id"],
        client=pool,
    )
    return dict(srp.authenticate_user()["AuthenticationResult"])


def test_the_correct_password_returns_an_access_token_over_srp(
    outputs: dict[str, Any], pool: Any, account: dict[str, str]
) -> None:
    token = srp(outputs, pool, **account)["AccessToken"]

    keys = jwt.PyJWKClient(outputs["jwks_url"])
    verified = jwt.decode(token, keys.get_signing_key_from_jwt(token), algorithms=["RS256"], issuer=outputs["issuer"])
    assert (verified["token_use"], verified["cognito:groups"]) == ("access", [DEFAULT_GROUP])


def test_a_wrong_password_is_refused_over_srp(outputs: dict[str, Any], pool: Any, account: dict[str, str]) -> None:
    def sign_in() -> object:
        return srp(outputs, pool, account["username"], account["password"] + "!")

    assert refused_with(sign_in) == "NotAuthorizedException"


def test_the_password_flow_without_srp_is_refused(outputs: dict[str, Any], pool: Any, account: dict[str, str]) -> None:
    def sign_in() -> object:
        return pool.initiate_auth(
            ClientId=outputs["web_client_id"],
            AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": account["username"], "PASSWORD": account["password"]},
        )

    assert refused_with(sign_in) == "InvalidParameterException"


# --- client credentials ---


def test_a_machine_gets_the_requested_scope(outputs: dict[str, Any]) -> None:
    read = outputs["scopes"]["read"]

    granted = machine_client(outputs, scope=read).fetch_token(outputs["token_url"], grant_type="client_credentials")

    assert claims(granted["access_token"])["scope"] == read


def test_a_machine_with_a_wrong_secret_is_refused(outputs: dict[str, Any]) -> None:
    client = machine_client(outputs, client_secret="guessed", scope=outputs["scopes"]["read"])

    assert refused_with(lambda: client.fetch_token(outputs["token_url"], grant_type="client_credentials")) == (
        "invalid_client"
    )


def test_a_machine_is_refused_a_scope_that_its_client_does_not_have(outputs: dict[str, Any]) -> None:
    client = machine_client(outputs, scope=outputs["scopes"]["write"])

    # Cognito returns invalid_scope. The emulator returns invalid_grant.
    assert refused_with(lambda: client.fetch_token(outputs["token_url"], grant_type="client_credentials")) in (
        "invalid_scope",
        "invalid_grant",
    )


def test_a_public_client_gets_no_token_by_client_credentials(outputs: dict[str, Any]) -> None:
    client = OAuth2Session(outputs["web_client_id"], "", scope=outputs["scopes"]["read"])

    assert refused_with(lambda: client.fetch_token(outputs["token_url"], grant_type="client_credentials"))


# --- authorization code with PKCE ---


def test_a_user_signs_in_on_the_page_and_gets_all_three_tokens(
    outputs: dict[str, Any], account: dict[str, str]
) -> None:
    browser = Browser(outputs, scope=f"openid {outputs['scopes']['write']}")

    granted = browser.redeem(browser.log_in(**account), code_verifier=browser.verifier)

    assert {"access_token", "id_token", "refresh_token"} <= granted.keys()
    assert set(claims(granted["access_token"])["scope"].split()) == {"openid", outputs["scopes"]["write"]}


def test_a_wrong_password_on_the_page_returns_no_code(outputs: dict[str, Any], account: dict[str, str]) -> None:
    assert "code=" not in Browser(outputs).log_in(account["username"], "guessed")


def test_a_second_use_of_a_code_is_refused(outputs: dict[str, Any], account: dict[str, str]) -> None:
    browser = Browser(outputs)
    sent_to = browser.log_in(**account)
    browser.redeem(sent_to, code_verifier=browser.verifier)

    assert refused_with(lambda: browser.redeem(sent_to, code_verifier=browser.verifier)) == "invalid_grant"


@pytest.mark.parametrize(
    "proof", [pytest.param({}, id="no verifier"), pytest.param({"code_verifier": "x" * 64}, id="another verifier")]
)
def test_a_code_is_refused_without_its_verifier(
    outputs: dict[str, Any], account: dict[str, str], proof: dict[str, str]
) -> None:
    browser = Browser(outputs)
    sent_to = browser.log_in(**account)

    assert refused_with(lambda: browser.redeem(sent_to, **proof)) == "invalid_grant"


def test_a_redirect_to_an_unregistered_address_is_refused(outputs: dict[str, Any]) -> None:
    asked = {
        "client_id": outputs["web_client_id"],
        "response_type": "code",
        "scope": "openid",
        "redirect_uri": outputs["redirect_uri"] + "elsewhere",
    }

    answer = requests.get(outputs["authorize_url"], params=asked, allow_redirects=False, timeout=TIMEOUT)

    assert (answer.status_code, "elsewhere" in answer.headers.get("location", "")) == (400, False)


# --- refresh ---


def test_refreshed_tokens_contain_the_groups(outputs: dict[str, Any], account: dict[str, str]) -> None:
    browser = Browser(outputs)
    granted = browser.redeem(browser.log_in(**account), code_verifier=browser.verifier)

    refreshed = browser.refresh(granted["refresh_token"])

    assert claims(refreshed["access_token"])["cognito:groups"] == [DEFAULT_GROUP]


def test_refreshed_tokens_omit_a_removed_group(outputs: dict[str, Any], users: Users) -> None:
    person = users.new(PRIVILEGED_GROUP, DEFAULT_GROUP)
    browser = Browser(outputs)
    granted = browser.redeem(browser.log_in(person.username, person.password), code_verifier=browser.verifier)
    users.remove_from(PRIVILEGED_GROUP, person.username)

    refreshed = browser.refresh(granted["refresh_token"])

    assert claims(refreshed["access_token"])["cognito:groups"] == [DEFAULT_GROUP]


def test_a_revoked_refresh_token_is_refused(outputs: dict[str, Any], account: dict[str, str]) -> None:
    browser = Browser(outputs)
    granted = browser.redeem(browser.log_in(**account), code_verifier=browser.verifier)
    revocation = {"client_id": outputs["web_client_id"], "token": granted["refresh_token"]}

    requests.post(f"{outputs['endpoint_url']}/oauth2/revoke", data=revocation, timeout=TIMEOUT).raise_for_status()

    assert refused_with(lambda: browser.refresh(granted["refresh_token"])) == "invalid_grant"


# --- self service ---


@pytest.fixture
def newcomer(outputs: dict[str, Any], pool: Any) -> dict[str, str]:
    """A user who has signed up and has not confirmed the address."""
    someone = {"ClientId": outputs["web_client_id"], "Username": f"{unique('newcomer')}@gatehouse.example"}
    pool.sign_up(**someone, Password=PASSWORD, UserAttributes=[{"Name": "email", "Value": someone["Username"]}])
    return someone


def test_a_user_with_an_unconfirmed_address_cannot_sign_in(
    outputs: dict[str, Any], pool: Any, newcomer: dict[str, str]
) -> None:
    assert refused_with(lambda: srp(outputs, pool, newcomer["Username"], PASSWORD)) == "UserNotConfirmedException"


def test_a_user_with_a_confirmed_address_can_sign_in(
    outputs: dict[str, Any], pool: Any, newcomer: dict[str, str], api: Api
) -> None:
    pool.confirm_sign_up(**newcomer, ConfirmationCode=mailed_code(outputs, newcomer["Username"]))

    token = srp(outputs, pool, newcomer["Username"], PASSWORD)["AccessToken"]

    assert api.ask("GET", "/whoami", token).status == 200


def test_a_wrong_confirmation_code_confirms_no_user(pool: Any, newcomer: dict[str, str]) -> None:
    assert refused_with(lambda: pool.confirm_sign_up(**newcomer, ConfirmationCode="000000")) == "CodeMismatchException"


def test_a_short_password_is_refused_at_sign_up(outputs: dict[str, Any], pool: Any) -> None:
    address = f"{unique('hasty')}@gatehouse.example"

    def sign_up() -> object:
        attributes = [{"Name": "email", "Value": address}]
        return pool.sign_up(
            ClientId=outputs["web_client_id"], Username=address, Password="fourteen-chars", UserAttributes=attributes
        )

    assert refused_with(sign_up) == "InvalidPasswordException"


def test_a_reset_password_replaces_the_old_password(outputs: dict[str, Any], pool: Any, users: Users) -> None:
    person = users.new("readers")
    someone = {"ClientId": outputs["web_client_id"], "Username": person.username}
    pool.forgot_password(**someone)

    code = mailed_code(outputs, person.username)
    pool.confirm_forgot_password(**someone, ConfirmationCode=code, Password="another-long-password")

    assert srp(outputs, pool, person.username, "another-long-password")["AccessToken"]
    assert refused_with(lambda: srp(outputs, pool, person.username, person.password)) == "NotAuthorizedException"


def test_a_wrong_reset_code_resets_no_password(outputs: dict[str, Any], pool: Any, users: Users) -> None:
    someone = {"ClientId": outputs["web_client_id"], "Username": users.new().username}
    pool.forgot_password(**someone)

    def reset() -> object:
        return pool.confirm_forgot_password(**someone, ConfirmationCode="000000", Password="another-long-password")

    assert refused_with(reset) == "CodeMismatchException"
