"""Every way to get a token, each with published clients.

`docs/ways-in.md` has the same table. A test compares them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests
from botocore import UNSIGNED
from botocore.config import Config
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from oauthlib.oauth2 import BackendApplicationClient
from pycognito import Cognito
from pycognito.exceptions import SoftwareTokenMFAChallengeException
from requests_oauthlib import OAuth2Session

from local.sign_in import cognito, mailed_code
from tests.e2e import company, node_programs, oidc_client_ts
from tests.e2e.clients import TIMEOUT, Person, Users, unique
from tests.e2e.test_sign_in import Browser, machine_client, submitted
from tests.local.federation.saml_company import SamlCompany
from tests.totp import totp

if TYPE_CHECKING:
    from playwright.sync_api import Page

PASSWORD, NEW_PASSWORD = "correct-horse-battery-staple", "another-horse-battery-staple"


class Refused(Exception):
    """The user pool refused the client. The message is its error code."""


@dataclass
class Visit:
    """The running cloud, and one sign-in.

    folder   for files of the test
    page     opens a tab of a real browser
    refresh  gets new tokens from the refresh token, or raises an exception. None if the client offers none
    """

    outputs: dict[str, Any]
    users: Users
    folder: Path
    page: Callable[[], Page]
    refresh: Callable[[], Any] | None = None

    @property
    def scopes(self) -> str:
        return " ".join(("openid", *self.outputs["scopes"].values()))

    def node(self, program: str, action: str, **request: Any) -> dict[str, Any]:
        """Sends one request to a program in Node. Raises Refused."""
        response = node_programs.ask(program, action, outputs=self.outputs, **request)
        if "error" in response:
            raise Refused(response["error"], response["message"])
        return response

    def authenticator_of(self, person: Person) -> str:
        """Sets up an authenticator for a person, and returns its secret."""
        pool, token = cognito(self.outputs), signed_in_pycognito(self, person).access_token
        secret = str(pool.associate_software_token(AccessToken=token)["SecretCode"])
        pool.verify_software_token(AccessToken=token, UserCode=totp(secret))
        pool.set_user_mfa_preference(
            AccessToken=token, SoftwareTokenMfaSettings={"Enabled": True, "PreferredMfa": True}
        )
        return secret

    def invited(self) -> str:
        """Invites a person with PASSWORD as the temporary password, and returns the username."""
        username = f"{unique('guest')}@gatehouse.example"
        self.users.cognito.admin_create_user(
            UserPoolId=self.outputs["user_pool_id"],
            Username=username,
            TemporaryPassword=PASSWORD,
            UserAttributes=[{"Name": "email", "Value": username}],
        )
        return username


# --- pycognito ---


def _pycognito(visit: Visit, username: str) -> Cognito:
    """Returns the client. It verifies the tokens that it gets."""
    outputs = visit.outputs
    settings = {"endpoint_url": outputs["endpoint_url"], "config": Config(signature_version=UNSIGNED)}
    client = Cognito(
        outputs["user_pool_id"],
        outputs["web_client_id"],
        user_pool_region=outputs["region"],
        username=username,
        boto3_client_kwargs=settings,
    )
    client.pool_domain_url = None  # the issuer is on AWS; the keys are on this machine
    client.pool_jwk = requests.get(outputs["jwks_url"], timeout=TIMEOUT).json()
    return client


def signed_in_pycognito(visit: Visit, person: Person) -> Cognito:
    client = _pycognito(visit, person.username)
    client.authenticate(person.password)
    return client


def pycognito(visit: Visit) -> str:
    return str(signed_in_pycognito(visit, visit.users.newcomer()).access_token)


def pycognito_with_authenticator(visit: Visit) -> str:
    person = visit.users.newcomer()
    secret = visit.authenticator_of(person)
    client = _pycognito(visit, person.username)
    try:
        client.authenticate(person.password)
    except SoftwareTokenMFAChallengeException:
        client.respond_to_software_token_mfa_challenge(totp(secret, steps=1))
        return str(client.access_token)
    raise AssertionError("The password alone was enough.")


def pycognito_invited(visit: Visit) -> str:
    client = _pycognito(visit, visit.invited())
    client.new_password_challenge(PASSWORD, NEW_PASSWORD)
    return str(client.access_token)


def pycognito_signs_up(visit: Visit) -> str:
    username = f"{unique('newcomer')}@gatehouse.example"
    client = _pycognito(visit, username)
    client.set_base_attributes(email=username)
    client.register(username, PASSWORD)
    client.confirm_sign_up(mailed_code(visit.outputs, username))
    client.authenticate(PASSWORD)
    return str(client.access_token)


def pycognito_resets(visit: Visit) -> str:
    person = visit.users.newcomer()
    client = _pycognito(visit, person.username)
    client.initiate_forgot_password()
    client.confirm_forgot_password(mailed_code(visit.outputs, person.username), NEW_PASSWORD)
    client.authenticate(NEW_PASSWORD)
    return str(client.access_token)


# --- amazon-cognito-identity-js and AWS Amplify ---


def in_node(program: str) -> Callable[[Visit], str]:
    def sign_in(visit: Visit) -> str:
        person = visit.users.newcomer()
        return str(visit.node(program, "sign_in", username=person.username, password=person.password)["access_token"])

    return sign_in


def in_node_with_authenticator(program: str) -> Callable[[Visit], str]:
    def sign_in(visit: Visit) -> str:
        person = visit.users.newcomer()
        code = totp(visit.authenticator_of(person), steps=1)
        account = {"username": person.username, "password": person.password}
        assert "access_token" not in visit.node(program, "sign_in", **account)
        return str(visit.node(program, "sign_in", **account, code=code)["access_token"])

    return sign_in


def in_node_invited(program: str) -> Callable[[Visit], str]:
    def sign_in(visit: Visit) -> str:
        account = {"username": visit.invited(), "password": PASSWORD}
        assert "access_token" not in visit.node(program, "sign_in", **account)
        return str(visit.node(program, "sign_in", **account, new_password=NEW_PASSWORD)["access_token"])

    return sign_in


def amplify_signs_up(visit: Visit) -> str:
    account = {"username": f"{unique('newcomer')}@gatehouse.example", "password": PASSWORD}
    assert visit.node("amplify", "sign_up", **account) == {"challenge": "CONFIRM_SIGN_UP"}
    code = mailed_code(visit.outputs, account["username"])
    visit.node("amplify", "confirm", username=account["username"], code=code)
    return str(visit.node("amplify", "sign_in", **account)["access_token"])


# --- the sign-in page, by authorization code with PKCE ---


def authlib_page(visit: Visit) -> str:
    person, browser = visit.users.newcomer(), Browser(visit.outputs, visit.scopes)
    tokens = browser.redeem(browser.log_in(person.username, person.password), code_verifier=browser.verifier)
    visit.refresh = lambda: browser.refresh(tokens["refresh_token"])
    return str(tokens["access_token"])


def openid_client_page(visit: Visit) -> str:
    person = visit.users.newcomer()
    begun = visit.node("openid_client", "begin", scope=visit.scopes)
    address = submitted(begun["url"], person.username, person.password)
    tokens = visit.node("openid_client", "finish", address=address, kept=begun["kept"])
    visit.refresh = lambda: visit.node("openid_client", "refresh", refresh_token=tokens["refresh_token"])
    return str(tokens["access_token"])


def oidc_client_ts_page(visit: Visit) -> str:
    person = visit.users.newcomer()
    application = oidc_client_ts.Application(visit.page(), visit.outputs, visit.scopes)
    token = application.sign_in(person.username, person.password)
    visit.refresh = application.refresh
    return token


def oidc_client_ts_page_with_authenticator(visit: Visit) -> str:
    person = visit.users.newcomer()
    secret = visit.authenticator_of(person)
    application = oidc_client_ts.Application(visit.page(), visit.outputs, visit.scopes)
    token = application.sign_in(person.username, person.password, code=lambda: totp(secret, steps=1))
    visit.refresh = application.refresh
    return token


# --- the company, and another company with other providers ---


def company_page(kind: str) -> Callable[[Visit], str]:
    def sign_in(visit: Visit) -> str:
        account = visit.outputs["company"][kind]["users"][company.ORDINARY.name]
        return _by_provider(visit, visit.outputs["company"][kind]["provider"], **account)

    return sign_in


def oidc_provider_page(visit: Visit) -> str:
    client = {"client_id": "user-pool", "client_secret": "for-tests-only"}
    redirect_uri = f"{visit.outputs['endpoint_url']}/oauth2/idpresponse"
    with node_programs.served("oidc_provider", *client.values(), redirect_uri, log=visit.folder / "log") as issuer:
        details = {
            **client,
            "oidc_issuer": issuer,
            "authorize_scopes": "openid email profile",
            "attributes_request_method": "GET",
        }
        with company.registered(visit.outputs, visit.users, "OIDC", details, email="email") as provider:
            return _by_provider(visit, provider, "editor", "any password")


def samlp_page(visit: Visit) -> str:
    signer = SamlCompany()
    certificate, key = visit.folder / "certificate.pem", visit.folder / "key.pem"
    certificate.write_bytes(signer.certificate.public_bytes(Encoding.PEM))
    key.write_bytes(signer.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    audience = f"urn:amazon:cognito:sp:{visit.outputs['user_pool_id']}"
    recipient = f"{visit.outputs['endpoint_url']}/saml2/idpresponse"
    arguments = (str(certificate), str(key), audience, recipient)
    with node_programs.served("saml_provider", *arguments, log=visit.folder / "log") as provider_url:
        details = {"MetadataFile": requests.get(f"{provider_url}/metadata", timeout=TIMEOUT).text}
        with company.registered(visit.outputs, visit.users, "SAML", details, email="email") as provider:
            return _by_provider(visit, provider, "editor", "editor-works-there")


def _by_provider(visit: Visit, provider: str, username: str, password: str) -> str:
    visitor = company.Visitor(visit.outputs, provider, f"{visit.scopes} email")
    tokens = visitor.tokens(username, password)
    visit.refresh = lambda: visitor.refresh(tokens["refresh_token"])
    return str(tokens["access_token"])


# --- machines ---


def requests_oauthlib(visit: Visit) -> str:
    outputs = visit.outputs
    scope = outputs["scopes"]["read"]
    session = OAuth2Session(client=BackendApplicationClient(outputs["machine_client_id"], scope=[scope]))
    granted = session.fetch_token(outputs["token_url"], client_secret=outputs["machine_client_secret"])
    return str(granted["access_token"])


def authlib_machine(visit: Visit) -> str:
    client = machine_client(visit.outputs, scope=visit.outputs["scopes"]["read"])
    granted = client.fetch_token(visit.outputs["token_url"], grant_type="client_credentials")
    return str(granted["access_token"])


@dataclass(frozen=True)
class WayIn:
    """A way to a token.

    sign_in   signs in with the client, and returns the access token
    scopes    whether the access token contains the scopes of the API. Cognito puts them only into tokens of its
              token endpoint, so a sign-in over SRP does not reach use case 1
    refreshes whether the test gets new tokens with the refresh token, until a global sign-out
    """

    way: str
    client: str
    sign_in: Callable[[Visit], str]
    scopes: bool
    refreshes: bool = False

    def __str__(self) -> str:
        return f"{self.way}, {self.client}"


_JS, _AMPLIFY = "cognito_identity", "amplify"
WAYS = (
    WayIn("password over SRP", "pycognito", pycognito, scopes=False),
    WayIn("password over SRP", "amazon-cognito-identity-js", in_node(_JS), scopes=False),
    WayIn("password over SRP", "AWS Amplify", in_node(_AMPLIFY), scopes=False),
    WayIn("password and authenticator", "pycognito", pycognito_with_authenticator, scopes=False),
    WayIn("password and authenticator", "amazon-cognito-identity-js", in_node_with_authenticator(_JS), scopes=False),
    WayIn("password and authenticator", "AWS Amplify", in_node_with_authenticator(_AMPLIFY), scopes=False),
    WayIn("invitation", "pycognito", pycognito_invited, scopes=False),
    WayIn("invitation", "amazon-cognito-identity-js", in_node_invited(_JS), scopes=False),
    WayIn("invitation", "AWS Amplify", in_node_invited(_AMPLIFY), scopes=False),
    WayIn("sign-up", "pycognito", pycognito_signs_up, scopes=False),
    WayIn("sign-up", "AWS Amplify", amplify_signs_up, scopes=False),
    WayIn("forgotten password", "pycognito", pycognito_resets, scopes=False),
    WayIn("sign-in page", "Authlib", authlib_page, scopes=True, refreshes=True),
    WayIn("sign-in page", "openid-client", openid_client_page, scopes=True, refreshes=True),
    WayIn("sign-in page", "oidc-client-ts in Chromium", oidc_client_ts_page, scopes=True, refreshes=True),
    WayIn(
        "sign-in page and authenticator",
        "oidc-client-ts in Chromium",
        oidc_client_ts_page_with_authenticator,
        scopes=True,
        refreshes=True,
    ),
    WayIn("company, SAML by nanoidp", "Authlib", company_page("saml"), scopes=True, refreshes=True),
    WayIn("company, OIDC by nanoidp", "Authlib", company_page("oidc"), scopes=True, refreshes=True),
    WayIn("company, SAML by samlp", "Authlib", samlp_page, scopes=True, refreshes=True),
    WayIn("company, OIDC by oidc-provider", "Authlib", oidc_provider_page, scopes=True, refreshes=True),
    WayIn("client credentials", "requests-oauthlib", requests_oauthlib, scopes=True),
    WayIn("client credentials", "Authlib", authlib_machine, scopes=True),
)


def table() -> list[str]:
    """Returns the lines of the table in docs/ways-in.md."""

    def row(way: WayIn) -> str:
        return f"| {way.way} | {way.client} | {'yes' if way.scopes else 'no'} | {'yes' if way.refreshes else 'no'} |"

    return ["| way | client | use case 1 | refresh |", "|---|---|---|---|", *map(row, WAYS)]
