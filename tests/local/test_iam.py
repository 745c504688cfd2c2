"""The evaluator of policy documents decides as API Gateway does, and refuses unknown elements."""

from itertools import product
from typing import Any

import pytest

from local.iam import UnsupportedPolicy, Verdict, read_policy

API = "arn:aws:execute-api:mars-west-1:123456789012:ymy8tbxw7b/api"
ORDER = f"{API}/GET/orders/7"


def statement(effect: str = "Allow", **fields: Any) -> dict[str, Any]:
    return {"Effect": effect, "Action": "execute-api:Invoke", "Resource": ORDER, **fields}


def document(*statements: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements), **fields}


@pytest.mark.parametrize(
    ("statements", "verdict"),
    [
        pytest.param([], Verdict.SILENT, id="no statement gives no verdict"),
        pytest.param([statement()], Verdict.ALLOWED, id="an Allow for the request"),
        pytest.param([statement("Deny")], Verdict.DENIED, id="a Deny for the request"),
        pytest.param([statement(), statement("Deny")], Verdict.DENIED, id="a Deny overrides the Allow before it"),
        pytest.param([statement("Deny"), statement()], Verdict.DENIED, id="a Deny overrides the Allow after it"),
        pytest.param(
            [statement(), statement("Deny", Resource=f"{API}/GET/orders/8")],
            Verdict.ALLOWED,
            id="a Deny for another order",
        ),
        pytest.param(
            [statement("Deny", Action="s3:GetObject"), statement()],
            Verdict.ALLOWED,
            id="a Deny for another action",
        ),
    ],
)
def test_a_deny_overrides_any_allow_and_without_a_matching_statement_the_verdict_is_silent(
    statements: list[dict[str, Any]], verdict: Verdict
) -> None:
    assert read_policy(document(*statements)).verdict_on(ORDER) is verdict


@pytest.mark.parametrize(
    ("resource", "covers"),
    [
        pytest.param(ORDER, True, id="a string instead of a list"),
        pytest.param([f"{API}/GET/stock", ORDER], True, id="one of a list"),
        pytest.param([], False, id="an empty list"),
        pytest.param("*", True, id="only a star"),
        pytest.param(f"{API}/GET/orders/*", True, id="a star at the end"),
        pytest.param(f"{API}/GET/orders/7*", True, id="a star for the empty string"),
        pytest.param(f"{API}/*/7", True, id="a star across slashes"),
        pytest.param("arn:aws:execute-api:*", True, id="a star across colons"),
        pytest.param(f"{API}/GET/orders/?", True, id="a question mark for one character"),
        pytest.param(f"{API}/GET/orders?7", True, id="a question mark for a slash"),
        pytest.param(f"{API}/GET/orders/7?", False, id="a question mark for the empty string"),
        pytest.param(f"{API}/GET/orders/??", False, id="question marks for two characters that are one"),
        pytest.param(f"{API}/GET/orders", False, id="a prefix of the path"),
        pytest.param(f"{API}/GET/Orders/7", False, id="a path in another case"),
        pytest.param(f"{API}/get/orders/7", False, id="a method in another case"),
        pytest.param(f"{API}/GET/orders/[0-9]", False, id="brackets with a range"),
        pytest.param(f"{API}/GET/orders/.", False, id="a dot for another character"),
    ],
)
def test_a_resource_covers_an_arn_by_the_rules_of_iam_wildcards(resource: str | list[str], covers: bool) -> None:
    verdict = read_policy(document(statement(Resource=resource))).verdict_on(ORDER)
    assert verdict is (Verdict.ALLOWED if covers else Verdict.SILENT)


def test_brackets_in_a_resource_are_literal() -> None:
    policy = read_policy(document(statement(Resource=f"{API}/GET/orders/[7]*")))
    assert policy.verdict_on(f"{API}/GET/orders/[7]/lines") is Verdict.ALLOWED


@pytest.mark.parametrize(
    ("action", "covers"),
    [
        ("execute-api:Invoke", True),
        ("EXECUTE-API:invoke", True),
        (["s3:GetObject", "execute-api:Invoke"], True),
        ("execute-api:*", True),
        ("execute-api:Invok?", True),
        ("*", True),
        ("execute-api:ManageConnections", False),
        ("execute-api:Invoke2", False),
        ("Invoke", False),
        ([], False),
    ],
)
def test_an_action_can_match_invoke_in_any_case_and_by_a_wildcard(action: str | list[str], covers: bool) -> None:
    verdict = read_policy(document(statement(Action=action))).verdict_on(ORDER)
    assert verdict is (Verdict.ALLOWED if covers else Verdict.SILENT)


@pytest.mark.parametrize(
    ("refused", "because"),
    [
        pytest.param(None, "NoneType", id="no document"),
        pytest.param("{}", "str", id="a document as a string"),
        pytest.param({"Version": "2012-10-17"}, "no Statement", id="no statements"),
        pytest.param(document(Version="2026-01-01"), "Version", id="an unknown version"),
        pytest.param(document(Version=["2012-10-17"]), "Version", id="a version as a list"),
        pytest.param(document(Principal="*"), "Principal", id="an unknown key of the document"),
        pytest.param(document(Statement=["everything"]), "str", id="a statement as a string"),
        pytest.param(document(statement(Condition={})), "Condition", id="a condition, even an empty one"),
        pytest.param(document(statement(NotResource=ORDER)), "NotResource", id="NotResource"),
        pytest.param(document(statement(NotAction="s3:*")), "NotAction", id="NotAction"),
        pytest.param(document(statement(Principal="*")), "Principal", id="a principal"),
        pytest.param(document(statement(resource=ORDER)), "resource", id="a key in another case"),
        pytest.param(document(statement("allow")), "'allow'", id="an effect in another case"),
        pytest.param(document(statement("Audit")), "'Audit'", id="an unknown effect"),
        pytest.param(document({**statement(), "Effect": ["Allow"]}), "Allow", id="an effect as a list"),
        pytest.param(document({"Effect": "Allow", "Resource": ORDER}), "no Action", id="no action"),
        pytest.param(document({"Effect": "Allow", "Action": "*"}), "no Resource", id="no resource"),
        pytest.param(document(statement(Resource=None)), "NoneType", id="a resource that is null"),
        pytest.param(document(statement(Resource=[ORDER, 7])), "int", id="a number among the resources"),
        pytest.param(document(statement(Resource="/orders/7")), "is not an ARN", id="a resource that is a bare path"),
        pytest.param(document(statement(Resource=f"{ORDER}${{x}}")), "policy variable", id="a variable in a resource"),
        pytest.param(document(statement(Action="${x}")), "policy variable", id="a variable in an action"),
        pytest.param(
            document(statement(Resource=ORDER + "x" * 512)), "the limit is 512", id="a resource that is too long"
        ),
    ],
)
def test_an_unsupported_element_is_refused_with_its_name(refused: object, because: str) -> None:
    with pytest.raises(UnsupportedPolicy, match=because):
        read_policy(refused)


def test_a_statement_for_another_path_is_validated() -> None:
    with pytest.raises(UnsupportedPolicy, match="Condition"):
        read_policy(document(statement(), statement(Resource=f"{API}/GET/stock", Condition={"Bool": {}})))


def test_a_single_statement_needs_no_list() -> None:
    assert read_policy({"Statement": statement()}).verdict_on(ORDER) is Verdict.ALLOWED


def fits(pattern: str, text: str) -> bool:
    """The recursive definition of the wildcards."""
    if not pattern:
        return not text
    if pattern[0] == "*":
        return fits(pattern[1:], text) or (bool(text) and fits(pattern, text[1:]))
    return bool(text) and pattern[0] in ("?", text[0]) and fits(pattern[1:], text[1:])


def test_wildcards_match_their_definition_for_every_short_pattern_and_path() -> None:
    paths = ["".join(letters) for size in range(4) for letters in product("a/b", repeat=size)]
    patterns = ["".join(letters) for size in range(5) for letters in product("a/*?", repeat=size)]
    for pattern in patterns:
        policy = read_policy(document(statement(Resource=f"arn:{pattern}")))
        covered = {path for path in paths if policy.verdict_on(f"arn:{path}") is Verdict.ALLOWED}
        assert covered == {path for path in paths if fits(pattern, path)}, pattern
