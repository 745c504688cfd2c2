"""What a stage's file may say, and that everything else is refused by the field's name before anything is called."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.errors import Refused
from infra.stage import read_stage
from tests.configured import APP
from tests.infra.stages import PROJECT, project_in


def refusal(folder: Path, text: str, name: str = "trial") -> str:
    with pytest.raises(Refused) as refused:
        read_stage(project_in(folder, text), name)
    return str(refused.value)


def test_a_stage_contains_only_the_values_of_its_file(tmp_path: Path) -> None:
    stage = read_stage(project_in(tmp_path, "region: eu-central-1"), "trial")
    assert (stage.region, stage.account, stage.identity, stage.application) == ("eu-central-1", None, {}, {})
    assert (stage.stack, stage.application_stack) == (f"{APP}-trial-identity", f"{APP}-trial-application")


@pytest.mark.parametrize("name", ["dev", "prod"])
def test_the_stages_of_the_repository_are_valid(name: str) -> None:
    assert read_stage(PROJECT, name).name == name


@pytest.mark.parametrize(
    ("line", "given"),
    [
        pytest.param("MfaMode: ON", {"MfaMode": "ON"}, id="a word that YAML reads as a boolean"),
        pytest.param("SelfSignUp: false", {"SelfSignUp": "false"}, id="a boolean"),
        pytest.param("AccessTokenMinutes: 30", {"AccessTokenMinutes": "30"}, id="a number"),
        pytest.param(
            "CallbackUrls: [https://a.example/, https://b.example/]",
            {"CallbackUrls": "https://a.example/,https://b.example/"},
            id="a list",
        ),
    ],
)
def test_values_become_the_texts_that_cloudformation_accepts(tmp_path: Path, line: str, given: dict[str, str]) -> None:
    stage = read_stage(project_in(tmp_path, f"region: eu-central-1\nidentity:\n  {line}\n"), "trial")
    assert stage.identity == given


@pytest.mark.parametrize(
    ("section", "line", "said"),
    [
        ("identity", "MfaMod: ON", "identity.MfaMod: the parameter does not exist, or this file cannot set it"),
        ("identity", "Stage: dev", "identity.Stage: the parameter does not exist, or this file cannot set it"),
        (
            "identity",
            "AppName: carts",
            "identity.AppName: the parameter does not exist, or this file cannot set it",
        ),
        ("identity", "MfaMode: MAYBE", "identity.MfaMode: got 'MAYBE', expected one of OFF, OPTIONAL, ON."),
        ("identity", "MfaMode: [ON]", "identity.MfaMode: expected one value of the type String"),
        ("identity", "DomainPrefix: -x", "identity.DomainPrefix: got '-x', expected: "),
        (
            "identity",
            "CallbackUrls: [https://a.example/, http://b.example/]",
            "identity.CallbackUrls: got 'http://b.example/', expected: ",
        ),
        (
            "identity",
            "AccessTokenMinutes: 4",
            "identity.AccessTokenMinutes: got '4', expected a whole number from 5 to 1440",
        ),
        ("identity", "AccessTokenMinutes: 1441", "identity.AccessTokenMinutes: got '1441', expected a whole number"),
        ("identity", "AccessTokenMinutes: ten", "identity.AccessTokenMinutes: got 'ten', expected a whole number"),
        (
            "application",
            "AuthorizerCacheSeconds: 3601",
            "application.AuthorizerCacheSeconds: got '3601', expected a whole number",
        ),
        (
            "identity",
            f"SamlMetadataDocument: {'x' * 4097}",
            "identity.SamlMetadataDocument: got 4097 characters, expected at most 4096",
        ),
        (
            "identity",
            "DomainPrefix: my-cognito-pages",
            "identity.DomainPrefix: got 'my-cognito-pages', expected: 1 to 63 ",
        ),
        ("identity", "DomainPrefix: Olympus", "identity.DomainPrefix: got 'Olympus', expected: 1 to 63 "),
        ("application", 'GroupMap: "{not json"', "application.GroupMap: GROUP_MAP must be a JSON object"),
        ("application", "GroupMap: '[]'", "application.GroupMap: GROUP_MAP must be a JSON object"),
        (
            "application",
            'CustomClaims: \'{"sub": {"value": "x"}}\'',
            "application.CustomClaims: CUSTOM_CLAIMS: sub: the protocol defines this claim",
        ),
        ("application", "ScopeGroups: '[]'", "application.ScopeGroups: SCOPE_GROUPS must be a JSON object"),
        ("application", "PreTokenVersion: V3_0", "application.PreTokenVersion: the parameter does not exist"),
        ("application", "DefaultGroups: admins", "application.DefaultGroups: admins cannot be a default group"),
        ("application", "DefaultGroups: readers, admins", "application.DefaultGroups: admins cannot be"),
        ("application", 'DefaultGroups: ""', "application.DefaultGroups: "),
        (
            "application",
            "JwksUrl: https://a.example",
            "application.JwksUrl: the parameter does not exist, or this file",
        ),
        (
            "application",
            "ApiCertificateArn: arn:aws:acm:us-east-1:123456789012:certificate/a1",
            "application.ApiCertificateArn: the certificate is in us-east-1, expected the region of",
        ),
        ("application", "ApiBasePath: a/b", "application.ApiBasePath: got 'a/b', expected: one path segment"),
        ("identity", "TriggerQualifier: ''", "identity.TriggerQualifier: the parameter does not exist, or this file"),
        ("application", "SsoClientId: abc", "application.SsoClientId: the parameter does not exist, or this file"),
    ],
)
def test_an_invalid_parameter_is_refused_with_its_name(tmp_path: Path, section: str, line: str, said: str) -> None:
    text = f"region: eu-central-1\n{section}:\n  {line}\n"
    assert refusal(tmp_path, text).startswith(f"infra/stages/trial.yaml: {said}")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("identity: {}", "infra/stages/trial.yaml: region: expected the AWS region"),
        ("region: Frankfurt", "infra/stages/trial.yaml: region: expected the AWS region"),
        ("region: eu-central-1\naccount: '1234'", "infra/stages/trial.yaml: account: expected the 12 digits"),
        ("region: eu-central-1\nregoin: eu-west-1", "infra/stages/trial.yaml: regoin: unknown field"),
        ("region: eu-central-1\nidentity: [MfaMode]", "infra/stages/trial.yaml: identity: expected parameters"),
        ("just words", "infra/stages/trial.yaml: expected the fields region, identity"),
        ("region: [", "infra/stages/trial.yaml: not valid YAML, see line"),
        (
            "region: eu-central-1\nidentity: {MfaMode: ON, MfaMode: OFF}",
            "infra/stages/trial.yaml: the key MfaMode is duplicate, see line 2",
        ),
        (
            "region: eu-central-1\nidentity: {CallbackUrls: []}",
            "infra/stages/trial.yaml: identity.CallbackUrls: got ''",
        ),
    ],
)
def test_an_invalid_stage_file_is_refused_with_its_name(tmp_path: Path, text: str, said: str) -> None:
    assert refusal(tmp_path, text).startswith(said)


def test_a_duplicate_key_in_the_template_of_the_application_is_refused(tmp_path: Path) -> None:
    """JSON itself would use the last value, so a condition or a resource would be missing."""
    template = project_in(tmp_path) / ".chalice/package.json"
    text = template.read_text(encoding="utf-8")
    template.write_text(text.replace('"Resources": {', '"Conditions": {}, "Resources": {', 1), encoding="utf-8")
    with pytest.raises(Refused, match=r"^\.chalice/package\.json: the key Conditions is duplicate\.$"):
        read_stage(tmp_path, "trial")


@pytest.mark.parametrize("name", ["Trial", "a", "../../etc", "x" * 11])
def test_an_invalid_stage_name_is_refused(tmp_path: Path, name: str) -> None:
    assert f"--stage: got {name!r}, expected 2 to 10 lowercase" in refusal(tmp_path, "region: eu-central-1", name)


@pytest.mark.parametrize(("name", "instead"), [("local", "`make run`, `make policies`"), ("package", "`make package`")])
def test_a_reserved_name_is_refused_with_what_to_use_instead(tmp_path: Path, name: str, instead: str) -> None:
    said = refusal(tmp_path, "region: eu-central-1", name)
    assert said.startswith(f"--stage: the name {name!r} is reserved for ")
    assert instead in said


@pytest.mark.parametrize("config", ["{}", "[]", '{"app_name": 1}'])
def test_a_configuration_without_an_application_name_is_refused(tmp_path: Path, config: str) -> None:
    project = project_in(tmp_path)
    (project / ".chalice/config.json").write_text(config, encoding="utf-8")
    with pytest.raises(Refused, match=r"^\.chalice/config\.json: app_name: "):
        read_stage(project, "trial")


def test_a_stage_without_a_file_is_refused_with_what_to_do(tmp_path: Path) -> None:
    assert "Copy infra/stages/dev.yaml" in refusal(tmp_path, "region: eu-central-1", "other")
