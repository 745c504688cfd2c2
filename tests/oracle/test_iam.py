"""The oracle itself, held against facts/api-gateway.md ("execute-api ARNs", "Cache") and a second way of matching."""

import ast
import sys
from fnmatch import fnmatchcase
from itertools import product
from pathlib import Path

import pytest

from tests.oracle import iam
from tests.oracle.iam import NotUnderstood, Verdict, evaluate, matches, permits

STAGE = "arn:aws:execute-api:mars-west-1:123456789012:gatehouse1/prod"


def document(*statements: dict) -> dict:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(*resources: str, action: object = "execute-api:Invoke") -> dict:
    return {"Effect": "Allow", "Action": action, "Resource": list(resources)}


def deny(*resources: str) -> dict:
    return {**allow(*resources), "Effect": "Deny"}


@pytest.mark.parametrize(
    ("resource", "request_arn", "permitted"),
    [
        pytest.param(f"{STAGE}/GET/reports", f"{STAGE}/GET/reports", True, id="a literal admits itself"),
        pytest.param(f"{STAGE}/GET/reports", f"{STAGE}/GET/reports/7", False, id="a literal admits nothing below it"),
        pytest.param(f"{STAGE}/GET/reports/7", f"{STAGE}/GET/reports", False, id="a literal admits nothing above it"),
        pytest.param(f"{STAGE}/GET/reports", f"{STAGE}/GET/reports/", False, id="a trailing slash is another path"),
        pytest.param(f"{STAGE}/GET/reports", f"{STAGE}/GET/Reports", False, id="paths know upper and lower case"),
        pytest.param(f"{STAGE}/GET/reports", f"{STAGE}/get/reports", False, id="verbs know upper and lower case"),
        pytest.param(f"{STAGE}/GET/reports", f"{STAGE}/PUT/reports", False, id="another verb is another resource"),
        pytest.param(f"{STAGE}/GET/reports/*", f"{STAGE}/GET/reports/7", True, id="a star admits one segment"),
        pytest.param(f"{STAGE}/GET/user/*", f"{STAGE}/GET/user/1/sensitive", True, id="a star crosses slashes"),
        pytest.param(f"{STAGE}/GET/pets/*", f"{STAGE}/GET/pets/1/owner", True, id="a template's star captures a child"),
        pytest.param(f"{STAGE}/GET/reports/*", f"{STAGE}/GET/reports/", True, id="a star may stand for nothing"),
        pytest.param(f"{STAGE}/GET/reports/*", f"{STAGE}/GET/reports", False, id="the slash before a star is needed"),
        pytest.param(f"{STAGE}/GET/reports*", f"{STAGE}/GET/reports-of-others", True, id="a star needs no slash"),
        pytest.param(f"{STAGE}/GET/*/end", f"{STAGE}/GET/a/end/b/end", True, id="a star takes as much as it must"),
        pytest.param(f"{STAGE}/GET/*/end", f"{STAGE}/GET/a/end/b", False, id="what follows a star still has to come"),
        pytest.param(
            f"{STAGE}/*/dashboard/*",
            f"{STAGE}/GET/admin/dashboard/x",
            True,
            id="a star for the verb reaches into paths",
        ),
        pytest.param(
            "arn:aws:execute-api:*:*:*/prod/GET/x/*",
            "arn:aws:execute-api:mars-west-1:123456789012:another-api/test/POST/prod/GET/x/y",
            True,
            id="a star for the api reaches another api and stage",
        ),
        pytest.param(f"{STAGE}/GET/reports/?", f"{STAGE}/GET/reports/7", True, id="a question mark is one character"),
        pytest.param(f"{STAGE}/GET/reports/?", f"{STAGE}/GET/reports/", False, id="a question mark is not none"),
        pytest.param(f"{STAGE}/GET/reports/?", f"{STAGE}/GET/reports/77", False, id="a question mark is not two"),
        pytest.param(f"{STAGE}/GET/a?b", f"{STAGE}/GET/a/b", True, id="a question mark may be a slash"),
        pytest.param(f"{STAGE}/GET/a?b", f"{STAGE}/GET/a?b", True, id="a question mark is its own character too"),
        pytest.param(f"{STAGE}/GET/a.b", f"{STAGE}/GET/axb", False, id="a dot is a dot"),
        pytest.param(f"{STAGE}/GET/[ab]", f"{STAGE}/GET/a", False, id="brackets are brackets"),
        pytest.param(f"{STAGE}/GET/a:*", f"{STAGE}/GET/a:b:c", True, id="a colon in a path is like any character"),
        pytest.param("*", f"{STAGE}/DELETE/admin/users", True, id="a lone star admits everything"),
        pytest.param("", f"{STAGE}/GET/reports", False, id="an empty resource admits nothing"),
    ],
)
def test_a_resource_reaches_exactly_what_the_facts_page_says(resource, request_arn, permitted):
    assert permits(document(allow(resource)), request_arn) is permitted


REPORT = f"{STAGE}/GET/reports/7"


@pytest.mark.parametrize(
    ("statements", "verdict"),
    [
        pytest.param([], Verdict.SILENT, id="silence denies"),
        pytest.param([allow(f"{STAGE}/GET/files")], Verdict.SILENT, id="an allow elsewhere is silence here"),
        pytest.param([deny(f"{STAGE}/GET/files")], Verdict.SILENT, id="a deny elsewhere is silence here"),
        pytest.param([allow(REPORT)], Verdict.ALLOWED, id="an allow allows"),
        pytest.param([deny(REPORT)], Verdict.DENIED, id="a deny denies"),
        pytest.param([allow(REPORT), deny("*")], Verdict.DENIED, id="a deny beats an allow before it"),
        pytest.param([deny("*"), allow(REPORT)], Verdict.DENIED, id="a deny beats an allow after it"),
        pytest.param([deny(f"{STAGE}/PUT/*"), allow(REPORT)], Verdict.ALLOWED, id="a deny of another verb is no deny"),
        pytest.param([allow(f"{STAGE}/GET/files", REPORT)], Verdict.ALLOWED, id="any resource of a list will do"),
    ],
)
def test_an_explicit_deny_beats_any_allow_and_silence_denies(statements, verdict):
    assert evaluate(document(*statements), REPORT) is verdict
    assert permits(document(*statements), REPORT) is (verdict is Verdict.ALLOWED)


@pytest.mark.parametrize(
    ("action", "permitted"),
    [
        pytest.param("execute-api:Invoke", True, id="the very action"),
        pytest.param("EXECUTE-API:invoke", True, id="in any case"),
        pytest.param("execute-api:*", True, id="with a star"),
        pytest.param("Execute-API:Inv?ke", True, id="with a question mark, in any case"),
        pytest.param("*", True, id="a lone star"),
        pytest.param(["execute-api:InvalidateCache", "execute-api:Invoke"], True, id="one of several"),
        pytest.param("execute-api:InvalidateCache", False, id="another action"),
        pytest.param("execute-api:Invok", False, id="an action cut short"),
    ],
)
def test_an_action_is_matched_whatever_its_case(action, permitted):
    assert permits(document(allow(REPORT, action=action)), REPORT) is permitted


def test_a_single_statement_and_a_single_resource_need_no_list():
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
        pytest.param({**allow("*"), "Resource": [7]}, id="a resource that is no string"),
        pytest.param(allow(f"{STAGE}/GET/${{aws:username}}"), id="a policy variable"),
        pytest.param("Allow", id="a statement that is no object"),
    ],
)
def test_what_has_no_established_meaning_is_refused_even_after_a_statement_that_decides(statement):
    with pytest.raises(NotUnderstood):
        permits(document(deny("*"), statement), REPORT)


@pytest.mark.parametrize(
    "not_a_document",
    [
        pytest.param({"Version": "2012-10-17"}, id="no statements"),
        pytest.param({"policyDocument": document(allow("*"))}, id="the authorizer's whole answer"),
        pytest.param([allow("*")], id="a bare list"),
        pytest.param({**document(allow("*")), "Rules": []}, id="a document that says more"),
    ],
)
def test_what_is_no_document_is_refused(not_a_document):
    with pytest.raises(NotUnderstood):
        permits(not_a_document, REPORT)


def test_the_matcher_agrees_with_fnmatch_on_every_short_pattern_and_text():
    texts = ["".join(letters) for length in range(6) for letters in product("a/", repeat=length)]
    patterns = ["".join(symbols) for length in range(6) for symbols in product("a/*?", repeat=length)]
    disagreements = [(p, t) for p, t in product(patterns, texts) if matches(p, t) is not fnmatchcase(t, p)]
    assert disagreements == []


def test_the_matcher_is_not_slowed_down_by_many_stars():
    assert not matches("*a" * 200 + "b", "a" * 400)


def test_the_oracle_imports_nothing_but_the_standard_library():
    tree = ast.parse(Path(iam.__file__).read_text())
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    imported |= {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    assert {name.split(".")[0] for name in imported if name} <= sys.stdlib_module_names
