"""The sign-in operations of a user pool: passwords, challenges, their sessions and authenticators."""

from __future__ import annotations

import gzip
import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError
from pycognito.aws_srp import AWSSRP

from tests.local.front_system import HOST, PASSWORD, System, assert_refused, raw, target
from tests.totp import totp


def test_srp_accepts_only_the_correct_password(system: System) -> None:
    email = system.user()
    assert system.srp(email, PASSWORD)["AuthenticationResult"]["AccessToken"]
    assert_refused("NotAuthorizedException", system.srp, email=email, password="Wrong-Horse-12")


def test_a_new_password_needs_the_session_of_its_challenge(system: System) -> None:
    victim, attacker = system.user(), system.user(permanent=False)
    asked = system.sign_in(attacker)
    assert asked["ChallengeName"] == "NEW_PASSWORD_REQUIRED"
    new = {"NEW_PASSWORD": "Brand-New-Horse-1"}
    for session, name in [("A" * 43, victim), (asked["Session"], victim), ("A" * 43, attacker)]:
        assert_refused(
            "NotAuthorizedException",
            system.respond,
            name="NEW_PASSWORD_REQUIRED",
            session=session,
            USERNAME=name,
            **new,
        )
    assert system.sign_in(victim)["AuthenticationResult"]
    signed_in = system.respond("NEW_PASSWORD_REQUIRED", asked["Session"], USERNAME=attacker, **new)
    assert signed_in["AuthenticationResult"]
    assert_refused(
        "NotAuthorizedException",
        system.respond,
        name="NEW_PASSWORD_REQUIRED",
        session=asked["Session"],
        USERNAME=attacker,
        **new,
    )


def test_a_session_is_valid_for_one_challenge_of_one_client(system: System) -> None:
    email = system.user(permanent=False)
    session = system.sign_in(email)["Session"]
    answers = {"USERNAME": email, "NEW_PASSWORD": "Brand-New-Horse-1"}
    assert_refused("NotAuthorizedException", system.respond, name="MFA_SETUP", session=session, **answers)
    other = system.new_client()["ClientId"]
    assert_refused(
        "NotAuthorizedException",
        system.public_client.respond_to_auth_challenge,
        ClientId=other,
        ChallengeName="NEW_PASSWORD_REQUIRED",
        Session=session,
        ChallengeResponses=answers,
    )


def test_a_challenge_of_an_admin_operation_is_bound_to_its_session(system: System) -> None:
    victim = system.user()
    assert_refused(
        "NotAuthorizedException",
        system.idp.admin_respond_to_auth_challenge,
        UserPoolId=system.pool,
        ClientId=system.web,
        ChallengeName="SMS_MFA",
        Session="A" * 43,
        ChallengeResponses={"USERNAME": victim, "SMS_MFA_CODE": "1"},
    )


def test_an_srp_proof_opens_no_session_for_another_user(system: System) -> None:
    victim, attacker = system.user(), system.user(permanent=False)
    proof = AWSSRP(attacker, PASSWORD, system.pool, system.web, client=system.public_client)
    asked = system.public_client.initiate_auth(
        ClientId=system.web, AuthFlow="USER_SRP_AUTH", AuthParameters=proof.get_auth_params()
    )
    answers = proof.process_challenge(asked["ChallengeParameters"], proof.get_auth_params())
    session = system.respond("PASSWORD_VERIFIER", "A" * 43, **{**answers, "USERNAME": victim})["Session"]
    assert_refused(
        "NotAuthorizedException",
        system.respond,
        name="NEW_PASSWORD_REQUIRED",
        session=session,
        USERNAME=victim,
        NEW_PASSWORD="Brand-New-Horse-1",
    )


def test_a_weak_new_password_is_refused_and_can_be_corrected(system: System) -> None:
    email = system.user(permanent=False)
    session = system.sign_in(email)["Session"]
    for weak in ("weak", ""):
        assert_refused(
            "InvalidPasswordException",
            system.respond,
            name="NEW_PASSWORD_REQUIRED",
            session=session,
            USERNAME=email,
            NEW_PASSWORD=weak,
        )
    assert system.respond("NEW_PASSWORD_REQUIRED", session, USERNAME=email, NEW_PASSWORD="Brand-New-Horse-1")


def test_a_session_is_valid_once_even_for_two_concurrent_answers(system: System) -> None:
    slow = System(system.cloud)
    slow.trigger = system.trigger
    # The function extends the time between the first answer and its tokens.
    pause = system.function("pause", "import time\ndef handler(event, context):\n    time.sleep(0.3)\n    return event")
    slow.idp.update_user_pool(UserPoolId=slow.pool, LambdaConfig={"PreTokenGeneration": pause})
    email = slow.user(permanent=False)
    session = slow.sign_in(email)["Session"]

    def answer(_: int) -> bool:
        try:
            return bool(
                slow.respond("NEW_PASSWORD_REQUIRED", session, USERNAME=email, NEW_PASSWORD="Brand-New-Horse-1")
            )
        except ClientError:
            return False

    with ThreadPoolExecutor(3) as threads:
        assert sum(threads.map(answer, range(3))) == 1


def test_a_malformed_answer_is_not_forwarded(system: System) -> None:
    victim = system.user()
    answer = {
        "ClientId": system.web,
        "ChallengeName": "NEW_PASSWORD_REQUIRED",
        "Session": "A" * 43,
        "ChallengeResponses": {"USERNAME": victim, "NEW_PASSWORD": "Brand-New-Horse-1"},
    }
    packed = gzip.compress(json.dumps(answer).encode())
    status, content = raw(
        system.cloud, "POST", "/", HOST, target("RespondToAuthChallenge"), ("Content-Encoding", "gzip"), body=packed
    )
    assert status == 400, content
    assert system.sign_in(victim)["AuthenticationResult"]


def test_a_session_expires_after_three_minutes(system: System) -> None:
    emails = system.user(permanent=False), system.user(permanent=False)
    sessions = [system.sign_in(email)["Session"] for email in emails]
    answers = [{"USERNAME": email, "NEW_PASSWORD": "Brand-New-Horse-1"} for email in emails]
    with system.cloud.ahead(seconds=175):
        assert system.respond("NEW_PASSWORD_REQUIRED", sessions[0], **answers[0])["AuthenticationResult"]
    with system.cloud.ahead(seconds=181):
        late = {"name": "NEW_PASSWORD_REQUIRED", "session": sessions[1], **answers[1]}
        assert_refused("NotAuthorizedException", system.respond, **late)


@pytest.fixture(scope="session")
def system_with_mfa(system: System) -> System:
    """A system whose pool requires an authenticator."""
    second = System(system.cloud)
    second.trigger = system.trigger
    second.idp.set_user_pool_mfa_config(
        UserPoolId=second.pool, SoftwareTokenMfaConfiguration={"Enabled": True}, MfaConfiguration="ON"
    )
    return second


def test_a_pool_with_mfa_gives_tokens_only_after_an_authenticator_code(system_with_mfa: System) -> None:
    email = system_with_mfa.user()
    asked = system_with_mfa.sign_in(email)
    assert asked["ChallengeName"] == "MFA_SETUP"
    assert "AuthenticationResult" not in asked
    assert_refused(
        "NotAuthorizedException", system_with_mfa.respond, name="MFA_SETUP", session=asked["Session"], USERNAME=email
    )

    given = system_with_mfa.public_client.associate_software_token(Session=asked["Session"])
    assert_refused(
        "NotAuthorizedException", system_with_mfa.respond, name="MFA_SETUP", session=given["Session"], USERNAME=email
    )
    assert_refused(
        "EnableSoftwareTokenMFAException",
        system_with_mfa.public_client.verify_software_token,
        Session=given["Session"],
        UserCode="000000",
    )
    verified = system_with_mfa.public_client.verify_software_token(
        Session=given["Session"], UserCode=totp(given["SecretCode"])
    )
    other = system_with_mfa.user()
    assert_refused(
        "NotAuthorizedException", system_with_mfa.respond, name="MFA_SETUP", session=verified["Session"], USERNAME=other
    )
    assert system_with_mfa.respond("MFA_SETUP", verified["Session"], USERNAME=email)["AuthenticationResult"]

    asked = system_with_mfa.sign_in(email)
    assert asked["ChallengeName"] == "SOFTWARE_TOKEN_MFA"
    code = {"USERNAME": email, "SOFTWARE_TOKEN_MFA_CODE": totp(given["SecretCode"], steps=1)}
    assert_refused(
        "CodeMismatchException",
        system_with_mfa.respond,
        name="SOFTWARE_TOKEN_MFA",
        session=asked["Session"],
        **{**code, "SOFTWARE_TOKEN_MFA_CODE": "000000"},
    )
    assert_refused(
        "NotAuthorizedException", system_with_mfa.respond, name="SOFTWARE_TOKEN_MFA", session="A" * 43, **code
    )
    assert_refused(
        "NotAuthorizedException", system_with_mfa.respond, name="MFA_SETUP", session=asked["Session"], **code
    )
    tokens = system_with_mfa.respond("SOFTWARE_TOKEN_MFA", asked["Session"], **code)["AuthenticationResult"]
    refreshed = system_with_mfa.public_client.get_tokens_from_refresh_token(
        ClientId=system_with_mfa.web, RefreshToken=tokens["RefreshToken"]
    )
    assert refreshed["AuthenticationResult"]
    parameters = {"REFRESH_TOKEN": tokens["RefreshToken"]}
    assert system_with_mfa.public_client.initiate_auth(
        ClientId=system_with_mfa.web, AuthFlow="REFRESH_TOKEN_AUTH", AuthParameters=parameters
    )["AuthenticationResult"]


def test_a_user_without_an_authenticator_cannot_answer_an_mfa_challenge(system_with_mfa: System) -> None:
    email = system_with_mfa.user()
    system_with_mfa.idp.admin_set_user_mfa_preference(
        UserPoolId=system_with_mfa.pool, Username=email, SoftwareTokenMfaSettings={"Enabled": True}
    )
    asked = system_with_mfa.sign_in(email)
    code = {"USERNAME": email, "SOFTWARE_TOKEN_MFA_CODE": "123456"}
    assert_refused(
        "NotAuthorizedException", system_with_mfa.respond, name="SOFTWARE_TOKEN_MFA", session=asked["Session"], **code
    )


def test_an_authenticator_can_be_associated_only_with_an_open_session(system: System) -> None:
    assert_refused("NotAuthorizedException", system.public_client.associate_software_token, Session="A" * 43)
