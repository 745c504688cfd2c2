"""Setting what Chalice cannot set, and the fingerprint of a deployment."""

from __future__ import annotations

import json
from typing import Any

import pytest

from infra import functions, rest_api
from infra.application import Application, Function, read_application
from infra.chalice_config import write_config
from tests.infra.account import Account, gone
from tests.infra.stages import OUTPUTS, TRIAL, project_in

UNAUTHORIZED = {"statusCode": "401", "responseParameters": {"header": "'Bearer'"}, "responseTemplates": {"json": "{}"}}
DEPLOYED = {
    "resources": [
        {"name": "api_handler", "resource_type": "lambda_function", "lambda_arn": "arn:function:gatehouse-trial"},
        {"name": "rest_api", "resource_type": "rest_api", "rest_api_id": "api1"},
    ]
}


def tuned(response: dict[str, Any], pool_ttl: int = 0, policy_ttl: int = 60) -> tuple[bool, list[str]]:
    authorizers = [
        {"id": "a1", "type": "COGNITO_USER_POOLS", "authorizerResultTtlInSeconds": pool_ttl},
        {"id": "a2", "type": "TOKEN", "authorizerResultTtlInSeconds": policy_ttl},
    ]
    answers = {"get_gateway_response": response, "get_authorizers": {"items": authorizers}}
    account = Account(apigateway=answers)
    application = Application((), "", {}, 60, {"UNAUTHORIZED": UNAUTHORIZED})
    changed = rest_api.reconcile(TRIAL, account("apigateway"), "api1", application)
    return changed, [operation for operation, _ in account.calls]


def test_an_api_with_the_expected_settings_is_not_deployed_again():
    assert tuned({**UNAUTHORIZED, "responseType": "UNAUTHORIZED", "defaultResponse": False}) == (False, [])


@pytest.mark.parametrize(
    ("arguments", "call"),
    [
        pytest.param({"response": {**UNAUTHORIZED, "responseParameters": {}}}, "put_gateway_response", id="a header"),
        pytest.param({"response": {**UNAUTHORIZED, "statusCode": "403"}}, "put_gateway_response", id="a status"),
        pytest.param(
            {"response": UNAUTHORIZED, "pool_ttl": 300}, "update_authorizer", id="the Cognito authorizer's cache"
        ),
        pytest.param(
            {"response": UNAUTHORIZED, "policy_ttl": 300}, "update_authorizer", id="the Lambda authorizer's cache"
        ),
    ],
)
def test_a_missing_setting_is_set_and_deployed(arguments, call):
    assert tuned(**arguments) == (True, [call, "create_deployment"])


def lambda_with(variables: dict[str, str], **more: Any) -> dict[str, Any]:
    configuration = {"Environment": {"Variables": variables}, "CodeSha256": "c", "Timeout": 5, **more}
    return {"get_function_configuration": configuration}


def test_missing_variables_are_added_to_the_existing_ones():
    account = Account(**{"lambda": lambda_with({"TABLE": "t", "ADDED": "by hand"})})
    assert functions.reconcile(TRIAL, account, [Function("policy_changed", "r", {"TABLE": "t", "API": "a"})]) is True
    ((operation, arguments),) = account.calls
    assert (operation, arguments["FunctionName"]) == ("update_function_configuration", "gatehouse-trial-policy_changed")
    assert arguments["Environment"] == {"Variables": {"TABLE": "t", "ADDED": "by hand", "API": "a"}}


def test_complete_variables_are_not_changed():
    account = Account(**{"lambda": lambda_with({"TABLE": "t", "ADDED": "by hand"})})
    assert functions.reconcile(TRIAL, account, [Function("policy_changed", "r", {"TABLE": "t"})]) is False
    assert account.calls == []


@pytest.fixture
def project(tmp_path):
    folder = project_in(tmp_path)
    (folder / "chalicelib").mkdir()
    (folder / "chalicelib/carts.py").write_text("CARTS = 2\n", encoding="utf-8")
    (folder / "authorizers").mkdir()
    (folder / "authorizers/gate.py").write_text("", encoding="utf-8")
    (folder / "vendor").mkdir()
    (folder / "vendor/authorizers").symlink_to("../authorizers")
    write_config(folder, TRIAL, read_application(folder, TRIAL, OUTPUTS, "api1"))
    return folder


def fingerprint(project, **live: Any) -> str:
    answers = {"get_stage": {"deploymentId": "d"}}
    account = Account(apigateway=answers, **{"lambda": lambda_with({"TABLE": "t"}, **live)})
    return functions.fingerprint(project, TRIAL, account, DEPLOYED)


def test_the_same_sources_and_functions_have_the_same_fingerprint(project):
    assert fingerprint(project) == fingerprint(project)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("chalicelib/carts.py", "CARTS = 3\n"),
        ("chalicelib/new.py", ""),
        ("app.py", "# another\n"),
        ("authorizers/gate.py", "OPEN = False\n"),
        ("vendor/wheels.py", ""),
        ("requirements.txt", "carts==1\n"),
    ],
)
def test_a_changed_source_changes_the_fingerprint(project, name, text):
    before = fingerprint(project)
    (project / name).write_text(text, encoding="utf-8")
    assert fingerprint(project) != before


def test_only_a_setting_of_the_same_stage_changes_the_fingerprint(project):
    path, before = project / ".chalice/config.json", fingerprint(project)
    config = json.loads(path.read_text(encoding="utf-8"))
    config["stages"]["other"] = {"xray": True}
    path.write_text(json.dumps(config), encoding="utf-8")
    assert fingerprint(project) == before
    config["stages"]["trial"]["xray"] = True
    path.write_text(json.dumps(config), encoding="utf-8")
    assert fingerprint(project) != before


@pytest.mark.parametrize("live", [{"CodeSha256": "another"}, {"Timeout": 6}, {"Role": "r"}, {"Handler": "h"}])
def test_a_changed_function_changes_the_fingerprint(project, live):
    assert fingerprint(project, **live) != fingerprint(project)


def test_the_time_of_modification_does_not_change_the_fingerprint(project):
    assert fingerprint(project, LastModified="yesterday") == fingerprint(project)


def test_compiled_files_do_not_change_the_fingerprint(project):
    before = fingerprint(project)
    (project / "chalicelib/__pycache__").mkdir()
    (project / "chalicelib/__pycache__/carts.cpython-311.pyc").write_bytes(b"\0")
    assert fingerprint(project) == before


@pytest.mark.parametrize("missing", ["get_stage", "get_function_configuration"])
def test_a_missing_resource_gives_no_fingerprint(project, missing):
    services = {"apigateway": {"get_stage": {}}, "lambda": lambda_with({})}
    for answers in services.values():
        answers.update({missing: gone} if missing in answers else {})
    assert functions.fingerprint(project, TRIAL, Account(**services), DEPLOYED) == ""
