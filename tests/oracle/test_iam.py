"""Checks the oracle against facts/api-gateway.md ("execute-api ARNs", "Cache") and against a second matcher."""

import ast
import sys
from fnmatch import fnmatchcase
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from tests.oracle import iam
from tests.oracle.iam import NotUnderstood, Verdict, evaluate, matches, permits

STAGE = "arn:aws:execute-api:mars-west-1:123456789012:gatehouse1/prod"


def document(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(*resources: str, action: object = "execute-api:Invoke") -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": list(resources)}


def deny(*resources: str) -> dict[str, Any]:
    return {**allow(*resources), "Effect": "Deny"}


@pytest.mark.parametrize(
    ("resource", "request_arn", "permitted"),
    [
        pytest.param(f"{STAGE}/GET/reports", f"{STAGE}/GET/reports", True, id="a literal matches itself"),
        pytest.param(f"{STAGE}/GET/reports", f"{STAGE}/GET/reports/7", False, id="a literal does not match a child"),
        pytest.param(f"{STAGE}/GET/reports/7", f"{STAGE}/GET/reports", False, id="a literal does not match its parent"),
        pytest.param(f"{STAGE}/GET/reports", f"{STAGE}/GET/reports/", False, id="a trailing slash is another path"),
        pytest.param(f"{STAGE}/GET/reports", f"{STAGE}/GET/Reports", False, id="paths are case-sensitive"),
        pytest.param(f"{STAGE}/GET/reports", f"{STAGE}/get/reports", False, id="verbs are case-sensitive"),
        pytest.param(f"{STAGE}/GET/reports", f"{STAGE}/PUT/reports", False, id="another verb is another resource"),
        pytest.param(f"{STAGE}/GET/reports/*", f"{STAGE}/GET/reports/7", True, id="a star matches one segment"),
        pytest.param(f"{STAGE}/GET/user/*", f"{STAGE}/GET/user/1/sensitive", True, id="a star crosses slashes"),
        pytest.param(f"{STAGE}/GET/pets/*", f"{STAGE}/GET/pets/1/owner", True, id="a template's star matches a child"),
        pytest.param(f"{STAGE}/GET/reports/*", f"{STAGE}/GET/reports/", True, id="a star matches the empty text"),
        pytest.param(f"{STAGE}/GET/reports/*", f"{STAGE}/GET/reports", False, id="the slash before a star is required"),
        pytest.param(f"{STAGE}/GET/reports*", f"{STAGE}/GET/reports-of-others", True, id="a star needs no slash"),
        pytest.param(f"{STAGE}/GET/*/end", f"{STAGE}/GET/a/end/b/end", True, id="a star matches as much as necessary"),
        pytest.param(f"{STAGE}/GET/*/end", f"{STAGE}/GET/a/end/b", False, id="the text after a star is required"),
        pytest.param(
            f"{STAGE}/*/dashboard/*",
            f"{STAGE}/GET/admin/dashboard/x",
            True,
            id="a star for the verb matches path segments",
        ),
        pytest.param(
            "arn:aws:execute-api:*:*:*/prod/GET/x/*",
            "arn:aws:execute-api:mars-west-1:123456789012:another-api/test/POST/prod/GET/x/y",
            True,
            id="a star for the api matches another api and stage",
        ),
        pytest.param(f"{STAGE}/GET/reports/?", f"{STAGE}/GET/reports/7", True, id="a question mark is one character"),
        pytest.param(
            f"{STAGE}/GET/reports/?", f"{STAGE}/GET/reports/", False, id="a question mark does not match the empty text"
        ),
        pytest.param(
            f"{STAGE}/GET/reports/?",
            f"{STAGE}/GET/reports/77",
            False,
            id="a question mark does not match two characters",
        ),
        pytest.param(f"{STAGE}/GET/a?b", f"{STAGE}/GET/a/b", True, id="a question mark matches a slash"),
        pytest.param(f"{STAGE}/GET/a?b", f"{STAGE}/GET/a?b", True, id="a question mark matches itself"),
        pytest.param(f"{STAGE}/GET/a.b", f"{STAGE}/GET/axb", False, id="a dot is a literal"),
        pytest.param(f"{STAGE}/GET/[ab]", f"{STAGE}/GET/a", False, id="brackets are literals"),
        pytest.param(f"{STAGE}/GET/a:*", f"{STAGE}/GET/a:b:c", True, id="a colon in a path is a literal"),
        pytest.param("*", f"{STAGE}/DELETE/admin/users", True, id="a single star matches everything"),
        pytest.param("", f"{STAGE}/GET/reports", False, id="an empty resource matches nothing"),
    ],
)
def test_a_resource_matches_as_documented(resource: str, request_arn: str, permitted: bool) -> None:
    assert permits(document(allow(resource)), request_arn) is permitted


REPORT = f"{STAGE}/GET/reports/7"


@pytest.mark.parametrize(
    ("statements", "verdict"),
    [
        pytest.param([], Verdict.SILENT, id="no statement denies"),
        pytest.param([allow(f"{STAGE}/GET/files")], Verdict.SILENT, id="an allow for another path has no effect"),
        pytest.param([deny(f"{STAGE}/GET/files")], Verdict.SILENT, id="a deny for another path has no effect"),
        pytest.param([allow(REPORT)], Verdict.ALLOWED, id="an allow allows"),
        pytest.param([deny(REPORT)], Verdict.DENIED, id="a deny denies"),
        pytest.param([allow(REPORT), deny("*")], Verdict.DENIED, id="a deny overrides an earlier allow"),
        pytest.param([deny("*"), allow(REPORT)], Verdict.DENIED, id="a deny overrides a later allow"),
        pytest.param(
            [deny(f"{STAGE}/PUT/*"), allow(REPORT)], Verdict.ALLOWED, id="a deny for another verb has no effect"
        ),
        pytest.param(
            [allow(f"{STAGE}/GET/files", REPORT)], Verdict.ALLOWED, id="one matching resource of a list is enough"
        ),
    ],
)
def test_a_deny_overrides_every_allow_and_no_allow_denies(statements: list[dict[str, Any]], verdict: Verdict) -> None:
    assert evaluate(document(*statements), REPORT) is verdict
    assert permits(document(*statements), REPORT) is (verdict is Verdict.ALLOWED)


@pytest.mark.parametrize(
    ("action", "permitted"),
    [
        pytest.param("execute-api:Invoke", True, id="the exact action"),
        pytest.param("EXECUTE-API:invoke", True, id="in any case"),
        pytest.param("execute-api:*", True, id="with a star"),
        pytest.param("Execute-API:Inv?ke", True, id="with a question mark, in any case"),
        pytest.param("*", True, id="a single star"),
        pytest.param(["execute-api:InvalidateCache", "execute-api:Invoke"], True, id="one of several"),
        pytest.param("execute-api:InvalidateCache", False, id="another action"),
        pytest.param("execute-api:Invok", False, id="a shortened action"),
    ],
)
def test_actions_are_case_insensitive(action: object, permitted: bool) -> None:
    assert permits(document(allow(REPORT, action=action)), REPORT) is permitted


def test_a_single_statement_or_resource_needs_no_list() -> None:
    single = {"Statement": {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": REPORT}}
    assert permits(single, REPORT)


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param({**allow("*"), "Condition": {"Bool": {"aws:SecureTransport": "true"}}}, id="a condition"),
        pytest.param({"Effect": "Allow", "Action": "*", "NotResource": REPORT}, id="NotResource"),
        pytest.param({"Effect": "Allow", "NotAction": "*", "Resource": REPORT}, id="NotAction"),
        pytest.param({**allow("*"), "Principal": "*"}, id="a principal"),
        pytest.param({**allow("*"), "Effect": "allow"}, id="an effect in lower case"),
        pytest.param({"Action": "*", "Resource": "*"}, id="no effect"),
        pytest.param({"Effect": "Allow", "Resource": "*"}, id="no action"),
        pytest.param({"Effect": "Allow", "Action": "*"}, id="no resource"),
        pytest.param(allow(), id="an empty list of resources"),
        pytest.param({**allow("*"), "Resource": [7]}, id="a resource that is not a string"),
        pytest.param(allow(f"{STAGE}/GET/${{aws:username}}"), id="a policy variable"),
        pytest.param("Allow", id="a statement that is not an object"),
    ],
)
def test_an_unknown_element_is_refused_even_after_a_matching_deny(statement: Any) -> None:
    with pytest.raises(NotUnderstood):
        permits(document(deny("*"), statement), REPORT)


@pytest.mark.parametrize(
    "not_a_document",
    [
        pytest.param({"Version": "2012-10-17"}, id="no statements"),
        pytest.param({"policyDocument": document(allow("*"))}, id="the authorizer's whole output"),
        pytest.param([allow("*")], id="a list"),
        pytest.param({**document(allow("*")), "Rules": []}, id="a document with an additional field"),
    ],
)
def test_an_invalid_policy_document_is_refused(not_a_document: Any) -> None:
    with pytest.raises(NotUnderstood):
        permits(not_a_document, REPORT)


def test_the_matcher_agrees_with_fnmatch_on_every_short_pattern_and_text() -> None:
    texts = ["".join(letters) for length in range(6) for letters in product("a/", repeat=length)]
    patterns = ["".join(symbols) for length in range(6) for symbols in product("a/*?", repeat=length)]
    disagreements = [(p, t) for p, t in product(patterns, texts) if matches(p, t) is not fnmatchcase(t, p)]
    assert disagreements == []


def test_many_stars_do_not_slow_the_matcher_down() -> None:
    assert not matches("*a" * 200 + "b", "a" * 400)


def test_the_oracle_imports_nothing_but_the_standard_library() -> None:
    tree = ast.parse(Path(iam.__file__).read_text())
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    imported |= {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    assert {name.split(".")[0] for name in imported if name} <= sys.stdlib_module_names
