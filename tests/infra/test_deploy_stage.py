"""What a stage's file may say, and that everything else is refused by the field's name before anything is called."""

from __future__ import annotations

import pytest

from infra.errors import Refused
from infra.stage import read_stage
from tests.infra.stages import PROJECT, project_in


def refusal(folder, text: str, name: str = "trial") -> str:
    with pytest.raises(Refused) as refused:
        read_stage(project_in(folder, text), name)
    return str(refused.value)


def test_a_stage_says_only_what_differs(tmp_path):
    stage = read_stage(project_in(tmp_path, "region: eu-central-1"), "trial")
    assert (stage.region, stage.account, stage.identity, stage.application) == ("eu-central-1", None, {}, {})
    assert (stage.stack, stage.state_parameter) == ("gatehouse-trial-identity", "/gatehouse/trial/chalice-state")


@pytest.mark.parametrize("name", ["dev", "prod"])
def test_the_stages_that_come_with_the_repository_can_be_deployed(name):
    assert read_stage(PROJECT, name).name == name


@pytest.mark.parametrize(
    ("line", "given"),
    [
        pytest.param("MfaMode: ON", {"MfaMode": "ON"}, id="a word that YAML takes for a boolean"),
        pytest.param("SelfSignUp: false", {"SelfSignUp": "false"}, id="a boolean"),
        pytest.param("AccessTokenMinutes: 30", {"AccessTokenMinutes": "30"}, id="a number"),
        pytest.param(
            "CallbackUrls: [https://a.example/, https://b.example/]",
            {"CallbackUrls": "https://a.example/,https://b.example/"},
            id="a list",
        ),
    ],
)
def test_values_are_given_as_cloudformation_takes_them(tmp_path, line, given):
    stage = read_stage(project_in(tmp_path, f"region: eu-central-1\nidentity:\n  {line}\n"), "trial")
    assert stage.identity == given


@pytest.mark.parametrize(
    ("section", "line", "said"),
    [
        ("identity", "MfaMod: ON", "identity.MfaMod: there is no such parameter"),
        ("identity", "Stage: dev", "identity.Stage: there is no such parameter, or it is not for this file"),
        (
            "identity",
            "DeployPhase: complete",
            "identity.DeployPhase: there is no such parameter, or it is not for this",
        ),
        ("identity", "MfaMode: MAYBE", "identity.MfaMode: 'MAYBE' is none of OFF, OPTIONAL, ON"),
        ("identity", "MfaMode: [ON]", "identity.MfaMode: expected one value of the type String"),
        ("identity", "DomainPrefix: -x", "identity.DomainPrefix: '-x' does not match"),
        (
            "identity",
            "CallbackUrls: [https://a.example/, http://b.example/]",
            "identity.CallbackUrls: 'http://b.example/'",
        ),
        ("identity", "AccessTokenMinutes: 4", "identity.AccessTokenMinutes: '4' is no whole number from 5 to 1440"),
        ("identity", "AccessTokenMinutes: 1441", "identity.AccessTokenMinutes: '1441' is no whole number"),
        ("identity", "AccessTokenMinutes: ten", "identity.AccessTokenMinutes: 'ten' is no whole number"),
        (
            "application",
            "AuthorizerCacheSeconds: 3601",
            "application.AuthorizerCacheSeconds: '3601' is no whole number",
        ),
        (
            "identity",
            f"SamlMetadataDocument: {'x' * 4097}",
            "identity.SamlMetadataDocument: 4097 characters, at most 4096",
        ),
        (
            "identity",
            "DomainPrefix: my-cognito-pages",
            "identity.DomainPrefix: 'my-cognito-pages' does not match 1 to 63 small",
        ),
        ("identity", "DomainPrefix: Olympus", "identity.DomainPrefix: 'Olympus' does not match 1 to 63 small letters"),
        ("application", 'GroupMap: "{not json"', "application.GroupMap: GROUP_MAP must be a JSON object"),
        ("application", "GroupMap: '[]'", "application.GroupMap: GROUP_MAP must be a JSON object"),
        ("application", "DefaultGroups: admins", "application.DefaultGroups: admins is never given to people"),
        ("application", "DefaultGroups: readers, admins", "application.DefaultGroups: admins is never given"),
        ("application", 'DefaultGroups: ""', "application.DefaultGroups: "),
        ("application", "JwksUrl: https://a.example", "application.JwksUrl: there is no such parameter, or it is not"),
        ("application", "SsoClientId: abc", "application.SsoClientId: there is no such parameter, or it is not"),
    ],
)
def test_a_parameter_that_cannot_be_is_refused_by_its_name(tmp_path, section, line, said):
    text = f"region: eu-central-1\n{section}:\n  {line}\n"
    assert refusal(tmp_path, text).startswith(f"infra/stages/trial.yaml: {said}")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("identity: {}", "infra/stages/trial.yaml: region: name the AWS region"),
        ("region: Frankfurt", "infra/stages/trial.yaml: region: name the AWS region"),
        ("region: eu-central-1\naccount: '1234'", "infra/stages/trial.yaml: account: expected the twelve digits"),
        ("region: eu-central-1\nregoin: eu-west-1", "infra/stages/trial.yaml: regoin: there is no such field"),
        ("region: eu-central-1\nidentity: [MfaMode]", "infra/stages/trial.yaml: identity: expected parameters"),
        ("just words", "infra/stages/trial.yaml: expected region, identity and application"),
        ("region: [", "infra/stages/trial.yaml: is no YAML, see line"),
        (
            "region: eu-central-1\nidentity: {MfaMode: ON, MfaMode: OFF}",
            "infra/stages/trial.yaml: MfaMode is there twice, see line 2",
        ),
        ("region: eu-central-1\nidentity: {CallbackUrls: []}", "infra/stages/trial.yaml: identity.CallbackUrls: ''"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused_by_its_name(tmp_path, text, said):
    assert refusal(tmp_path, text).startswith(said)


@pytest.mark.parametrize("name", ["Trial", "a", "../../etc", "x" * 11])
def test_a_name_that_is_none_for_a_stage_is_refused(tmp_path, name):
    assert "is no name for a stage" in refusal(tmp_path, "region: eu-central-1", name)


@pytest.mark.parametrize(("name", "instead"), [("local", "`make run`, `make policies`"), ("package", "`make package`")])
def test_a_reserved_name_is_refused_with_what_to_use_instead(tmp_path, name, instead):
    said = refusal(tmp_path, "region: eu-central-1", name)
    assert said.startswith(f"--stage: the name {name!r} is reserved for ")
    assert instead in said


@pytest.mark.parametrize("config", ["{}", "[]", '{"app_name": 1}'])
def test_a_configuration_without_the_name_of_the_application_is_refused(tmp_path, config):
    project = project_in(tmp_path)
    (project / ".chalice/config.json").write_text(config, encoding="utf-8")
    with pytest.raises(Refused, match=r"^\.chalice/config\.json: app_name: "):
        read_stage(project, "trial")


def test_a_stage_that_nobody_described_is_refused_with_what_to_do(tmp_path):
    assert "copy infra/stages/dev.yaml" in refusal(tmp_path, "region: eu-central-1", "other")
