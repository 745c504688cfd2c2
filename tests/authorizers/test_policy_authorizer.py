"""The Lambda authorizer returns a policy document, rejects with "Unauthorized", or fails. It always logs one line."""

import json
from contextlib import suppress
from typing import Any, Never

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authorizers import policy_names
from authorizers.decision_log import DecisionLog
from authorizers.policy import Unauthorized, respond
from chalicelib.authorize import Authorize
from chalicelib.core.decision import decide
from chalicelib.core.errors import CannotDecide, InternalError
from chalicelib.core.permission_codec import decode
from chalicelib.core.statement import Statement
from chalicelib.ports import Revocation
from chalicelib.verify import VerifyToken
from tests import mint
from tests.fakes import Clock, FakeKeys, FakePolicies, FakeState, allow, deny, statements
from tests.oracle import iam
from tests.strategies import repeatable, requests, statement_tuples

STAGE = "arn:aws:execute-api:mars-west-1:123456789012:gatehouse1/v1/"
ASKED = f"{STAGE}GET/reports"
READ = allow("/reports", "/reports/*", sid="read")


class System:
    """The authorizer with fakes. `lines` are the lines of the decision log."""

    def __init__(self, *rules: dict[str, Any], group: str = "clerks", reused_for: float = 0) -> None:
        self.state, self.policies, self.clock = FakeState(), FakePolicies(), Clock()
        if rules:
            self.policies.put(f"group:{group}", statements(*rules), "admin", None)
        verify = VerifyToken(FakeKeys(), mint.EXPECTED, now=self.clock)
        self.authorize = Authorize(verify, self.state, self.policies, reused_for=reused_for, now=self.clock)
        self.lines: list[dict[str, Any]] = []

    def ask(self, header: str, method_arn: str = ASKED) -> dict[str, Any]:
        return respond(header, method_arn, lambda: self.authorize, self.decision_log())

    def decision_log(self) -> DecisionLog:
        return DecisionLog(write_line=lambda line: self.lines.append(json.loads(line)), now=self.clock)


def bearer(**claims: object) -> str:
    return f"Bearer {mint.token(mint.person(**claims))}"


# --- the policy document ---


def test_a_caller_with_a_policy_gets_a_policy_document() -> None:
    answered = System(READ).ask(bearer())
    assert answered["principalId"] == mint.person()["sub"]
    assert iam.permits(answered["policyDocument"], f"{STAGE}GET/reports/7")
    assert not iam.permits(answered["policyDocument"], f"{STAGE}PUT/reports/7")


@pytest.mark.parametrize(
    "claims", [{"cognito:groups": None}, {"cognito:groups": ["visitors"]}], ids=["none", "unknown"]
)
def test_a_caller_without_a_policy_is_denied_everything_explicitly(claims: dict[str, object]) -> None:
    answered = System(READ).ask(bearer(**claims))
    assert iam.evaluate(answered["policyDocument"], ASKED) is iam.Verdict.DENIED
    assert answered["context"]["code"] == "no_policy"


def test_the_context_contains_the_groups_only_for_an_upstream() -> None:
    system = System(READ)
    header = bearer(**{"cognito:groups": ["clerks", "interns"]})
    answers = [
        respond(header, ASKED, lambda: system.authorize, system.decision_log(), with_groups)
        for with_groups in (False, True)
    ]
    assert [answer["context"].get("groups") for answer in answers] == [None, '["clerks","interns"]']


def test_the_context_contains_the_caller_and_the_policies() -> None:
    system = System(READ)
    assert system.ask(bearer())["context"] == {
        "code": "not_permitted",
        "reason": "the policies in force are ",
        "kind": "person",
        "client": mint.WEB_CLIENT,
        "username": "clerk",
        "policies": "group:clerks@1",
        "generation": str(system.state.generation),
        "permissions": "Allow GET /reports Allow GET /reports/*",
        "signed_in_at": str(mint.NOW - 60),
    }


# --- a statement that requires a recent sign-in ---

RECENT = allow("/admin/*", sid="recent", signed_in_within=900)


@pytest.mark.parametrize(
    ("reused_for", "age", "allowed"),
    [
        pytest.param(0, 900, True, id="at the limit"),
        pytest.param(0, 901, False, id="after the limit"),
        pytest.param(300, 600, True, id="API Gateway reuses the result, up to the limit"),
        pytest.param(300, 601, False, id="API Gateway would reuse the result beyond the limit"),
        pytest.param(901, 0, False, id="API Gateway reuses every result for longer than the limit"),
    ],
)
def test_the_document_permits_it_until_the_sign_in_is_too_old(reused_for: float, age: int, allowed: bool) -> None:
    system = System(READ, RECENT, reused_for=reused_for)
    answered = system.ask(bearer(auth_time=mint.NOW - age, iat=mint.NOW), f"{STAGE}GET/admin/users")
    assert iam.permits(answered["policyDocument"], f"{STAGE}GET/admin/users") is allowed
    assert iam.permits(answered["policyDocument"], f"{STAGE}GET/reports"), "other statements count"
    assert answered["context"]["code"] == ("not_permitted" if allowed else "sign_in_too_old")
    assert ("Allow@900" in answered["context"]["permissions"]) is allowed
    line = ("allowed", "allowed_by") if allowed else ("denied", "sign_in_too_old")
    assert (system.lines[-1]["decision"], system.lines[-1]["code"]) == line
    assert system.lines[-1]["because"] == ["recent"]


def test_time_passes_between_two_requests_with_one_token() -> None:
    system, token = System(READ, RECENT), bearer(auth_time=mint.NOW - 899)
    asked = f"{STAGE}GET/admin/users"
    assert iam.permits(system.ask(token, asked)["policyDocument"], asked)
    system.clock.advance(2)
    assert not iam.permits(system.ask(token, asked)["policyDocument"], asked)
    assert iam.permits(system.ask(bearer(), asked)["policyDocument"], asked), "a new sign-in of the same user"


@pytest.mark.parametrize("claims", [{"auth_time": None}, {"auth_time": 0}], ids=["without auth_time", "at 1970"])
def test_a_token_that_does_not_say_when_its_holder_signed_in_is_too_old(claims: dict[str, object]) -> None:
    answered = System(RECENT).ask(bearer(**claims), f"{STAGE}GET/admin/users")
    assert not iam.permits(answered["policyDocument"], f"{STAGE}GET/admin/users")
    assert answered["context"]["code"] == "sign_in_too_old"


def test_an_auth_time_after_the_issue_of_the_token_does_not_extend_the_sign_in() -> None:
    answered = System(RECENT).ask(bearer(auth_time=mint.NOW + 100_000, iat=mint.NOW - 60))
    assert answered["context"]["signed_in_at"] == str(mint.NOW - 60)


def test_a_user_can_have_many_groups_with_long_names() -> None:
    system = System()
    groups = [f"{number:02}-{'g' * 117}" for number in range(35)]
    for number, group in enumerate(groups):
        system.policies.put(f"group:{group}", statements(allow(f"/reports/{number}")), "admin", None)
    answered = system.ask(bearer(**{"cognito:groups": groups}))
    for number in range(35):
        assert iam.permits(answered["policyDocument"], f"{STAGE}GET/reports/{number}")
        assert decide(decode(answered["context"]["permissions"]), "GET", f"/reports/{number}").allowed
    named = policy_names.decode(answered["context"]["policies"])
    assert named[0] == f"group:{groups[0]}@1"
    assert named[-1] == f"and {35 - len(named) + 1} more"
    assert system.lines[-1]["policies"] == [f"group:{group}@1" for group in groups], "the log lists all of them"


def test_a_result_near_the_limit_omits_policy_names_and_keeps_its_document() -> None:
    system = System()
    groups = ["g" * 128, "h" * 128]
    paths = [f"/{'a' * 80}/{number:02}" for number in range(30)]
    for group, some in zip(groups, (paths[:15], paths[15:]), strict=True):
        system.policies.put(f"group:{group}", statements(allow(*some)), "admin", None)
    answered = system.ask(bearer(**{"cognito:groups": groups}))
    assert answered["context"]["policies"] == "2 in number"
    assert all(iam.permits(answered["policyDocument"], f"{STAGE}GET{path}") for path in paths)


def test_a_group_name_with_quotes_does_not_break_the_json_of_an_error_response() -> None:
    system = System()
    system.policies.put('group:a"b\\', statements(READ), "admin", None)
    context = system.ask(bearer(**{"cognito:groups": ['a"b\\']}))["context"]
    said = json.loads(f'{{"message":"not permitted: {context["reason"]}{context["policies"]}"}}')
    assert said == {"message": "not permitted: the policies in force are group:a%22b%5C@1"}


@pytest.mark.parametrize("group", ["team:eng", "équipe", "R&D"])
def test_a_group_with_unusual_characters_in_its_name_has_its_policy(group: str) -> None:
    system = System()
    system.policies.put(f"group:{group}", statements(READ), "admin", None)
    answered = system.ask(bearer(**{"cognito:groups": [group]}))
    assert iam.permits(answered["policyDocument"], ASKED)
    assert answered["context"]["policies"] == f"group:{group}@1"


def test_the_context_of_a_machine_has_the_kind_machine() -> None:
    system = System()
    system.policies.put(f"client:{mint.MACHINE_CLIENT}", statements(READ), "admin", None)
    context = system.ask(mint.token(mint.machine()))["context"]
    assert (context["kind"], context["username"], context["client"]) == ("machine", "", mint.MACHINE_CLIENT)


@repeatable
@given(statement_tuples, st.lists(requests, max_size=4))
def test_the_permissions_in_the_context_decide_like_the_policy_document(
    original: tuple[Statement, ...], requested: list[tuple[str, str]]
) -> None:
    system = System()
    system.policies.put("group:clerks", original, "admin", None)
    scope = " ".join({scope for statement in original for scope in statement.scopes})
    answered = system.ask(bearer(scope=scope))
    assert {type(value) for value in answered["context"].values()} == {str}
    granted = decode(answered["context"]["permissions"])
    for method, path in [("GET", "/"), ("PUT", "/reports/7"), *requested]:
        permitted = iam.permits(answered["policyDocument"], f"{STAGE}{method}{path}")
        assert decide(granted, method, path).allowed is permitted


@repeatable
@given(statement_tuples, requests, requests)
def test_the_result_does_not_depend_on_the_method_or_the_path(
    original: tuple[Statement, ...], one: tuple[str, str], another: tuple[str, str]
) -> None:
    system = System()
    system.policies.put("group:clerks", original, "admin", None)
    first, second = (system.ask(bearer(), f"{STAGE}{method}{path}") for method, path in (one, another))
    assert json.dumps(first) == json.dumps(second)


def test_each_stage_gets_a_document_with_its_own_arns() -> None:
    system = System(READ)
    for stage in (STAGE, STAGE.replace("/v1/", "/v2/"), STAGE):
        assert iam.permits(system.ask(bearer(), f"{stage}GET/reports")["policyDocument"], f"{stage}GET/reports")


def test_two_callers_of_one_group_get_their_own_principals() -> None:
    system = System(READ)
    clerk, other = system.ask(bearer()), system.ask(bearer(sub="another-sub", username="other"))
    assert (clerk["principalId"], clerk["context"]["username"]) == (mint.person()["sub"], "clerk")
    assert (other["principalId"], other["context"]["username"]) == ("another-sub", "other")
    assert clerk["policyDocument"] == other["policyDocument"]


# --- the Authorization header ---


@pytest.mark.parametrize(
    "before",
    ["Bearer ", "bearer ", "BEARER ", "bEARER   ", "Bearer" + " " * 50, ""],
    ids=["Bearer", "bearer", "BEARER", "three spaces", "fifty spaces", "no scheme"],
)
def test_a_token_is_accepted_with_the_scheme_in_any_case_or_without(before: str) -> None:
    assert System(READ).ask(before + mint.token(mint.person()))["principalId"]


@pytest.mark.parametrize(
    ("header", "code"),
    [
        pytest.param("", "malformed_token", id="nothing"),
        pytest.param("Bearer", "malformed_token", id="a scheme alone"),
        pytest.param("Bearer ", "missing_token", id="a scheme and a space"),
        pytest.param("Basic {token}", "missing_token", id="another scheme"),
        pytest.param("Bearer   ", "missing_token", id="a scheme and three spaces"),
        pytest.param("Bearer \t{token}", "malformed_token", id="a space and a tab"),
        pytest.param("Bearer\u00a0{token}", "malformed_token", id="a no-break space"),
        pytest.param("Bearers {token}", "missing_token", id="a longer scheme"),
        pytest.param("Bearer {token} ", "malformed_token", id="a trailing space"),
        pytest.param(" {token}", "missing_token", id="a leading space"),
        pytest.param("Bearer Bearer {token}", "malformed_token", id="the scheme twice"),
        pytest.param("Bearer\t{token}", "malformed_token", id="a tab"),
        pytest.param("Bearer {token},{token}", "bad_signature", id="two tokens"),
    ],
)
def test_a_header_in_any_other_form_is_refused(header: str, code: str) -> None:
    system = System(READ)
    with pytest.raises(Unauthorized):
        system.ask(header.replace("{token}", mint.token(mint.person())))
    assert [(line["decision"], line["code"]) for line in system.lines] == [("rejected", code)]


# --- a rejection ---


def test_a_rejection_raises_exactly_the_message_unauthorized() -> None:
    with pytest.raises(Unauthorized) as refused:
        System(READ).ask(bearer(exp=mint.NOW))
    assert str(refused.value) == "Unauthorized"
    assert refused.value.args == ("Unauthorized",)


def test_the_traceback_of_a_rejection_does_not_contain_its_cause() -> None:
    with pytest.raises(Unauthorized) as refused:
        System(READ).ask(bearer(exp=mint.NOW))
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__


# --- a failure ---


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        pytest.param(
            CannotDecide("state_unreachable", "DynamoDB: timeout"), "state_unreachable", id="a failure with a code"
        ),
        pytest.param(KeyError("surprise"), "unexpected_failure", id="an unexpected error"),
        pytest.param(RecursionError(), "unexpected_failure", id="a recursion error"),
    ],
)
def test_a_failure_is_raised_unchanged_and_is_never_a_document_or_a_401(failure: Exception, code: str) -> None:
    def authorize(*_: str) -> Never:
        raise failure

    system = System(READ)
    with pytest.raises(type(failure)) as failed:
        respond(bearer(), ASKED, lambda: authorize, system.decision_log())
    assert failed.value is failure
    assert [(line["decision"], line["code"]) for line in system.lines] == [("failed", code)]


def test_a_failure_to_build_the_use_case_is_logged() -> None:
    def cannot_be_built() -> Never:
        raise InternalError("missing_setting", "the environment variable ISSUER is not set")

    system = System(READ)
    with pytest.raises(InternalError):
        respond(bearer(), ASKED, cannot_be_built, system.decision_log())
    assert [(line["decision"], line["code"]) for line in system.lines] == [("failed", "missing_setting")]


def test_a_document_that_is_too_large_is_a_failure_and_not_a_partial_document() -> None:
    system = System()
    groups = ["clerks", "auditors", "bosses"]
    for group in groups:
        paths = [f"/{group}/{'a' * 80}/{number}" for number in range(18)]
        system.policies.put(f"group:{group}", statements(allow(*paths)), "admin", None)
        assert system.ask(bearer(**{"cognito:groups": [group]})), "each policy alone is small enough"
    system.lines.clear()
    with pytest.raises(CannotDecide):
        system.ask(bearer(**{"cognito:groups": groups}))
    assert [(line["decision"], line["code"]) for line in system.lines] == [("failed", "document_too_large")]


def test_an_event_without_a_method_arn_is_a_failure() -> None:
    system = System(READ)
    with pytest.raises(CannotDecide):
        system.ask(bearer(), "arn:aws:s3:::bucket/key")
    assert [(line["decision"], line["code"]) for line in system.lines] == [("failed", "not_a_method_arn")]


# --- the log line ---


@pytest.mark.parametrize(
    ("rules", "requested", "decision", "code", "because"),
    [
        pytest.param([READ], "GET/reports", "allowed", "allowed_by", ["read"], id="allowed"),
        pytest.param([READ], "PUT/reports", "denied", "not_permitted", [], id="not permitted"),
        pytest.param(
            [READ, deny("/reports/7", sid="no7")], "GET/reports/7", "denied", "denied_by", ["no7"], id="denied"
        ),
        pytest.param([], "GET/reports", "denied", "no_policy", [], id="no policy"),
    ],
)
def test_a_decision_writes_one_line_with_its_reason(
    rules: list[dict[str, Any]], requested: str, decision: str, code: str, because: list[str]
) -> None:
    system = System(*rules)
    system.ask(bearer(), STAGE + requested)
    (line,) = system.lines
    assert (line["decision"], line["code"], line["because"]) == (decision, code, because)
    assert f"{line['method']}{line['path']}" == requested
    assert (line["sub"], line["client"]) == (mint.person()["sub"], mint.WEB_CLIENT)
    assert line["policies"] == (["group:clerks@1"] if rules else [])
    assert line["generation"] == system.state.generation


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        pytest.param({"exp": mint.NOW}, "token_expired", id="expired"),
        pytest.param({"client_id": "another"}, "wrong_client", id="another client"),
        pytest.param({"token_use": "id"}, "wrong_token_use", id="an ID token"),
        pytest.param({"sub": "mallory"}, "revoked", id="revoked"),
    ],
)
def test_a_rejection_writes_one_line_with_its_code_and_without_claims(claims: dict[str, object], code: str) -> None:
    system = System(READ)
    system.state.put(Revocation("sub", "mallory", mint.NOW, "admin"))
    with pytest.raises(Unauthorized):
        system.ask(bearer(**claims))
    (line,) = system.lines
    assert (line["decision"], line["code"]) == ("rejected", code)
    assert set(line) == {"function", "decision", "code", "method", "path", "Decisions", "TookMilliseconds", "_aws"}


TELLTALES = {
    "username": "TELLTALE-username@example.com",
    "email": "TELLTALE-email@example.com",
    "jti": "TELLTALE-jti",
    "origin_jti": "TELLTALE-session",
    "scope": "TELLTALE-scope",
    "custom:salary": "TELLTALE-custom",
}


@pytest.mark.parametrize(
    "claims",
    [
        pytest.param({}, id="allowed"),
        pytest.param({"cognito:groups": None}, id="denied"),
        pytest.param({"exp": mint.NOW}, id="rejected"),
        pytest.param({"iss": "TELLTALE-issuer"}, id="rejected because of the issuer"),
        pytest.param({"client_id": "TELLTALE-client"}, id="rejected because of the client"),
        pytest.param({"sub": ["TELLTALE-sub"]}, id="rejected because of the form"),
        pytest.param({"cognito:groups": ["TELLTALE-group", 7]}, id="rejected because of the groups"),
    ],
)
def test_no_line_contains_a_token_or_an_unneeded_claim(claims: dict[str, object]) -> None:
    system = System(READ)
    lines: list[str] = []
    header = bearer(**TELLTALES, **claims)
    with suppress(Unauthorized):
        respond(header, ASKED, lambda: system.authorize, DecisionLog(write_line=lines.append, now=system.clock))
    (line,) = lines
    assert "TELLTALE" not in line
    assert "Bearer" not in line
    assert [part for part in header.removeprefix("Bearer ").split(".") if part in line] == []


def test_no_line_of_a_failure_contains_the_token_or_the_message() -> None:
    lines: list[str] = []
    header = bearer(**TELLTALES)

    def fails(token: str, *_: str) -> Never:
        raise ValueError(f"TELLTALE: {token}")

    with pytest.raises(ValueError, match="TELLTALE"):
        respond(header, ASKED, lambda: fails, DecisionLog(write_line=lines.append))
    (line,) = lines
    assert "TELLTALE" not in line
    assert header.split(".")[1] not in line


@given(st.text())
@repeatable
def test_any_text_as_a_header_is_rejected_and_is_not_in_the_log_line(header: str) -> None:
    system = System(READ)
    with pytest.raises(Unauthorized):
        system.ask(header)
    (line,) = system.lines
    assert line["decision"] == "rejected"
    assert set(line) == {"function", "decision", "code", "method", "path", "Decisions", "TookMilliseconds", "_aws"}
