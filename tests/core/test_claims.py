"""Every claim is checked. Each boundary value is accepted, and the value beyond it is refused."""

import pytest

from chalicelib.core.claims import principal_from
from chalicelib.core.errors import TokenRejected
from tests.mint import EXPECTED, ISSUER, MACHINE_CLIENT, NOW, WEB_CLIENT, machine, person


def code(claims: dict[str, object], now: float = NOW) -> str:
    """Returns the code of the rejection, or `accepted`."""
    try:
        principal_from(claims, EXPECTED, now)
    except TokenRejected as rejected:
        return rejected.code
    return "accepted"


@pytest.mark.parametrize(
    ("claims", "now", "expected"),
    [
        pytest.param(person(exp=NOW + 1), NOW, "accepted", id="a second before it expires"),
        pytest.param(person(exp=NOW + 1), NOW + 0.999, "accepted", id="a millisecond before it expires"),
        pytest.param(person(exp=NOW), NOW, "token_expired", id="at the second it expires"),
        pytest.param(person(exp=NOW - 1), NOW, "token_expired", id="a second after it expired"),
        pytest.param(person(exp=0), NOW, "token_expired", id="expired in 1970"),
        pytest.param(person(iat=NOW), NOW, "accepted", id="issued in the current second"),
        pytest.param(person(iat=NOW + 1), NOW + 0.9, "accepted", id="issued a tenth of a second from now"),
        pytest.param(person(iat=NOW + 60), NOW, "accepted", id="issued a minute from now"),
        pytest.param(person(iat=NOW + 61), NOW + 0.5, "token_not_yet_valid", id="issued more than a minute from now"),
        pytest.param(person(iat=NOW + 61), NOW, "token_not_yet_valid", id="issued 61 seconds from now"),
        pytest.param(person(iat=-1), NOW, "accepted", id="issued before 1970"),
        pytest.param(person(nbf=NOW), NOW, "accepted", id="valid from the current second"),
        pytest.param(person(nbf=NOW + 1), NOW, "token_not_yet_valid", id="valid one second from now"),
        pytest.param(person(nbf=NOW + 1, iat=NOW + 1), NOW + 0.9, "token_not_yet_valid", id="nbf has no leeway"),
        pytest.param(
            person(nbf=0, iat=NOW + 61), NOW, "token_not_yet_valid", id="a past nbf does not replace a future iat"
        ),
        pytest.param(person(exp=NOW, iat=NOW + 61), NOW, "token_expired", id="expired and not yet issued"),
    ],
)
def test_a_token_is_accepted_only_between_its_issue_and_its_expiry(
    claims: dict[str, object], now: float, expected: str
) -> None:
    assert code(claims, now) == expected


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        pytest.param(person(iss=None), "wrong_issuer", id="no issuer"),
        pytest.param(person(iss=ISSUER + "/"), "wrong_issuer", id="the issuer with an extra slash"),
        pytest.param(person(iss=ISSUER[:-1]), "wrong_issuer", id="the issuer without its last character"),
        pytest.param(person(iss=ISSUER.upper()), "wrong_issuer", id="the issuer in upper case"),
        pytest.param(person(iss=[ISSUER]), "wrong_issuer", id="a list of issuers"),
        pytest.param(person(token_use=None), "wrong_token_use", id="no use"),
        pytest.param(person(token_use="id"), "wrong_token_use", id="an ID token"),
        pytest.param(person(token_use="Access"), "wrong_token_use", id="the use in another case"),
        pytest.param(person(token_use=["access"]), "wrong_token_use", id="a list of uses"),
        pytest.param(person(client_id=None), "malformed_claims", id="no client"),
        pytest.param(person(client_id=""), "malformed_claims", id="an empty client"),
        pytest.param(person(client_id=[WEB_CLIENT]), "malformed_claims", id="a list of clients"),
        pytest.param(person(client_id="another"), "wrong_client", id="another client of the same pool"),
        pytest.param(person(client_id=WEB_CLIENT.upper()), "wrong_client", id="the client in upper case"),
        pytest.param(person(client_id=None, aud=WEB_CLIENT), "malformed_claims", id="the client only in the audience"),
        pytest.param(person(aud=WEB_CLIENT), "wrong_audience", id="an audience that is our client"),
        pytest.param(person(aud=[]), "wrong_audience", id="an empty audience"),
        pytest.param({**person(), "aud": None}, "wrong_audience", id="an audience that is null"),
        pytest.param(person(sub=None), "malformed_claims", id="no subject"),
        pytest.param(person(sub=""), "malformed_claims", id="an empty subject"),
        pytest.param(person(sub=7), "malformed_claims", id="a number as subject"),
        pytest.param(person(username=7), "malformed_claims", id="a number as username"),
        pytest.param({**person(), "username": None}, "malformed_claims", id="a username that is null"),
        pytest.param(person(scope=["openid"]), "malformed_claims", id="a list as scope"),
        pytest.param(person(origin_jti=7), "malformed_claims", id="a number as session"),
        pytest.param(person(**{"cognito:groups": "clerks"}), "malformed_claims", id="groups as a string"),
        pytest.param(person(**{"cognito:groups": ["clerks", 7]}), "malformed_claims", id="a number among the groups"),
        pytest.param(person(**{"cognito:groups": {"clerks": 1}}), "malformed_claims", id="groups as an object"),
        pytest.param({**person(), "cognito:groups": None}, "malformed_claims", id="groups that are null"),
        pytest.param(person(), "accepted", id="a user's token"),
        pytest.param(machine(), "accepted", id="a machine's token"),
        pytest.param(person(**{"cognito:groups": None}), "accepted", id="no groups"),
        pytest.param(person(scope=None), "accepted", id="no scope"),
        pytest.param(person(origin_jti=None), "accepted", id="no session"),
        pytest.param(person(extra={"any": ["thing"]}), "accepted", id="an unused claim"),
    ],
)
def test_a_missing_or_wrong_claim_is_refused_with_the_code_of_that_claim(
    claims: dict[str, object], expected: str
) -> None:
    assert code(claims) == expected


@pytest.mark.parametrize("value", [None, True, 1.8e9, float("nan"), float("inf"), "1800000900", [1_800_000_900], {}])
@pytest.mark.parametrize("name", ["exp", "iat", "nbf", "auth_time"])
def test_a_time_that_is_not_an_integer_is_refused(name: str, value: object) -> None:
    assert code({**person(), name: value}) == "malformed_claims"


@pytest.mark.parametrize("name", ["exp", "iat"])
def test_a_token_without_exp_or_iat_is_refused(name: str) -> None:
    assert code(person(**{name: None})) == "malformed_claims"


def test_the_message_contains_the_seconds_since_expiry_or_until_validity() -> None:
    with pytest.raises(TokenRejected, match="expired 90 s ago"):
        principal_from(person(exp=NOW - 90), EXPECTED, NOW + 0.5)
    with pytest.raises(TokenRejected, match="valid in 30 s"):
        principal_from(person(iat=NOW + 5, nbf=NOW + 30), EXPECTED, NOW + 0.5)
    with pytest.raises(TokenRejected, match="valid in 5 s"):
        principal_from(person(iat=NOW + 65, nbf=NOW + 3), EXPECTED, NOW + 0.5)


def test_no_message_contains_a_claim_of_the_token() -> None:
    marker = "SECRET-MARKER"
    for name in ("iss", "token_use", "client_id", "aud"):
        with pytest.raises(TokenRejected) as rejected:
            principal_from(person(**{name: marker}), EXPECTED, NOW)
        assert marker not in rejected.value.message


def test_the_principal_of_a_user_has_the_values_of_the_token() -> None:
    clerk = principal_from(person(**{"cognito:groups": ["clerks", "auditors"]}), EXPECTED, NOW)
    assert clerk.subject == "c1e7c000-0000-4000-8000-00000000c1e7"
    assert (clerk.client_id, clerk.username, clerk.is_machine) == (WEB_CLIENT, "clerk", False)
    assert clerk.policy_subjects == ("group:clerks", "group:auditors")
    assert clerk.scopes == {"openid", "https://gatehouse.example/file.read"}
    assert clerk.session == "0b1e55ed-0000-4000-8000-000000000001"
    assert (clerk.issued_at, clerk.expires_at) == (NOW - 60, NOW + 840)


def test_a_repeated_group_counts_once() -> None:
    clerk = principal_from(person(**{"cognito:groups": ["clerks", "auditors", "clerks"]}), EXPECTED, NOW)
    assert clerk.policy_subjects == ("group:clerks", "group:auditors")


def test_a_user_without_groups_has_no_policy_subject() -> None:
    assert principal_from(person(**{"cognito:groups": None}), EXPECTED, NOW).policy_subjects == ()


def test_a_machine_has_the_policy_of_its_client_and_no_session() -> None:
    robot = principal_from(machine(), EXPECTED, NOW)
    assert robot.is_machine
    assert robot.policy_subjects == (f"client:{MACHINE_CLIENT}",)
    assert (robot.username, robot.session) == ("", "")


def test_the_groups_in_a_machine_token_are_ignored() -> None:
    robot = principal_from(machine(**{"cognito:groups": ["admins"]}), EXPECTED, NOW)
    assert robot.policy_subjects == (f"client:{MACHINE_CLIENT}",)


def test_scopes_are_separated_by_any_number_of_spaces() -> None:
    assert principal_from(person(scope="  a   b a "), EXPECTED, NOW).scopes == {"a", "b"}
