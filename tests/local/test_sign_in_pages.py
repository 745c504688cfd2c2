"""The sign-in pages over HTTP: every page does what managed login does."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
import requests
from botocore.exceptions import ClientError

from tests.local.conftest import REPOSITORY, Cloud
from tests.local.federation.saml_company import SamlCompany
from tests.local.pages_pool import (
    CALLBACK,
    NEW_PASSWORD,
    PASSWORD,
    SIGNED_OUT,
    WRONG_CODE,
    Pool,
    code_in,
    secret_of,
    wrong,
)
from tests.local.visitor import Visitor, mail
from tests.totp import totp

TITLE = re.findall(r"<h1>(.*)</h1>", (REPOSITORY / "console/index.html").read_text(encoding="utf-8"))[0]
pytestmark = pytest.mark.slow


# Sign in --------------------------------------------------------------------------------------------------------------


def test_a_password_leads_back_to_the_client_with_a_code_and_the_state(pool: Pool) -> None:
    browser = pool.after_password(pool.user())
    assert browser.location.startswith(f"{CALLBACK}?code=")
    assert browser.location.endswith("&state=st8")
    assert pool.redeem(browser.location).keys() >= {"access_token", "id_token", "refresh_token"}


def test_the_nonce_of_the_request_is_in_the_id_token(pool: Pool) -> None:
    browser = pool.arrive(nonce="n-1")
    browser.submit(username=pool.user(), password=PASSWORD)
    token = pool.redeem(browser.location)["id_token"]
    assert jwt.decode(token, options={"verify_signature": False})["nonce"] == "n-1"


def test_a_wrong_password_leads_nowhere_and_keeps_the_typed_name(pool: Pool) -> None:
    browser, email = pool.at_log_in(), pool.user()
    assert browser.submit(username=email, password="guessed").status_code == 400
    assert browser.problem == "Incorrect username or password."
    assert browser.location == ""
    assert browser.form()[1]["username"] == email
    browser.submit(password=PASSWORD)
    assert code_in(browser.location)


def test_the_name_is_filled_in_from_the_login_hint(pool: Pool) -> None:
    assert pool.arrive(login_hint="jane@example.com").form()[1]["username"] == "jane@example.com"


def test_a_request_for_users_of_the_pool_shows_the_sign_in_page(pool: Pool) -> None:
    browser = pool.arrive(identity_provider="COGNITO")
    browser.submit(username=pool.user(), password=PASSWORD)
    assert code_in(browser.location)


def test_a_disabled_user_cannot_sign_in(pool: Pool) -> None:
    email = pool.user()
    pool.idp.admin_disable_user(UserPoolId=pool.id, Username=email)
    browser = pool.after_password(email)
    assert (browser.problem, browser.location) == ("User is disabled.", "")


def test_an_unconfirmed_user_confirms_the_address_at_the_next_sign_in(pool: Pool) -> None:
    email, _ = pool.signed_up()
    browser = pool.after_password(email)
    assert "Confirm your address" in browser.page.text
    browser.submit(code=pool.code_for(email))
    assert code_in(browser.location)


def test_a_user_whose_password_was_reset_by_an_administrator_chooses_a_new_one(pool: Pool) -> None:
    email = pool.user()
    pool.idp.admin_reset_user_password(UserPoolId=pool.id, Username=email)
    browser = pool.after_password(email)
    assert "Choose a new password" in browser.page.text
    pool.reset(browser, pool.code_for(email))
    assert code_in(pool.after_password(email, NEW_PASSWORD).location)


# Sign up --------------------------------------------------------------------------------------------------------------


def test_a_new_user_confirms_the_address_and_is_signed_in(pool: Pool) -> None:
    email, browser = pool.signed_up()
    assert email in browser.page.text
    browser.submit(code=pool.code_for(email))
    claims = jwt.decode(pool.redeem(browser.location)["id_token"], options={"verify_signature": False})
    assert claims["email"] == email
    stored = pool.idp.admin_get_user(UserPoolId=pool.id, Username=email)["UserAttributes"]
    assert {"Name": "email_verified", "Value": "true"} in stored


def test_a_password_that_breaks_the_rules_creates_no_user(pool: Pool) -> None:
    browser, email = pool.arrive("/signup"), pool.address()
    browser.submit(username=email, password="short", password_again="short")
    assert browser.problem == "This password does not follow the rule. At least 15 characters, with a lowercase letter."
    browser.submit(username=email, password=PASSWORD, password_again=PASSWORD + "!")
    assert browser.problem == "The two passwords are not the same."
    with pytest.raises(pool.idp.exceptions.UserNotFoundException):
        pool.idp.admin_get_user(UserPoolId=pool.id, Username=email)


def test_a_name_that_is_no_address_is_refused(pool: Pool) -> None:
    browser = pool.arrive("/signup")
    browser.submit(username="jane", password=PASSWORD, password_again=PASSWORD)
    assert browser.problem == "Username should be an email."


def test_a_pool_with_usernames_asks_for_both_the_name_and_the_address(cloud: Cloud) -> None:
    named = Pool(cloud, by_email=False)
    browser, email = named.arrive("/signup"), named.address()
    browser.submit(username="jane", email=email, password=PASSWORD, password_again=PASSWORD)
    browser.follow()
    browser.submit(code=named.code_for(email))
    assert code_in(browser.location)
    assert code_in(named.after_password("jane").location)


def test_a_taken_address_is_refused_as_on_aws(pool: Pool) -> None:
    browser = pool.arrive("/signup")
    browser.submit(username=pool.user(), password=PASSWORD, password_again=PASSWORD)
    assert browser.problem == "User already exists."


def test_a_new_code_replaces_the_old_one(pool: Pool) -> None:
    email, browser = pool.signed_up()
    first = pool.code_for(email)
    browser.submit(1)
    second = pool.code_for(email)
    assert first != second
    browser.submit(code=first)
    assert browser.problem == WRONG_CODE
    browser.submit(code=second)
    assert code_in(browser.location)


def test_a_pool_without_sign_up_offers_none(cloud: Cloud) -> None:
    closed = Pool(cloud, settings={"AdminCreateUserConfig": {"AllowAdminCreateUserOnly": True}})
    assert not any("/signup" in link for link in closed.at_log_in().page.links)
    assert closed.arrive("/signup").answer.status_code == 404


def test_a_confidential_client_offers_every_page(pool: Pool, cloud: Cloud) -> None:
    other = Pool(cloud)
    other.id = pool.id
    other.client = pool.new_client(GenerateSecret=True)
    email, browser = other.signed_up()
    browser.submit(code=other.code_for(email))
    assert code_in(browser.location)
    other.reset(other.forgotten(email), other.code_for(email))
    assert code_in(other.after_password(email, NEW_PASSWORD).location)


# Forgotten password, invitation ---------------------------------------------------------------------------------------


def test_a_forgotten_password_is_replaced_by_a_mailed_code(pool: Pool) -> None:
    email = pool.user()
    browser = pool.forgotten(email)
    pool.reset(browser, wrong(pool.code_for(email)))
    assert browser.problem == WRONG_CODE
    pool.reset(browser, pool.code_for(email))
    browser.follow()
    assert "Your password is changed." in browser.page.text
    assert pool.after_password(email).problem == "Incorrect username or password."
    assert code_in(pool.after_password(email, NEW_PASSWORD).location)


def test_an_invited_user_replaces_the_temporary_password(pool: Pool) -> None:
    email = pool.user(permanent=False)
    browser = pool.after_password(email)
    assert "Choose your password" in browser.page.text
    browser.submit(password="short", password_again="short")
    assert browser.problem.startswith("This password does not follow the rule.")
    browser.submit(password=NEW_PASSWORD, password_again=NEW_PASSWORD)
    assert code_in(browser.location)
    assert code_in(pool.after_password(email, NEW_PASSWORD).location)


# The second factor ----------------------------------------------------------------------------------------------------


def test_a_pool_that_requires_mfa_forces_the_set_up_and_then_asks_for_a_code(strict: Pool) -> None:
    email = strict.user()
    browser = strict.after_password(email)
    secret = secret_of(browser)
    assert browser.answer.text.count("<svg") == 1
    browser.submit(code=wrong(totp(secret)))
    assert "not correct" in browser.problem
    assert secret_of(browser) == secret
    browser.submit(code=f" {totp(secret)[:3]} {totp(secret)[3:]} ")
    assert code_in(browser.location)

    browser = strict.after_password(email)
    browser.submit(code=totp(secret, steps=1))
    assert code_in(browser.location)


def test_a_user_without_the_lost_authenticator_must_set_up_another_one(strict: Pool) -> None:
    email, lost = strict.enrolled()
    open_step = strict.after_password(email)
    strict.idp.admin_delete_software_token(UserPoolId=strict.id, Username=email)
    open_step.submit(code=totp(lost, steps=1))
    assert not code_in(open_step.location)
    assert strict.api_sign_in(email)["ChallengeName"] == "MFA_SETUP"
    browser = strict.after_password(email)
    secret = secret_of(browser)
    browser.submit(code=totp(lost, steps=1))
    assert "not correct" in browser.problem
    browser.submit(code=totp(secret))
    assert code_in(browser.location)


def test_only_an_administrator_removes_an_authenticator_that_exists(strict: Pool) -> None:
    email, _ = strict.enrolled()
    with pytest.raises(ClientError, match="Missing Authentication Token"):
        strict.public.admin_delete_software_token(UserPoolId=strict.id, Username=email)
    assert strict.api_sign_in(email)["ChallengeName"] == "SOFTWARE_TOKEN_MFA"
    with pytest.raises(ClientError, match="UserNotFoundException"):
        strict.idp.admin_delete_software_token(UserPoolId=strict.id, Username="nobody@example.com")
    with pytest.raises(ClientError, match="no software token"):
        strict.idp.admin_delete_software_token(UserPoolId=strict.id, Username=strict.user())


def test_the_address_for_authenticators_names_the_user_and_the_secret(strict: Pool) -> None:
    email = strict.user()
    browser = strict.after_password(email)
    (address,) = (link for link in browser.page.links if link.startswith("otpauth:"))
    query = parse_qs(urlsplit(address).query)
    assert (query["secret"], query["issuer"]) == ([secret_of(browser)], [TITLE])
    assert email.replace("@", "%40") in address


def test_a_new_user_of_a_strict_pool_goes_from_the_sign_up_to_the_set_up(strict: Pool) -> None:
    email, browser = strict.signed_up()
    browser.submit(code=strict.code_for(email))
    browser.follow()
    browser.submit(code=totp(secret_of(browser)))
    assert code_in(browser.location)


def test_an_invited_user_of_a_strict_pool_goes_from_the_new_password_to_the_set_up(strict: Pool) -> None:
    browser = strict.after_password(strict.user(permanent=False))
    browser.submit(password=NEW_PASSWORD, password_again=NEW_PASSWORD)
    browser.follow()
    browser.submit(code=totp(secret_of(browser)))
    assert code_in(browser.location)


def test_a_pool_with_optional_mfa_asks_only_users_with_an_authenticator(cloud: Cloud) -> None:
    optional = Pool(cloud, mfa="OPTIONAL")
    email = optional.user()
    token = optional.redeem(optional.after_password(email).location)["access_token"]
    own = optional.api_sign_in(email)["AuthenticationResult"]["AccessToken"]
    secret = optional.public.associate_software_token(AccessToken=own)["SecretCode"]
    optional.public.verify_software_token(AccessToken=own, UserCode=totp(secret))
    assert token
    browser = optional.after_password(email)
    assert "Enter your code" in browser.page.text
    browser.submit(code=totp(secret, steps=1))
    assert code_in(browser.location)


# The sign-in cookie and the sign-out ----------------------------------------------------------------------------------


def test_a_signed_in_browser_gets_a_code_without_a_password_until_it_signs_out(pool: Pool) -> None:
    browser = pool.after_password(pool.user())
    again = pool.arrive(browser=browser)
    assert pool.redeem(again.location)["access_token"]
    browser.get("/logout", client_id=pool.client, logout_uri=SIGNED_OUT)
    assert browser.location == SIGNED_OUT
    assert "Sign in" in pool.arrive(browser=browser).page.text


def test_a_client_can_ask_for_the_password_again_or_for_no_page(pool: Pool) -> None:
    browser = pool.after_password(pool.user())
    assert "Sign in" in pool.arrive(browser=browser, prompt="login").page.text
    assert code_in(pool.arrive(browser=browser, prompt="none").location)
    refused = pool.arrive(prompt="none").location
    assert refused == f"{CALLBACK}?error=login_required&state=st8"


def test_the_cookie_ends_after_an_hour_without_use(pool: Pool) -> None:
    browser = pool.after_password(pool.user())
    with pool.cloud.ahead(seconds=3500):
        assert code_in(pool.arrive(browser=browser).location)
    with pool.cloud.ahead(seconds=3500 + 3500):
        assert code_in(pool.arrive(browser=browser).location)
    with pool.cloud.ahead(seconds=3500 + 3500 + 3700):
        assert "Sign in" in pool.arrive(browser=browser).page.text


def configure_sessions(pool: Pool, **clients: str) -> None:
    """Sets for how many minutes each client accepts the cookie, by CloudFormation."""
    kind, owner = "AWS::Cognito::UserPool", {"UserPoolId": pool.id}
    settings = {"UserSessionTracking": "ENABLED", "TokenSession": {"MaxPerUser": "20"}}
    resources = {"Pool": {"Type": f"{kind}SessionConfigurationAttachment", "Properties": {**owner, **settings}}}
    for number, (client, minutes) in enumerate(clients.items()):
        properties = {**owner, "ClientId": client, "SSOSession": {"MaxValidityMinutes": minutes}}
        resources[f"Client{number}"] = {
            "Type": f"{kind}ClientSessionConfigurationAttachment",
            "DependsOn": "Pool",
            "Properties": properties,
        }
    cloudformation = pool.cloud.client("cloudformation")
    name = f"sessions-{pool.client}"
    cloudformation.create_stack(StackName=name, TemplateBody=json.dumps({"Resources": resources}))
    cloudformation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 0.2})


def test_a_client_accepts_the_cookie_for_the_configured_time_after_the_sign_in(cloud: Cloud) -> None:
    pool = Pool(cloud)
    strict, lenient = pool.client, pool.new_client()
    configure_sessions(pool, **{strict: "0", lenient: "90"})
    browser = pool.after_password(pool.user())
    assert code_in(browser.location), "the password gives a code"
    assert "Sign in" in pool.arrive(browser=browser).page.text, "0 minutes: never without a password"
    for minutes, accepted in ((0, True), (70, True), (89, True), (91, False)):
        with cloud.ahead(seconds=minutes * 60):
            arrived = pool.arrive(browser=browser, client_id=lenient)
            assert bool(code_in(arrived.location)) is accepted, "no use extends the time"


def test_a_code_and_a_refreshed_token_keep_the_time_of_the_sign_in(pool: Pool) -> None:
    def signed_in_at(tokens: dict[str, Any]) -> list[int]:
        names = ("access_token", "id_token")
        return [jwt.decode(tokens[name], options={"verify_signature": False})["auth_time"] for name in names]

    browser = pool.after_password(pool.user())
    first = pool.redeem(browser.location)
    expected = signed_in_at(first)
    assert expected[0] == expected[1]
    with pool.cloud.ahead(seconds=2000):
        assert signed_in_at(pool.redeem(pool.arrive(browser=browser).location)) == expected, "by the cookie"
    asked = {"grant_type": "refresh_token", "client_id": pool.client, "refresh_token": first["refresh_token"]}
    again = dict(requests.post(f"{pool.cloud.url}/oauth2/token", data=asked, timeout=20).json())
    assert signed_in_at(again) == expected


def test_a_sign_out_can_lead_to_the_sign_in_page(pool: Pool) -> None:
    browser = pool.after_password(pool.user())
    browser.get("/logout", **pool.asked())
    browser.follow()
    assert "Sign in" in browser.page.text


# Providers, mailbox, style --------------------------------------------------------------------------------------------


def test_each_provider_of_the_client_has_a_button_that_starts_it(pool: Pool, cloud: Cloud) -> None:
    company = Pool(cloud)
    company.id = pool.id
    company.idp.create_identity_provider(
        UserPoolId=company.id,
        ProviderName="Corp",
        ProviderType="SAML",
        ProviderDetails={"MetadataFile": SamlCompany().metadata()},
        AttributeMapping={"email": "mail"},
    )
    company.client = pool.new_client(SupportedIdentityProviders=["Corp"])
    browser = company.at_log_in()
    assert browser.page.found == [], "a client without users of the pool asks for no password"
    (start,) = (link for link in browser.page.links if "identity_provider=Corp" in link)
    browser.get(start)
    assert browser.location.startswith("http://localhost:9/sso?")
    refused = Visitor(cloud)
    refused.post("/login?" + urlsplit(start).query.replace("&identity_provider=Corp", ""), {"username": "x"})
    assert refused.answer.status_code == 403


def test_the_mailbox_shows_every_message_with_its_own_code(pool: Pool, cloud: Cloud) -> None:
    emails = [pool.signed_up()[0] for _ in range(3)]
    page = requests.get(f"{cloud.url}/mailbox/", timeout=10).text
    assert requests.get(f"{cloud.url}/mailbox", timeout=10).text == page
    codes = [pool.code_for(email) for email in emails]
    assert len(set(codes)) == 3
    assert not {"123456", "654321"} & set(codes)
    assert all(f"code is {code}." in page and email in page for code, email in zip(codes, emails, strict=True))
    assert [message["to"] for message in mail(cloud, emails[0])] == [[emails[0]]]


def test_an_invitation_arrives_in_the_mailbox(pool: Pool, cloud: Cloud) -> None:
    email = pool.address()
    pool.idp.admin_create_user(UserPoolId=pool.id, Username=email, UserAttributes=[{"Name": "email", "Value": email}])
    password = re.search(r"password is (\S+)\.$", mail(cloud, email)[0]["text"])
    assert password
    assert "Choose your password" in pool.after_password(email, password[1]).page.text


def test_the_style_sheet_is_served(cloud: Cloud) -> None:
    sheet = requests.get(f"{cloud.url}/sign-in.css", timeout=10)
    assert (sheet.status_code, sheet.headers["content-type"]) == (200, "text/css; charset=utf-8")
    used, defined = (set(re.findall(pattern, sheet.text)) for pattern in (r"var\((--[\w-]+)", r"(--[\w-]+):"))
    assert "--accent" in used
    assert used <= defined, "a colour without a value is ignored, and the page looks unstyled"
    assert ".field" in sheet.text


def test_an_error_of_a_provider_is_a_page(pool: Pool, cloud: Cloud) -> None:
    answers = [
        requests.get(f"{cloud.url}/oauth2/idpresponse?state=unknown&code=x", timeout=10),
        requests.post(
            f"{cloud.url}/saml2/idpresponse", data={"RelayState": "unknown", "SAMLResponse": "x"}, timeout=10
        ),
        requests.get(f"{cloud.url}/oauth2/authorize", params=pool.asked(identity_provider="Nobody"), timeout=10),
    ]
    for answer in answers:
        assert answer.status_code == 400
        assert answer.headers["content-type"].startswith("text/html")
        assert 'role="alert"' in answer.text
        with pytest.raises(json.JSONDecodeError):
            answer.json()
