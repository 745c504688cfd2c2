"""Attacks on the sign-in pages over HTTP. Each is refused, and the same request without the attack succeeds."""

from __future__ import annotations

import http.client
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
import requests
from botocore.exceptions import ClientError
from pycognito.aws_srp import AWSSRP

from tests.local.conftest import Cloud
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

pytestmark = pytest.mark.slow
SCRIPT = '"><script>alert(1)</script>'


def refused_with(call: Callable[..., Any], *values: Any, **arguments: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as refusal:
        call(*values, **arguments)
    error = refusal.value.response["Error"]
    return error["Code"], error["Message"]


# Cross-site request forgery -------------------------------------------------------------------------------------------


def stages(pool: Pool, strict: Pool) -> dict[str, tuple[Visitor, dict[str, str]]]:
    """Returns a browser at each page with a form, and the values that it would fill in."""
    passwords = {"password": NEW_PASSWORD, "password_again": NEW_PASSWORD}
    new, at_confirmation = pool.signed_up()
    forgetful = pool.user()
    at_reset = pool.forgotten(forgetful)
    at_set_up = strict.after_password(strict.user())
    enrolled, secret = strict.enrolled()
    return {
        "/login": (pool.at_log_in(), {"username": pool.user(), "password": PASSWORD}),
        "/signup": (pool.arrive("/signup"), {"username": pool.address(), **passwords}),
        "/forgotPassword": (pool.arrive("/forgotPassword"), {"username": pool.user()}),
        "/confirm": (at_confirmation, {"code": pool.code_for(new)}),
        "/confirmforgotPassword": (at_reset, {"code": pool.code_for(forgetful), **passwords}),
        "/newpassword": (pool.after_password(pool.user(permanent=False)), passwords),
        "/mfa/setup": (at_set_up, {"code": totp(secret_of(at_set_up))}),
        "/mfa": (strict.after_password(enrolled), {"code": totp(secret)}),
    }


def test_every_form_needs_the_token_of_its_own_browser(pool: Pool, strict: Pool) -> None:
    attacker = pool.at_log_in()
    stolen = attacker.form()[1]["form_token"]
    for path, (browser, filled) in stages(pool, strict).items():
        action, fields = browser.form()
        assert urlsplit(action).path == path
        for changed in ({}, {"form_token": ""}, {"form_token": stolen}, {"form_token": fields["form_token"][:-1]}):
            forged = {name: value for name, value in fields.items() if name != "form_token"} | filled | changed
            answer = browser.post(action, forged)
            assert (answer.status_code, browser.location) == (403, ""), (path, changed)
        without_cookies = Visitor(pool.cloud).post(action, {**fields, **filled})
        assert without_cookies.status_code == 403, path
        browser.post(action, {**fields, **filled})
        assert browser.answer.status_code == 302, (path, browser.problem)


def test_a_new_code_is_sent_only_for_a_form_with_its_token(pool: Pool) -> None:
    email, browser = pool.signed_up()
    action, fields = browser.form(1)
    assert action == "/resendcode"
    assert browser.post(action, {"flow": fields["flow"]}).status_code == 403
    assert len(mail(pool.cloud, email)) == 1


# Swapped sessions, steps and clients ----------------------------------------------------------------------------------


def test_a_flow_is_of_no_use_in_another_browser(pool: Pool, strict: Pool) -> None:
    for path, (victim, filled) in stages(pool, strict).items():
        flow = victim.form()[1].get("flow")
        if not flow:
            continue
        attacker = pool.at_log_in()
        token = attacker.form()[1]["form_token"]
        assert attacker.get(path, flow=flow).status_code == 400, path
        assert attacker.post(path, {"form_token": token, "flow": flow, **filled}).status_code == 400, path
        assert "too long" in attacker.problem
        assert victim.submit(**filled).status_code == 302, (path, victim.problem)


def test_a_flow_is_of_no_use_for_another_step(pool: Pool, strict: Pool) -> None:
    everything = {"password": NEW_PASSWORD, "password_again": NEW_PASSWORD}
    for path, (browser, filled) in stages(pool, strict).items():
        fields = browser.form()[1]
        if "flow" not in fields:
            continue
        for other in ("/confirm", "/confirmforgotPassword", "/newpassword", "/mfa/setup", "/mfa", "/resendcode"):
            if other == path or {other, path} == {"/confirm", "/resendcode"}:
                continue
            skipping = Visitor(pool.cloud, browser.http)
            skipping.post(other, {**fields, **everything, **filled})
            assert (skipping.answer.status_code, skipping.location) == (400, ""), (path, other)


def test_a_form_cannot_change_the_client_the_address_or_the_user(strict: Pool) -> None:
    email, secret = strict.enrolled()
    other = strict.new_client(CallbackURLs=["http://localhost:9999/other"])
    browser = strict.after_password(email)
    browser.submit(
        code=totp(secret), client_id=other, redirect_uri="http://localhost:9999/other", username=strict.user()
    )
    assert browser.location.startswith(f"{CALLBACK}?code=")
    claims = strict.redeem(browser.location)
    assert "access_token" in claims


def test_a_password_alone_skips_no_second_factor(strict: Pool) -> None:
    email, secret = strict.enrolled()
    for user in (email, strict.user()):
        browser = strict.after_password(user)
        assert "Sign in" in strict.arrive(browser=Visitor(strict.cloud, browser.http)).page.text
        flow = {"flow": browser.form()[1]["flow"], "form_token": browser.form()[1]["form_token"]}
        for code in ({}, {"code": ""}, {"code": "None"}, {"code": "٠٠٠٠٠٠"}):
            assert Visitor(strict.cloud, browser.http).post("/mfa", {**flow, **code}).status_code == 400
    browser = strict.after_password(email)
    browser.submit(code=totp(secret))
    assert code_in(browser.location)


def test_a_second_set_up_does_not_replace_the_authenticator_of_a_user(strict: Pool) -> None:
    email = strict.user()
    owner, attacker = strict.after_password(email), strict.after_password(email)
    secret, planted = secret_of(owner), secret_of(attacker)
    owner.submit(code=totp(secret))
    assert code_in(owner.location)
    assert attacker.submit(code=totp(planted)).status_code == 400
    assert attacker.location == ""
    browser = strict.after_password(email)
    browser.submit(code=totp(planted, steps=1))
    assert "not correct" in browser.problem
    browser.submit(code=totp(secret, steps=1))
    assert code_in(browser.location)


def test_a_cookie_from_before_the_second_factor_does_not_replace_it(cloud: Cloud) -> None:
    optional = Pool(cloud, mfa="OPTIONAL")
    email = optional.user()
    browser = optional.after_password(email)
    assert code_in(optional.arrive(browser=browser).location)
    own = optional.api_sign_in(email)["AuthenticationResult"]["AccessToken"]
    secret = optional.public.associate_software_token(AccessToken=own)["SecretCode"]
    optional.public.verify_software_token(AccessToken=own, UserCode=totp(secret))
    assert "Sign in" in optional.arrive(browser=browser).page.text


def test_a_cookie_is_valid_for_the_clients_of_its_pool_only(pool: Pool, strict: Pool) -> None:
    browser = pool.after_password(pool.user())
    assert "Sign in" in strict.arrive(browser=browser).page.text
    assert code_in(pool.arrive(browser=browser, client_id=pool.new_client()).location)


def test_a_cookie_of_a_password_is_of_no_use_for_a_client_that_accepts_no_passwords(pool: Pool) -> None:
    pool.idp.create_identity_provider(
        UserPoolId=pool.id,
        ProviderName="Corp",
        ProviderType="SAML",
        ProviderDetails={"IDPSSOEndpoint": "http://localhost:9/sso"},
    )
    company = pool.new_client(SupportedIdentityProviders=["Corp"])
    email = pool.user()
    browser = pool.after_password(email)
    pool.arrive(browser=browser, client_id=company)
    assert (browser.location, browser.page.found) == ("", [])
    forged = pool.at_log_in()
    forged.post(
        f"/login?{urlencode(pool.asked(client_id=company))}",
        {**forged.form()[1], "username": email, "password": PASSWORD},
    )
    assert forged.problem.startswith("This application accepts no passwords.")
    for path in ("/signup", "/forgotPassword"):
        assert pool.arrive(path, client_id=company).answer.status_code == 404


def test_a_cookie_is_of_no_use_for_the_namesake_in_another_pool(cloud: Cloud) -> None:
    first, second = Pool(cloud, by_email=False), Pool(cloud, by_email=False)
    browser = first.after_password(first.user("jane"))
    second.user("jane")
    assert "Sign in" in second.arrive(browser=browser).page.text
    assert code_in(first.arrive(browser=browser).location)


def test_an_invented_cookie_is_no_session(pool: Pool) -> None:
    browser = Visitor(pool.cloud)
    for value in ("", "x", "a" * 43, "../../etc/passwd", "None"):
        browser.http.cookies.set("sign-in-session", value)
        browser.http.cookies.set("sign-in-browser", value)
        assert "Sign in" in pool.arrive(browser=browser).page.text


def test_a_session_gets_a_new_cookie_at_each_sign_in(pool: Pool) -> None:
    browser, email = pool.at_log_in(), pool.user()
    browser.http.cookies.set("sign-in-session", "planted-by-an-attacker")
    browser.submit(username=email, password=PASSWORD)
    attacker = Visitor(pool.cloud)
    attacker.http.cookies.set("sign-in-session", "planted-by-an-attacker")
    assert "Sign in" in pool.arrive(browser=attacker).page.text


def test_the_session_of_a_disabled_or_deleted_user_ends(pool: Pool) -> None:
    for end in (pool.idp.admin_disable_user, pool.idp.admin_delete_user):
        email = pool.user()
        browser = pool.after_password(email)
        end(UserPoolId=pool.id, Username=email)
        assert "Sign in" in pool.arrive(browser=browser).page.text


def test_the_session_of_a_deleted_user_is_not_the_session_of_the_next_user_with_the_name(cloud: Cloud) -> None:
    pool = Pool(cloud, by_email=False)
    browser = pool.after_password(pool.user("clerk"))
    assert code_in(pool.arrive(browser=browser).location)
    pool.idp.admin_delete_user(UserPoolId=pool.id, Username="clerk")
    pool.user("clerk")
    assert "Sign in" in pool.arrive(browser=browser).page.text


def test_a_step_of_a_deleted_user_is_not_a_step_of_the_next_user_with_the_name(cloud: Cloud) -> None:
    pool = Pool(cloud, by_email=False)
    browser = pool.after_password(pool.user("clerk", permanent=False))
    pool.idp.admin_delete_user(UserPoolId=pool.id, Username="clerk")
    pool.user("clerk", permanent=False)
    browser.submit(password=NEW_PASSWORD, password_again=NEW_PASSWORD)
    assert (browser.answer.status_code, browser.location) == (400, "")
    assert pool.idp.admin_get_user(UserPoolId=pool.id, Username="clerk")["UserStatus"] == "FORCE_CHANGE_PASSWORD"


def test_a_user_who_is_disabled_or_deleted_between_two_steps_gets_no_code(strict: Pool) -> None:
    for end in (strict.idp.admin_disable_user, strict.idp.admin_delete_user):
        email, secret = strict.enrolled()
        browser = strict.after_password(email)
        end(UserPoolId=strict.id, Username=email)
        assert browser.submit(code=totp(secret)).status_code == 400
        assert browser.location == ""


def test_a_user_who_is_disabled_changes_nothing_in_an_open_step(pool: Pool) -> None:
    guest = pool.user(permanent=False)
    browser = pool.after_password(guest)
    pool.idp.admin_disable_user(UserPoolId=pool.id, Username=guest)
    assert browser.submit(password=NEW_PASSWORD, password_again=NEW_PASSWORD).status_code == 400
    status = pool.idp.admin_get_user(UserPoolId=pool.id, Username=guest)["UserStatus"]
    assert status == "FORCE_CHANGE_PASSWORD"

    new, browser = pool.signed_up()
    pool.idp.admin_disable_user(UserPoolId=pool.id, Username=new)
    browser.submit(code=pool.code_for(new))
    assert (browser.problem, browser.location) == ("User is disabled.", "")


def test_a_sign_in_expires_after_three_minutes(strict: Pool) -> None:
    email, secret = strict.enrolled()
    browser = strict.after_password(email)
    with strict.cloud.ahead(seconds=185):
        browser.submit(code=totp(secret))
    assert "too long" in browser.problem
    assert any(link.startswith("/login?client_id=") for link in browser.page.links), "the page leads back"


def test_a_completed_step_cannot_be_repeated(pool: Pool) -> None:
    browser = pool.after_password(pool.user(permanent=False))
    action, fields = browser.form()
    chosen = {**fields, "password": NEW_PASSWORD, "password_again": NEW_PASSWORD}
    assert browser.post(action, chosen).status_code == 302
    again = {**chosen, "password": "chosen-by-an-attacker", "password_again": "chosen-by-an-attacker"}
    assert browser.post(action, again).status_code == 400


# Redirects ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/oauth2/authorize", "/login", "/signup", "/forgotPassword"])
@pytest.mark.parametrize(
    "address",
    [
        "http://evil.example/",
        "//evil.example",
        "http://localhost:3000/callback/",
        "http://localhost:3000/callback?x=1",
        "http://localhost:3000/callback#x",
        "http://localhost:3000/Callback",
        "http://localhost:3000/callback%00",
        "http://localhost:3000/callback\r\nset-cookie: x=1",
        "http://localhost:3000/callback ",
        "http://localhost:3000@evil.example/callback",
        "http://localhost:3000/callback/../evil",
        "https://localhost:3000/callback",
        "javascript:alert(1)",
        "",
    ],
)
def test_only_the_exact_address_of_the_client_is_accepted(pool: Pool, path: str, address: str) -> None:
    browser = Visitor(pool.cloud)
    answer = browser.get(path, **pool.asked(redirect_uri=address))
    assert (answer.status_code, browser.location) == (400, "")
    assert browser.page.found == []
    assert "evil" not in "".join(browser.page.links)


def test_the_second_value_of_a_parameter_does_not_count(pool: Pool) -> None:
    browser = Visitor(pool.cloud)
    query = urlencode([*pool.asked().items(), ("redirect_uri", "http://evil.example/")])
    browser.get(f"/oauth2/authorize?{query}")
    browser.follow()
    browser.submit(username=pool.user(), password=PASSWORD)
    assert browser.location.startswith(f"{CALLBACK}?code=")


def test_the_address_of_a_form_is_checked_again(pool: Pool) -> None:
    browser = pool.at_log_in()
    form = {**browser.form()[1], "username": pool.user(), "password": PASSWORD}
    for changed in ({"redirect_uri": "http://evil.example/"}, {"client_id": "nobody"}, {"response_type": "token"}):
        browser.post(f"/login?{urlencode(pool.asked(**changed))}", form)
        assert (browser.answer.status_code, browser.location) == (400, "")


def test_an_address_that_the_client_has_dropped_since_gets_no_code(pool: Pool) -> None:
    moving = pool.new_client()
    browser = pool.arrive(client_id=moving)
    pool.idp.update_user_pool_client(
        UserPoolId=pool.id,
        ClientId=moving,
        CallbackURLs=["http://localhost:3000/new"],
        AllowedOAuthFlows=["code"],
        AllowedOAuthScopes=["openid"],
        AllowedOAuthFlowsUserPoolClient=True,
    )
    assert browser.submit(username=pool.user(), password=PASSWORD).status_code == 400
    assert browser.location == ""


@pytest.mark.parametrize(
    "address", ["http://evil.example/", SIGNED_OUT + "x", SIGNED_OUT[:-1], "//localhost:3000/", ""]
)
def test_a_sign_out_leads_only_to_a_registered_address_and_still_ends_the_session(pool: Pool, address: str) -> None:
    browser = pool.after_password(pool.user())
    browser.get("/logout", client_id=pool.client, logout_uri=address)
    assert (browser.answer.status_code, browser.location) == (400, "")
    assert "Sign in" in pool.arrive(browser=browser).page.text


def test_a_client_without_the_code_flow_or_without_a_deletion_gets_no_page(pool: Pool) -> None:
    codeless = pool.new_client(AllowedOAuthFlowsUserPoolClient=False, AllowedOAuthFlows=[], AllowedOAuthScopes=[])
    deleted = pool.new_client()
    browser = pool.arrive(client_id=deleted)
    pool.idp.delete_user_pool_client(UserPoolId=pool.id, ClientId=deleted)
    assert browser.submit(username=pool.user(), password=PASSWORD).status_code == 400
    assert pool.arrive(client_id=codeless).answer.status_code == 400


# Codes ----------------------------------------------------------------------------------------------------------------


def test_a_code_of_an_authenticator_is_valid_once_on_pages_and_operations(strict: Pool) -> None:
    email, secret = strict.enrolled()
    first, second = strict.after_password(email), strict.after_password(email)
    code = totp(secret)
    first.submit(code=code)
    assert code_in(first.location)
    second.submit(code=code)
    assert "already used" in second.problem
    session = strict.api_sign_in(email)["Session"]
    assert respond(strict, email, session, code) == (
        "ExpiredCodeException",
        "Your software token has already been used once.",
    )
    following = totp(secret, steps=1)
    assert respond(strict, email, session, following) == ("", "")
    second.submit(code=following)
    assert "already used" in second.problem


def respond(strict: Pool, email: str, session: str, code: str) -> tuple[str, str]:
    answers = {"USERNAME": email, "SOFTWARE_TOKEN_MFA_CODE": code}
    try:
        strict.public.respond_to_auth_challenge(
            ClientId=strict.client, ChallengeName="SOFTWARE_TOKEN_MFA", Session=session, ChallengeResponses=answers
        )
    except ClientError as error:
        return error.response["Error"]["Code"], error.response["Error"]["Message"]
    return "", ""


def test_the_code_that_set_the_authenticator_up_signs_nobody_in(strict: Pool) -> None:
    email = strict.user()
    browser = strict.after_password(email)
    secret = secret_of(browser)
    code = totp(secret)
    browser.submit(code=code)
    again = strict.after_password(email)
    again.submit(code=code)
    assert "already used" in again.problem

    other = strict.user()
    given = strict.public.associate_software_token(Session=strict.api_sign_in(other)["Session"])
    code = totp(given["SecretCode"])
    verified = strict.public.verify_software_token(Session=given["Session"], UserCode=code)
    strict.public.respond_to_auth_challenge(
        ClientId=strict.client,
        ChallengeName="MFA_SETUP",
        Session=verified["Session"],
        ChallengeResponses={"USERNAME": other},
    )
    assert respond(strict, other, strict.api_sign_in(other)["Session"], code)[0] == "ExpiredCodeException"


@pytest.mark.parametrize("taken_name", ["clerk", "the sub of the deleted user"])
def test_a_new_user_with_the_name_of_a_deleted_user_does_not_get_the_session(cloud: Cloud, taken_name: str) -> None:
    pool = Pool(cloud, by_email=False)
    pool.user("clerk", permanent=False)
    asked = pool.api_sign_in("clerk")
    sub = pool.idp.admin_get_user(UserPoolId=pool.id, Username="clerk")["UserAttributes"][0]["Value"]
    pool.idp.admin_delete_user(UserPoolId=pool.id, Username="clerk")
    name = pool.user("clerk" if taken_name == "clerk" else sub, permanent=False)
    refused = refused_with(
        pool.public.respond_to_auth_challenge,
        ClientId=pool.client,
        ChallengeName=asked["ChallengeName"],
        Session=asked["Session"],
        ChallengeResponses={"USERNAME": name, "NEW_PASSWORD": "chosen-by-an-attacker"},
    )
    assert refused[0] == "NotAuthorizedException"
    assert pool.api_sign_in(name)["ChallengeName"] == "NEW_PASSWORD_REQUIRED"


def test_a_mailed_code_is_valid_once(pool: Pool) -> None:
    email, browser = pool.signed_up()
    code = pool.code_for(email)
    action, fields = browser.form()
    browser.submit(code=code)
    assert code_in(browser.location)
    assert browser.post(action, {**fields, "code": code}).status_code == 400
    confirm = pool.public.confirm_sign_up
    assert refused_with(confirm, ClientId=pool.client, Username=email, ConfirmationCode=code)[0] != ""

    browser = pool.forgotten(email)
    code = pool.code_for(email)
    pool.reset(browser, code)
    assert browser.answer.status_code == 302
    reset = pool.public.confirm_forgot_password
    assert (
        refused_with(
            reset, ClientId=pool.client, Username=email, ConfirmationCode=code, Password="chosen-by-an-attacker"
        )[0]
        == "ExpiredCodeException"
    )


def test_a_mailed_code_is_of_no_use_for_another_user_or_purpose(pool: Pool) -> None:
    victim, attacker = pool.user(), pool.user()
    at_victim, at_attacker = pool.forgotten(victim), pool.forgotten(attacker)
    pool.reset(at_victim, pool.code_for(attacker))
    assert at_victim.problem == WRONG_CODE
    fields = at_attacker.form()[1]
    passwords = {"password": NEW_PASSWORD, "password_again": NEW_PASSWORD}
    at_attacker.post(
        "/confirmforgotPassword", {**fields, **passwords, "username": victim, "code": pool.code_for(attacker)}
    )
    assert code_in(pool.after_password(victim).location), "the password of the victim is the old one"
    new, _ = pool.signed_up()
    assert (
        refused_with(
            pool.public.confirm_forgot_password,
            ClientId=pool.client,
            Username=new,
            ConfirmationCode=pool.code_for(new),
            Password=NEW_PASSWORD,
        )[0]
        == "ExpiredCodeException"
    )


def test_no_code_is_mailed_to_an_address_that_is_not_verified_or_to_an_invited_user(pool: Pool) -> None:
    invited, unverified = pool.user(permanent=False), pool.user()
    attributes = [{"Name": "email_verified", "Value": "false"}]
    pool.idp.admin_update_user_attributes(UserPoolId=pool.id, Username=unverified, UserAttributes=attributes)
    new, _ = pool.signed_up()
    for email, error in (
        (invited, "NotAuthorizedException"),
        (unverified, "InvalidParameterException"),
        (new, "InvalidParameterException"),
    ):
        before = len(mail(pool.cloud, email))
        assert refused_with(pool.public.forgot_password, ClientId=pool.client, Username=email)[0] == error
        assert "Choose a new password" in pool.forgotten(email).page.text, "the page reveals nothing"
        assert len(mail(pool.cloud, email)) == before


@pytest.mark.parametrize("constant", ["123456", "654321"])
def test_the_constant_codes_of_the_emulator_are_refused(pool: Pool, constant: str) -> None:
    _, browser = pool.signed_up()
    browser.submit(code=constant)
    assert browser.problem == WRONG_CODE
    known = pool.user()
    browser = pool.forgotten(known)
    pool.reset(browser, constant)
    assert browser.problem == WRONG_CODE


def test_a_user_without_an_address_has_no_constant_code(cloud: Cloud) -> None:
    idp = cloud.client("cognito-idp")
    named = idp.create_user_pool(PoolName="names", Policies={"PasswordPolicy": {"MinimumLength": 8}})["UserPool"]["Id"]
    client = idp.create_user_pool_client(UserPoolId=named, ClientName="web")["UserPoolClient"]["ClientId"]
    user = {"ClientId": client, "Username": "mallory"}
    idp.sign_up(**user, Password="Correct-Horse-12")
    for code in ("123456", "654321"):
        assert refused_with(idp.confirm_sign_up, **user, ConfirmationCode=code)[0] == "ExpiredCodeException"
    idp.admin_confirm_sign_up(UserPoolId=named, Username="mallory")
    assert refused_with(idp.forgot_password, **user)[0] == "InvalidParameterException"
    for code in ("123456", "654321"):
        reset = {"ConfirmationCode": code, "Password": "Another-Horse-12"}
        assert refused_with(idp.confirm_forgot_password, **user, **reset)[0] in (
            "CodeMismatchException",
            "ExpiredCodeException",
        )


def test_mailed_codes_expire(pool: Pool) -> None:
    known = pool.user()
    browser = pool.forgotten(known)
    reset = {"ConfirmationCode": pool.code_for(known), "Password": NEW_PASSWORD}
    new, _ = pool.signed_up()
    confirmation = {"ConfirmationCode": pool.code_for(new)}
    with pool.cloud.ahead(seconds=3605):
        pool.reset(browser, reset["ConfirmationCode"])
        assert "too long" in browser.problem
        operation = pool.public.confirm_forgot_password
        assert refused_with(operation, ClientId=pool.client, Username=known, **reset)[0] == "ExpiredCodeException"
    with pool.cloud.ahead(seconds=24 * 3600 + 5):
        operation = pool.public.confirm_sign_up
        assert refused_with(operation, ClientId=pool.client, Username=new, **confirmation)[0] == "ExpiredCodeException"
    pool.public.confirm_sign_up(ClientId=pool.client, Username=new, **confirmation)


# Guesses --------------------------------------------------------------------------------------------------------------

LOCKED = "Password attempts exceeded"


@pytest.mark.parametrize("exists", [True, False])
def test_five_wrong_passwords_lock_a_user_on_pages_and_operations(pool: Pool, exists: bool) -> None:
    email = pool.user() if exists else pool.address()
    browser = pool.at_log_in()
    with pool.cloud.stopped_clock() as advance:
        for spelling in (email, email.upper(), f" {email}", email.capitalize(), email):
            browser.submit(username=spelling, password="guessed")
            assert browser.problem == "Incorrect username or password."
        browser.submit(username=email, password=PASSWORD)
        assert (browser.answer.status_code, browser.problem.startswith(LOCKED)) == (429, True)
        assert refused_with(pool.api_sign_in, email) == ("NotAuthorizedException", LOCKED)
        srp = AWSSRP(email, PASSWORD, pool.id, pool.client, client=pool.public)
        assert not exists or refused_with(srp.authenticate_user) == ("NotAuthorizedException", LOCKED)
        advance(1)
        browser.submit(username=email, password=PASSWORD)
        assert bool(code_in(browser.location)) is exists


def test_wrong_passwords_of_operations_lock_the_page(pool: Pool) -> None:
    email = pool.user()
    with pool.cloud.stopped_clock():
        for _ in range(5):
            assert refused_with(pool.api_sign_in, email, "guessed")[1] == "Incorrect username or password."
        assert pool.after_password(email).problem.startswith(LOCKED)


def test_the_time_of_a_lock_doubles_with_each_further_failure(pool: Pool) -> None:
    email, browser = pool.user(), pool.at_log_in()
    with pool.cloud.stopped_clock() as advance:
        for _ in range(5):
            browser.submit(username=email, password="guessed")
        for lock in (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900):
            advance(lock - 0.1)
            browser.submit(username=email, password=PASSWORD)
            assert browser.problem.startswith(LOCKED), lock
            advance(0.2)
            browser.submit(username=email, password="guessed")
            assert browser.problem == "Incorrect username or password.", lock
        advance(901)
        browser.submit(username=email, password=PASSWORD)
        assert code_in(browser.location)


def test_fifteen_minutes_without_an_attempt_end_the_count(pool: Pool) -> None:
    email, browser = pool.user(), pool.at_log_in()
    with pool.cloud.stopped_clock() as advance:
        for pause in (0, 0, 0, 0, 901, 0, 0, 0, 0):
            browser.submit(username=email, password="guessed")
            advance(pause)
        browser.submit(username=email, password=PASSWORD)
        assert code_in(browser.location)


def test_an_srp_proof_counts_for_the_user_of_its_session(pool: Pool) -> None:
    victim = pool.user()
    with pool.cloud.stopped_clock():
        for _ in range(5):
            guess = AWSSRP(victim, "guessed", pool.id, pool.client, client=pool.public)
            started = pool.public.initiate_auth(
                ClientId=pool.client, AuthFlow="USER_SRP_AUTH", AuthParameters=guess.get_auth_params()
            )
            proof = guess.process_challenge(started["ChallengeParameters"], {"USERNAME": victim})
            answers = {**proof, "USERNAME": pool.address()}
            respond = pool.public.respond_to_auth_challenge
            arguments = {"ClientId": pool.client, "ChallengeName": "PASSWORD_VERIFIER", "ChallengeResponses": answers}
            assert refused_with(respond, **arguments)[1] == "Incorrect username or password."
        assert pool.after_password(victim).problem.startswith(LOCKED)


def test_concurrent_guesses_count(pool: Pool) -> None:
    email, client = pool.user(), pool.client

    def guess(number: int) -> str:
        parameters = {"USERNAME": email, "PASSWORD": f"guess-{number}"}
        start = Pool(pool.cloud).public.initiate_auth
        return refused_with(start, ClientId=client, AuthFlow="USER_PASSWORD_AUTH", AuthParameters=parameters)[1]

    with pool.cloud.stopped_clock(), ThreadPoolExecutor(8) as people:
        messages = list(people.map(guess, range(24)))
    assert (messages.count("Incorrect username or password."), messages.count(LOCKED)) == (5, 19)


def test_wrong_codes_of_an_authenticator_lock_the_user_even_with_the_password(strict: Pool) -> None:
    email, secret = strict.enrolled()
    with strict.cloud.stopped_clock() as advance:
        for _ in range(5):
            browser = strict.after_password(email)
            browser.submit(code=wrong(totp(secret)))
            assert "not correct" in browser.problem
        assert strict.after_password(email).problem.startswith(LOCKED)
        advance(1)
        browser = strict.after_password(email)
        browser.submit(code=wrong(totp(secret)))
        browser.submit(code=totp(secret))
        assert browser.problem.startswith(LOCKED)
        advance(2)
        browser.submit(code=totp(secret))
        assert code_in(browser.location)


def test_wrong_codes_of_operations_lock_the_user_even_with_the_password(strict: Pool) -> None:
    email, secret = strict.enrolled()
    with strict.cloud.stopped_clock():
        for _ in range(5):
            session = strict.api_sign_in(email)["Session"]
            assert respond(strict, email, session, wrong(totp(secret)))[0] == "CodeMismatchException"
        assert refused_with(strict.api_sign_in, email) == ("NotAuthorizedException", LOCKED)
        assert respond(strict, email, session, totp(secret)) == ("NotAuthorizedException", LOCKED)


def test_five_wrong_mailed_codes_are_the_limit_of_an_hour(pool: Pool) -> None:
    limit = "Attempt limit exceeded, please try after some time."
    known = pool.user()
    browser = pool.forgotten(known)
    for _ in range(5):
        pool.reset(browser, wrong(pool.code_for(known)))
        assert browser.problem == WRONG_CODE
    pool.reset(browser, pool.code_for(known))
    assert browser.problem == limit

    new, browser = pool.signed_up()
    for _ in range(5):
        browser.submit(code=wrong(pool.code_for(new)))
    browser.submit(code=pool.code_for(new))
    assert browser.problem == limit
    confirm = pool.public.confirm_sign_up
    arguments = {"ClientId": pool.client, "Username": new, "ConfirmationCode": pool.code_for(new)}
    assert refused_with(confirm, **arguments) == ("LimitExceededException", limit)
    with pool.cloud.ahead(seconds=3605):
        confirm(**arguments)


def test_a_request_that_fails_before_the_check_of_the_code_does_not_reset_the_limit(pool: Pool) -> None:
    email = pool.user()
    pool.forgotten(email)
    right = pool.code_for(email)
    reset = pool.public.confirm_forgot_password
    asked = {"ClientId": pool.client, "Username": email, "Password": NEW_PASSWORD}
    for _ in range(4):
        assert refused_with(reset, **asked, ConfirmationCode=wrong(right))[0] == "CodeMismatchException"
    for _ in range(2):
        refused = refused_with(reset, **asked, ConfirmationCode=right, SecretHash="invented")
    assert refused[0] == "LimitExceededException"
    assert refused_with(reset, **asked, ConfirmationCode=right)[0] == "LimitExceededException"


@pytest.mark.parametrize("exists", [True, False])
def test_five_requests_of_a_code_are_the_limit_of_an_hour(pool: Pool, exists: bool) -> None:
    email = pool.user() if exists else pool.address()
    for _ in range(5):
        assert "Choose a new password" in pool.forgotten(email).page.text
    assert pool.forgotten(email).problem == "Attempt limit exceeded, please try after some time."
    assert len(mail(pool.cloud, email)) == (5 if exists else 0)


# The existence of users -----------------------------------------------------------------------------------------------


def anonymous(browser: Visitor, email: str) -> tuple[int, str]:
    """Returns the status and the page of a browser, without what differs for each browser, flow and address."""
    text = re.sub(r'(name="(form_token|flow)" value=)"[^"]*"', r"\1", browser.answer.text)
    return browser.answer.status_code, text.replace(email, "ADDRESS")


def test_no_page_reveals_whether_a_user_exists(pool: Pool) -> None:
    external = pool.address()
    pool.idp.admin_create_user(UserPoolId=pool.id, Username=external, MessageAction="SUPPRESS")
    unconfirmed, _ = pool.signed_up()
    disabled = pool.user()
    pool.idp.admin_disable_user(UserPoolId=pool.id, Username=disabled)
    for email in (pool.user(), pool.user(permanent=False), external, unconfirmed, disabled):
        nobody = pool.address()
        pairs = []
        for name in (email, nobody):
            at_password = pool.at_log_in()
            at_password.submit(username=name, password="guessed")
            at_reset = pool.forgotten(name)
            shown = anonymous(at_reset, name)
            pool.reset(at_reset, "000000")
            pairs.append((anonymous(at_password, name), shown, anonymous(at_reset, name)))
        assert pairs[0] == pairs[1]


# Script, headers, frames ----------------------------------------------------------------------------------------------


def test_no_page_contains_the_markup_of_a_request(pool: Pool, strict: Pool) -> None:
    echoed = [
        pool.arrive(state=SCRIPT, nonce=SCRIPT),
        pool.arrive(login_hint=SCRIPT),
        pool.arrive(scope=f"openid {SCRIPT}"),
        pool.arrive(redirect_uri=f"{CALLBACK}{SCRIPT}"),
        pool.arrive(client_id=SCRIPT),
        pool.arrive(response_type=SCRIPT),
        pool.arrive(identity_provider=SCRIPT),
        pool.arrive("/login", notice=SCRIPT),
    ]
    for path in ("/login", "/signup", "/forgotPassword"):
        browser = pool.arrive(path, state=SCRIPT)
        browser.submit(username=SCRIPT, password=PASSWORD, password_again=PASSWORD)
        browser.follow()
        echoed.append(browser)
    for path in ("/mfa", "/mfa/setup", "/confirm", "/confirmforgotPassword", "/newpassword"):
        browser = Visitor(pool.cloud)
        browser.get(path, flow=SCRIPT)
        echoed.append(browser)
    for browser in echoed:
        assert "<script" not in browser.answer.text.lower(), browser.answer.url
        assert 'value=""><' not in browser.answer.text


def test_a_user_with_markup_as_the_address_breaks_no_page_and_not_the_mailbox(strict: Pool, cloud: Cloud) -> None:
    email = f"<script>alert(1)</script>&\"'{strict.address()}"
    browser = strict.arrive("/signup")
    browser.submit(username=email, password=PASSWORD, password_again=PASSWORD)
    browser.follow()
    assert "<script" not in browser.answer.text
    assert email in browser.page.text
    box = requests.get(f"{cloud.url}/mailbox/", timeout=10)
    assert "<script" not in box.text
    browser.submit(code=strict.code_for(email))
    browser.follow()
    assert "<script" not in browser.answer.text
    assert secret_of(browser)


def test_a_request_cannot_add_a_header_to_a_response(pool: Pool) -> None:
    broken = "x\r\nset-cookie: injected=1\r\n\r\n<b>"
    email = pool.user()
    browser = pool.arrive(state=broken)
    browser.submit(username=email, password=PASSWORD)
    assert code_in(browser.location)
    assert "injected" not in str(browser.http.cookies)
    for parameters in ({"logout_uri": broken}, {"client_id": broken}, {"redirect_uri": broken}):
        browser.get("/logout", **{"client_id": pool.client, **parameters})
        assert "injected" not in str(browser.answer.headers)
    for parameters in (
        {"login_hint": broken},
        {"nonce": broken},
        {"prompt": broken},
        {"prompt": "none", "state": broken},
    ):
        fresh = pool.arrive("/oauth2/authorize", browser=None, **parameters)
        assert "injected=1" not in str(fresh.http.cookies)
        assert "set-cookie: injected" not in str(fresh.answer.headers)


def test_no_page_runs_a_script_or_appears_in_a_frame_or_in_a_cache(pool: Pool, strict: Pool, cloud: Cloud) -> None:
    pages = [browser.answer for browser, _ in stages(pool, strict).values()]
    pages += [
        requests.get(f"{cloud.url}/mailbox/", timeout=10),
        requests.get(f"{cloud.url}/logout", timeout=10),
        pool.arrive(client_id="nobody").answer,
        Visitor(cloud).get("/mfa"),
        Visitor(cloud).post("/mfa", {}),
    ]
    for page in pages:
        policy = dict(part.strip().split(" ", 1) for part in page.headers["content-security-policy"].split(";"))
        assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
        assert "script-src" not in policy
        assert set(policy["form-action"].split()) <= {"'self'", "http://localhost:3000"}
        assert policy["style-src"] == "'self'"
        assert page.headers["x-frame-options"] == "DENY"
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["referrer-policy"] == "no-referrer"
        assert page.headers["x-content-type-options"] == "nosniff"
        assert "access-control-allow-origin" not in page.headers
        assert "<script" not in page.text
        assert " on" not in re.sub(r">[^<]*<", "><", page.text).replace(" one", "")


def test_every_cookie_is_hidden_from_scripts_and_from_other_sites(pool: Pool) -> None:
    first = Visitor(pool.cloud).get("/login", **pool.asked())
    browser = pool.at_log_in()
    signed_in = browser.submit(username=pool.user(), password=PASSWORD)
    signed_out = browser.get("/logout", client_id=pool.client, logout_uri=SIGNED_OUT)
    for answer in (first, signed_in, signed_out):
        assert {"Path=/", "HttpOnly", "SameSite=Lax"} <= set(answer.headers["set-cookie"].split("; "))


def test_another_origin_cannot_read_the_mailbox(cloud: Cloud) -> None:
    for path in ("/mailbox/", "/mailbox/messages.json"):
        answer = requests.get(f"{cloud.url}{path}", headers={"Origin": "http://evil.example"}, timeout=10)
        assert "access-control-allow-origin" not in answer.headers
        rebound = requests.get(f"{cloud.url}{path}", headers={"Host": "evil.example"}, timeout=10)
        assert rebound.status_code == 421


@pytest.mark.parametrize("method", ["HEAD", "PUT", "DELETE", "PATCH"])
def test_another_method_is_refused(pool: Pool, method: str) -> None:
    for path in ("/login", "/mfa", "/mailbox/", "/logout"):
        connection = http.client.HTTPConnection("127.0.0.1", pool.cloud.port, timeout=10)
        connection.request(method, path, headers={"Host": f"localhost:{pool.cloud.port}"})
        assert connection.getresponse().status == 403
        connection.close()
