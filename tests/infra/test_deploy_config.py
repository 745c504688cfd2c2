"""Writing the entry of a stage to `.chalice/config.json`, without changing other entries."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from infra.application import function_names, read_application
from infra.chalice_config import drop_config, write_config
from infra.errors import Refused
from tests.infra.stages import OUTPUTS, TRIAL, project_in


def written(project, api_id: str | None = None, stage=TRIAL) -> tuple[bool, dict[str, Any]]:
    changed = write_config(project, stage, read_application(project, stage, OUTPUTS, api_id))
    return changed, json.loads((project / ".chalice/config.json").read_text(encoding="utf-8"))


def test_each_function_has_its_own_role_and_variables(tmp_path):
    functions = written(project_in(tmp_path))[1]["stages"]["trial"]["lambda_functions"]
    assert functions["pre_token"]["iam_role_arn"] == "the-pre-token-role"
    assert functions["policy_authorizer"]["environment_variables"]["POLICY_TABLE"] == "PolicyTable"
    assert "POLICY_TABLE" not in functions["pre_token"]["environment_variables"]


def test_the_api_has_the_variables_that_its_import_needs(tmp_path):
    variables = written(project_in(tmp_path))[1]["stages"]["trial"]["lambda_functions"]["api_handler"][
        "environment_variables"
    ]
    assert variables["USER_POOL_ARN"] == "an-output"
    assert variables["POLICY_STREAM_ARN"] == "arn:stream"
    assert variables["RESOURCE_SERVER"] == "https://merchants.example"
    assert variables["AUTHORIZER_CACHE_SECONDS"] == "0"


def test_timeouts_are_those_of_the_stage_package(tmp_path):
    functions = written(project_in(tmp_path))[1]["stages"]["trial"]["lambda_functions"]
    assert (functions["policy_authorizer"]["lambda_timeout"], functions["policy_changed"]["lambda_timeout"]) == (5, 30)


def test_the_api_gateway_stage_has_the_name_of_the_stage(tmp_path):
    stage = written(project_in(tmp_path), "api1")[1]["stages"]["trial"]
    assert (stage["api_gateway_stage"], stage["api_gateway_endpoint_type"]) == ("trial", "REGIONAL")
    variables = stage["lambda_functions"]["policy_changed"]["environment_variables"]
    assert (variables["REST_API_ID"], variables["API_STAGE"]) == ("api1", "trial")


def test_variables_with_the_api_id_are_left_out_until_the_api_exists(tmp_path):
    variables = written(project_in(tmp_path))[1]["stages"]["trial"]["lambda_functions"]["policy_changed"]
    assert "REST_API_ID" not in variables["environment_variables"]


def test_other_stages_and_manual_additions_remain(tmp_path):
    project = project_in(tmp_path)
    path = project / ".chalice/config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    config["stages"]["other"] = {"xray": True}
    config["stages"]["trial"] = {
        "tags": {"team": "carts"},
        "lambda_functions": {"pre_token": {"lambda_memory_size": 256}},
    }
    path.write_text(json.dumps(config), encoding="utf-8")
    after = written(project)[1]
    assert {name: stage for name, stage in after["stages"].items() if name != "trial"} == {
        name: stage for name, stage in config["stages"].items() if name != "trial"
    }
    assert after["stages"]["trial"]["tags"] == {"team": "carts"}
    assert after["stages"]["trial"]["lambda_functions"]["pre_token"]["lambda_memory_size"] == 256
    assert {key: value for key, value in after.items() if key != "stages"} == {
        key: value for key, value in config.items() if key != "stages"
    }


def test_a_file_that_needs_no_change_is_not_written(tmp_path):
    project = project_in(tmp_path)
    written(project, "api1")
    path = project / ".chalice/config.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")), indent=7), encoding="utf-8")
    before = path.read_bytes()
    assert written(project, "api1")[0] is False
    assert path.read_bytes() == before


def test_two_checkouts_write_the_same_file_with_and_without_an_earlier_api(tmp_path):
    early, late = project_in(tmp_path / "early"), project_in(tmp_path / "late")
    written(early)
    written(early, "api1")
    written(late, "api1")
    assert (early / ".chalice/config.json").read_bytes() == (late / ".chalice/config.json").read_bytes()


def test_a_value_of_the_stage_overrides_a_default_of_the_template(tmp_path):
    stage = replace(TRIAL, application={"DefaultGroups": "guests", "AuthorizerCacheSeconds": "60"})
    project = project_in(tmp_path)
    functions = written(project, stage=stage)[1]["stages"]["trial"]["lambda_functions"]
    assert functions["post_confirmation"]["environment_variables"]["DEFAULT_GROUPS"] == "guests"
    assert read_application(project, stage, OUTPUTS, None).authorizer_cache_seconds == 60


def test_a_parameter_without_a_value_is_refused(tmp_path):
    project, outputs = project_in(tmp_path), {key: value for key, value in OUTPUTS.items() if key != "StateTableName"}
    with pytest.raises(Refused, match=r"package\.json: StateTableName: this parameter has no value"):
        read_application(project, TRIAL, outputs, None)


def test_the_deployed_names_come_from_the_template(tmp_path):
    names = ["", "-policy_authorizer", "-policy_changed", "-post_confirmation", "-pre_token"]
    assert sorted(function_names(project_in(tmp_path), TRIAL)) == [f"gatehouse-trial{name}" for name in names]


def test_the_stream_settings_are_arguments_of_the_call_that_sets_them(tmp_path):
    settings = read_application(project_in(tmp_path), TRIAL, OUTPUTS, None).stream_settings
    assert settings == {
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "BisectBatchOnFunctionError": True,
        "MaximumRetryAttempts": 10,
        "MaximumRecordAgeInSeconds": 3600,
        "DestinationConfig": {"OnFailure": {"Destination": "arn:dead-letters"}},
    }


def test_removing_a_stage_restores_the_file_from_before_the_stage(tmp_path):
    project = project_in(tmp_path)
    drop_config(project, TRIAL)
    before = json.loads((project / ".chalice/config.json").read_text(encoding="utf-8"))
    written(project)
    assert (drop_config(project, TRIAL), drop_config(project, TRIAL)) == (True, False)
    assert json.loads((project / ".chalice/config.json").read_text(encoding="utf-8")) == before
