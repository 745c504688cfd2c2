"""Each way to get a token, with published clients, reaches both use cases until access ends."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from botocore.exceptions import ClientError

from tests.e2e.clients import Api, Users
from tests.e2e.cloud import PROJECT
from tests.e2e.test_sign_in import submitted
from tests.e2e.ways_in import WAYS, Refused, Visit, WayIn, signed_in_pycognito, table
from tests.scoped_route import SCOPED_PATH

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

_REFUSED = re.compile("NotAuthorized|invalid_grant|Invalid refresh token", re.IGNORECASE)


@pytest.fixture
def new_page(request: pytest.FixtureRequest) -> Iterator[Callable[[], Page]]:
    """Opens tabs of the browser, which starts with the first tab. Each tab has its own cookies."""
    with ExitStack() as contexts:

        def open_page() -> Page:
            chromium: Browser = request.getfixturevalue("chromium")
            return contexts.enter_context(chromium.new_context()).new_page()

        yield open_page


@pytest.fixture
def visit(
    outputs: dict[str, Any],
    users: Users,
    tmp_path: Path,
    new_page: Callable[[], Page],
    monkeypatch: pytest.MonkeyPatch,
) -> Visit:
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")  # the token endpoint of this machine has no TLS
    return Visit(outputs, users, tmp_path, new_page)


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_a_way_in_reaches_the_use_cases_and_ends(visit: Visit, api: Api, admin: str, way: WayIn) -> None:
    token = way.sign_in(visit)

    assert judged_by_pyjwt(visit.outputs, token)["token_use"] == "access"
    if SCOPED_PATH:
        assert api.ask("GET", SCOPED_PATH, token).status == (200 if way.scopes else 401), "use case 1"
    assert api.ask("GET", "/whoami", token).status == 200, "use case 2"
    assert api.ask("GET", "/admin/policies", token).status == 403, "use case 2, without a permission"
    assert (visit.refresh is not None) is way.refreshes
    if visit.refresh:
        assert visit.refresh()

    claims = claims_of(token)
    revoked = {"session": claims["origin_jti"]} if "origin_jti" in claims else {"client": claims["client_id"]}
    assert api.ask("POST", "/admin/revocations", admin, revoked).status == 201
    assert api.ask("GET", "/whoami", token).status == 401, "after the revocation"
    api.ask("DELETE", "/admin/revocations", admin, revoked)
    if visit.refresh:
        visit.users.cognito.admin_user_global_sign_out(
            UserPoolId=visit.outputs["user_pool_id"], Username=claims["username"]
        )
        with pytest.raises(Exception, match=_REFUSED):
            visit.refresh()


# --- hostile ---


@pytest.mark.parametrize("program", ["cognito_identity", "amplify"])
def test_a_client_in_node_is_refused_with_a_wrong_password_or_a_wrong_code(visit: Visit, program: str) -> None:
    person = visit.users.newcomer()
    with pytest.raises(Refused, match="NotAuthorizedException"):
        visit.node(program, "sign_in", username=person.username, password=person.password + "!")
    visit.authenticator_of(person)
    with pytest.raises(Refused, match="CodeMismatchException"):
        visit.node(program, "sign_in", username=person.username, password=person.password, code="000000")


def test_openid_client_refuses_a_stolen_state_and_the_pool_refuses_a_stolen_code(visit: Visit) -> None:
    person = visit.users.newcomer()
    victim, thief = (visit.node("openid_client", "begin", scope=visit.scopes) for _ in range(2))
    address = submitted(victim["url"], person.username, person.password)

    with pytest.raises(Refused, match="OAUTH_INVALID_RESPONSE"):
        visit.node("openid_client", "finish", address=address, kept=thief["kept"])
    stolen = {**thief["kept"], "state": victim["kept"]["state"]}
    with pytest.raises(Refused, match="invalid_grant"):
        visit.node("openid_client", "finish", address=address, kept=stolen)


def test_a_used_code_and_a_revoked_refresh_token_give_openid_client_no_tokens(visit: Visit) -> None:
    person = visit.users.newcomer()
    begun = visit.node("openid_client", "begin", scope=visit.scopes)
    address = submitted(begun["url"], person.username, person.password)
    tokens = visit.node("openid_client", "finish", address=address, kept=begun["kept"])
    with pytest.raises(Refused, match="invalid_grant"):
        visit.node("openid_client", "finish", address=address, kept=begun["kept"])

    visit.node("openid_client", "revoke", refresh_token=tokens["refresh_token"])

    with pytest.raises(Refused, match="invalid_grant"):
        visit.node("openid_client", "refresh", refresh_token=tokens["refresh_token"])


def test_aws_jwt_verify_accepts_a_token_for_its_client_only(visit: Visit, outputs: dict[str, Any], reader: str) -> None:
    accepted = visit.node("verify", "verify", token=reader, clients=[outputs["web_client_id"]])
    assert accepted["claims"] == claims_of(reader)
    with pytest.raises(Refused, match="CognitoJwtInvalidClientIdError"):
        visit.node("verify", "verify", token=reader, clients=[outputs["machine_client_id"]])


def test_clients_that_refresh_over_the_old_operation_are_refused(visit: Visit) -> None:
    """The user pool rotates refresh tokens. Cognito then has only the operation GetTokensFromRefreshToken."""
    person = visit.users.newcomer()
    client = signed_in_pycognito(visit, person)
    with pytest.raises(ClientError, match="Auth flow not enabled"):
        client.renew_access_token()
    with pytest.raises(Refused, match="Auth flow not enabled"):
        visit.node("cognito_identity", "refresh", username=person.username, refresh_token=client.refresh_token)


def test_the_page_has_the_table_of_the_ways_in() -> None:
    page = (PROJECT / "docs/ways-in.md").read_text(encoding="utf-8")
    assert "\n".join(table()) in page


# --- helpers ---


def claims_of(token: str) -> dict[str, Any]:
    return jwt.decode(token, options={"verify_signature": False})


def judged_by_pyjwt(outputs: dict[str, Any], token: str) -> dict[str, Any]:
    key = jwt.PyJWKClient(outputs["jwks_url"]).get_signing_key_from_jwt(token)
    return jwt.decode(token, key, algorithms=["RS256"], issuer=outputs["issuer"])
