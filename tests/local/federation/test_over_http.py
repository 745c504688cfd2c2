"""Attacks on company sign-in over HTTP: what Cognito refuses gives no code and makes no user."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from tests.local.conftest import Cloud
from tests.local.federation import oidc_attacks, saml_attacks
from tests.local.federation.oidc_company import CLIENT_ID, CLIENT_SECRET, OidcCompany
from tests.local.federation.saml_attacks import DOCUMENT_TYPES, VICTIM, with_comment
from tests.local.federation.saml_company import Asked, SamlCompany, asked, posted

CALLBACK = "http://localhost:3000/callback"
VERIFIER = "v" * 64
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


@dataclass(frozen=True)
class Begun:
    """A sign-in that the user pool has sent to a provider: the redirect, and the cookies of the browser."""

    location: str
    cookies: dict[str, str]

    @property
    def asked(self) -> Asked:
        return asked(self.location)

    @property
    def query(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(urlsplit(self.location).query).items()}


@dataclass
class System:
    """A user pool with a SAML and an OIDC provider, on a running cloud."""

    cloud: Cloud
    oidc: OidcCompany
    saml: SamlCompany

    @cached_property
    def idp(self) -> Any:
        return self.cloud.client("cognito-idp")

    @cached_property
    def pool(self) -> str:
        pool = str(self.idp.create_user_pool(PoolName="federated")["UserPool"]["Id"])
        self.provider(pool, "Corp", "SAML", {"MetadataFile": self.saml.metadata()}, {"email": "mail"})
        details = {
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "oidc_issuer": self.oidc.url,
            "authorize_scopes": "openid email",
            "attributes_request_method": "GET",
        }
        self.provider(pool, "CorpOidc", "OIDC", details, {"username": "sub", "email": "email"})
        return pool

    def provider(self, pool: str, name: str, kind: str, details: dict[str, str], mapping: dict[str, str]) -> None:
        self.idp.create_identity_provider(
            UserPoolId=pool,
            ProviderName=name,
            ProviderType=kind,
            ProviderDetails=details,
            AttributeMapping={**mapping, "custom:idp_groups": "groups"},
        )

    def new_client(self, *providers: str) -> str:
        made = self.idp.create_user_pool_client(
            UserPoolId=self.pool,
            ClientName="client",
            AllowedOAuthFlowsUserPoolClient=True,
            AllowedOAuthFlows=["code"],
            AllowedOAuthScopes=["openid", "email"],
            CallbackURLs=[CALLBACK],
            SupportedIdentityProviders=providers,
        )
        return str(made["UserPoolClient"]["ClientId"])

    @cached_property
    def web(self) -> str:
        return self.new_client("Corp", "CorpOidc")

    @cached_property
    def other(self) -> str:
        return self.new_client("Corp", "CorpOidc")

    def authorize(self, provider: str, **changes: str) -> requests.Response:
        sent = {
            "client_id": self.web,
            "response_type": "code",
            "redirect_uri": CALLBACK,
            "scope": "openid email",
            "state": "st8",
            "nonce": "of-the-application",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            "identity_provider": provider,
        }
        url = f"{self.cloud.url}/oauth2/authorize"
        return requests.get(url, params={**sent, **changes}, allow_redirects=False, timeout=10)

    def begin(self, provider: str, **changes: str) -> Begun:
        answer = self.authorize(provider, **changes)
        return Begun(answer.headers["location"], {cookie.name: cookie.value or "" for cookie in answer.cookies})

    def post(self, response: str, relay_state: str, cookies: dict[str, str]) -> requests.Response:
        form = {"SAMLResponse": response, "RelayState": relay_state}
        return requests.post(
            f"{self.cloud.url}/saml2/idpresponse", form, cookies=cookies, allow_redirects=False, timeout=10
        )

    def back(self, begun: Begun, **query: str) -> requests.Response:
        """Returns from the OIDC provider."""
        sent = urlencode({"state": begun.query.get("state", ""), **query})
        url = f"{self.cloud.url}/oauth2/idpresponse?{sent}"
        return requests.get(url, cookies=begun.cookies, allow_redirects=False, timeout=10)

    def by_saml(self, **changes: Any) -> requests.Response:
        begun = self.begin("Corp")
        response = self.saml.response(begun.asked, **changes)
        return self.post(posted(response), begun.asked.relay_state, begun.cookies)

    def by_oidc(self, begun: Begun | None = None, **changes: Any) -> requests.Response:
        begun = begun or self.begin("CorpOidc")
        return self.back(begun, code=self.oidc.code(self.oidc.id_token(begun.query["nonce"], **changes)))

    def user(self, username: str) -> dict[str, str] | None:
        try:
            found = self.idp.admin_get_user(UserPoolId=self.pool, Username=username)
        except ClientError:
            return None
        return {attribute["Name"]: attribute["Value"] for attribute in found["UserAttributes"]}

    def users(self) -> set[str]:
        return {user["Username"] for user in self.idp.list_users(UserPoolId=self.pool)["Users"]}

    def redeem(self, answer: requests.Response, **changes: str) -> requests.Response:
        form = {"grant_type": "authorization_code", "client_id": self.web, "redirect_uri": CALLBACK}
        code = parse_qs(urlsplit(answer.headers["location"]).query)["code"][0]
        form |= {"code": code, "code_verifier": VERIFIER, **changes}
        return requests.post(f"{self.cloud.url}/oauth2/token", form, timeout=10)


@pytest.fixture(scope="module")
def system(cloud: Cloud) -> Iterator[System]:
    with OidcCompany().serving() as oidc:
        yield System(cloud, oidc, SamlCompany())


def assert_accepted(answer: requests.Response) -> None:
    query = parse_qs(urlsplit(answer.headers["location"]).query)
    assert answer.headers["location"].startswith(f"{CALLBACK}?")
    assert query.keys() == {"code", "state"}, query
    assert query["state"] == ["st8"]


def assert_denied(answer: requests.Response) -> None:
    """The application gets an error and no code."""
    query = parse_qs(urlsplit(answer.headers["location"]).query)
    assert answer.headers["location"].startswith(f"{CALLBACK}?")
    assert query.keys() == {"error", "error_description", "state"}


def assert_refused(answer: requests.Response) -> None:
    """The user pool refuses a sign-in that it does not know, and redirects nowhere."""
    assert answer.status_code == 400
    assert "location" not in answer.headers
    assert "samlResponse or relayState" in answer.text


# SAML -----------------------------------------------------------------------------------------------------------------


def test_a_user_of_the_saml_provider_signs_in(system: System) -> None:
    tokens = system.redeem(system.by_saml(groups=("corp-staff", "corp-editors"))).json()
    assert tokens.keys() >= {"access_token", "id_token", "refresh_token"}
    user = system.user("Corp_jane@corp.example")
    assert user is not None
    assert user["email"] == "jane@corp.example"
    assert user["custom:idp_groups"] == "[corp-staff, corp-editors]"


@pytest.mark.parametrize("forge", saml_attacks.ATTACKS.values(), ids=saml_attacks.ATTACKS)
def test_a_forged_response_gives_no_code(system: System, forge: saml_attacks.Forge) -> None:
    begun = system.begin("Corp")
    forged = forge(system.saml.response(begun.asked))
    assert_denied(system.post(posted(forged), begun.asked.relay_state, begun.cookies))
    assert f"Corp_{VICTIM}" not in system.users()


@pytest.mark.parametrize("forge", DOCUMENT_TYPES.values(), ids=DOCUMENT_TYPES)
def test_a_document_type_gives_no_code(system: System, forge: saml_attacks.Forge) -> None:
    begun = system.begin("Corp")
    forged = forge(system.saml.response(begun.asked))
    assert_denied(system.post(posted(forged), begun.asked.relay_state, begun.cookies))
    assert f"Corp_{VICTIM}" not in system.users()


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": "https://other.example/saml"},
        {"audience": "urn:amazon:cognito:sp:us-east-1_other"},
        {"recipient": "http://localhost:3000/saml2/idpresponse"},
        {"destination": "http://localhost:3000/saml2/idpresponse"},
        {"request_id": "_of_another_request"},
        {"not_after": 1.0},
        {"not_before": 9e9, "not_after": 9e9},
        {"status": "urn:oasis:names:tc:SAML:2.0:status:Responder"},
        {"groups": ("x" * 2049,)},
    ],
    ids="-".join,
)
def test_a_signed_response_for_something_else_gives_no_code(system: System, changes: dict[str, Any]) -> None:
    assert_denied(system.by_saml(name_id="expelled@corp.example", **changes))
    assert "Corp_expelled@corp.example" not in system.users()


def test_a_response_of_another_company_gives_no_code(system: System) -> None:
    begun, stranger = system.begin("Corp"), SamlCompany()
    response = posted(stranger.response(begun.asked, name_id=VICTIM))
    assert_denied(system.post(response, begun.asked.relay_state, begun.cookies))


def test_a_comment_in_the_name_signs_in_the_whole_name(system: System) -> None:
    begun = system.begin("Corp")
    commented = with_comment(system.saml.response(begun.asked, name_id=f"{VICTIM}@evil.example"))
    assert_accepted(system.post(posted(commented), begun.asked.relay_state, begun.cookies))
    assert f"Corp_{VICTIM}@evil.example" in system.users()
    assert f"Corp_{VICTIM}" not in system.users()


def test_a_response_is_accepted_once(system: System) -> None:
    begun = system.begin("Corp")
    response = posted(system.saml.response(begun.asked))
    assert_accepted(system.post(response, begun.asked.relay_state, begun.cookies))
    assert_refused(system.post(response, begun.asked.relay_state, begun.cookies))
    again = system.begin("Corp")
    assert_denied(system.post(response, again.asked.relay_state, again.cookies))


def test_an_assertion_is_accepted_once_also_for_its_own_request(system: System) -> None:
    assert_accepted(system.by_saml(assertion_id="_used"))
    assert_denied(system.by_saml(assertion_id="_used"))


def test_one_of_several_concurrent_answers_is_accepted(system: System) -> None:
    begun = system.begin("Corp")
    response = posted(system.saml.response(begun.asked))
    with ThreadPoolExecutor(8) as pool:
        calls = [pool.submit(system.post, response, begun.asked.relay_state, begun.cookies) for _ in range(8)]
        codes = ["code=" in call.result().headers.get("location", "") for call in calls]
    assert codes.count(True) == 1


def test_a_response_for_another_client_gives_no_code(system: System) -> None:
    of_other, of_web = system.begin("Corp", client_id=system.other), system.begin("Corp")
    response = posted(system.saml.response(of_other.asked))
    assert_denied(system.post(response, of_web.asked.relay_state, of_web.cookies))


def test_a_sign_in_that_began_at_the_company_is_refused(system: System) -> None:
    unasked = Asked("_unasked", "", f"{system.cloud.url}/saml2/idpresponse", f"urn:amazon:cognito:sp:{system.pool}")
    for relay_state in ("", "https://evil.example/", CALLBACK):
        assert_refused(system.post(posted(system.saml.response(unasked, request_id=None)), relay_state, {}))


def test_an_address_in_the_relay_state_causes_no_redirect(system: System) -> None:
    begun = system.begin("Corp")
    response = posted(system.saml.response(begun.asked))
    for relay_state in ("https://evil.example/", f"{begun.asked.relay_state}?x", "//evil.example"):
        assert_refused(system.post(response, relay_state, begun.cookies))


def test_an_answer_in_another_browser_is_refused(system: System) -> None:
    mine, of_attacker = system.begin("Corp"), system.begin("Corp")
    response = posted(system.saml.response(of_attacker.asked))
    for cookies in ({}, mine.cookies, {"company-sign-in": ""}):
        assert_refused(system.post(response, of_attacker.asked.relay_state, cookies))
    assert_accepted(system.post(response, of_attacker.asked.relay_state, of_attacker.cookies))


def test_a_sign_in_ends_after_five_minutes(system: System) -> None:
    begun = system.begin("Corp")
    response = posted(system.saml.response(begun.asked, not_after=9e9, confirmed_until=9e9))
    with system.cloud.ahead(301):
        assert_refused(system.post(response, begun.asked.relay_state, begun.cookies))


def test_an_invented_ticket_is_refused(system: System) -> None:
    begun = system.begin("Corp")
    for text in ("", "verified", "x" * 43):
        assert_denied(system.post(text, begun.asked.relay_state, begun.cookies))
        begun = system.begin("Corp")


def test_ministack_itself_accepts_no_answer_of_a_provider(system: System) -> None:
    """The owner of the account reaches paths behind the front, by a signed request."""
    begun = system.begin("Corp")
    form = urlencode({"SAMLResponse": posted(system.saml.response(begun.asked)), "RelayState": begun.asked.relay_state})
    by_oidc = system.begin("CorpOidc")
    code = system.oidc.code(system.oidc.id_token(by_oidc.query["nonce"]))
    query = urlencode({"code": code, "state": by_oidc.query["state"]})
    for path, body in (("/saml2/idpresponse/x", form), (f"/oauth2/idpresponse/x?{query}", "")):
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        request = AWSRequest("POST", system.cloud.url + path, data=body, headers=headers)
        SigV4Auth(Credentials("test", "test"), "cognito-idp", "us-east-1").add_auth(request)
        prepared = request.prepare()
        answer = requests.post(prepared.url, body, headers=dict(prepared.headers), allow_redirects=False, timeout=10)
        assert answer.status_code == 400
        assert "location" not in answer.headers


# OIDC -----------------------------------------------------------------------------------------------------------------


def test_a_user_of_the_oidc_provider_signs_in(system: System) -> None:
    begun = system.begin("CorpOidc")
    token = system.oidc.id_token(begun.query["nonce"])
    answer = system.back(begun, code=system.oidc.code(token, groups=["corp-staff", "corp-editors"]))
    assert system.redeem(answer, code_verifier="").json()["error"] == "invalid_grant"
    assert system.redeem(answer, client_id=system.other).json()["error"] == "invalid_grant"
    assert system.redeem(answer).status_code == 200
    user = system.user("CorpOidc_jane")
    assert user is not None
    assert user["custom:idp_groups"] == "[corp-staff, corp-editors]"
    assert begun.query["nonce"] != "of-the-application"


@pytest.mark.parametrize("forge", oidc_attacks.ATTACKS.values(), ids=oidc_attacks.ATTACKS)
def test_a_forged_token_gives_no_code(system: System, forge: oidc_attacks.Forge) -> None:
    begun = system.begin("CorpOidc")
    assert_denied(system.back(begun, code=system.oidc.code(forge(system.oidc, begun.query["nonce"]))))
    assert "CorpOidc_boss" not in system.users()


def test_a_code_of_another_client_of_the_company_gives_no_code(system: System) -> None:
    begun = system.begin("CorpOidc")
    token = system.oidc.id_token(begun.query["nonce"])
    assert_denied(system.back(begun, code=system.oidc.code(token, client_id="another-client")))


def test_a_stolen_code_is_refused_in_another_sign_in(system: System) -> None:
    of_victim, of_thief = system.begin("CorpOidc"), system.begin("CorpOidc")
    stolen = system.oidc.code(system.oidc.id_token(of_victim.query["nonce"], sub="boss"))
    assert_denied(system.back(of_thief, code=stolen))
    assert "CorpOidc_boss" not in system.users()


def test_a_stolen_state_is_refused_in_another_browser(system: System) -> None:
    begun = system.begin("CorpOidc")
    code = system.oidc.code(system.oidc.id_token(begun.query["nonce"]))
    for cookies in ({}, system.begin("CorpOidc").cookies):
        assert_refused(system.back(Begun(begun.location, cookies), code=code))
    assert_accepted(system.back(begun, code=code))
    assert_refused(system.back(begun, code=code))


def test_a_state_that_the_pool_did_not_send_is_refused(system: System) -> None:
    for state in ("", "invented", "https://evil.example/"):
        assert_refused(system.back(Begun(f"http://x/?state={state}", {}), code="x"))


def test_a_refusal_by_the_company_reaches_the_application(system: System) -> None:
    answer = system.back(system.begin("CorpOidc"), error="access_denied")
    assert_denied(answer)
    assert "reports+a+failure" in answer.headers["location"]


def test_an_issuer_in_the_answer_must_be_the_asked_one(system: System) -> None:
    begun = system.begin("CorpOidc")
    code = system.oidc.code(system.oidc.id_token(begun.query["nonce"]))
    assert_denied(system.back(begun, code=code, iss="https://other.example"))
    assert_accepted(system.by_oidc(system.begin("CorpOidc")))


def test_each_provider_answers_only_its_own_requests(system: System) -> None:
    by_saml, by_oidc = system.begin("Corp"), system.begin("CorpOidc")
    code = system.oidc.code(system.oidc.id_token(by_oidc.query["nonce"]))
    as_oidc = Begun(f"http://x/?state={by_saml.asked.relay_state}", by_saml.cookies)
    assert_denied(system.back(as_oidc, code=code))
    response = posted(system.saml.response(system.begin("Corp").asked))
    assert_denied(system.post(response, by_oidc.query["state"], by_oidc.cookies))


def test_a_provider_that_does_not_answer_gives_an_error_to_the_application(system: System) -> None:
    details = {"client_id": "c", "oidc_issuer": "http://127.0.0.1:9", "authorize_scopes": "openid"}
    system.provider(system.pool, "Absent", "OIDC", details, {})
    system.provider(system.pool, "Malformed", "SAML", {"MetadataFile": "<x/>"}, {})
    client = system.new_client("Absent", "Malformed")
    for provider in ("Absent", "Malformed"):
        assert_denied(system.authorize(provider, client_id=client))
