"""A trial stage is recognized by its deployed stack and functions, also from a checkout that did not deploy it.

tests/rehearsal/test_trial_stage.py runs the commands in a simulated account.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.errors import Refused
from infra.trial_stage import refuse_deployment, refuse_destruction
from tests.infra.account import Account
from tests.infra.stages import TRIAL, project_in


def account(functions: tuple[str, ...] = (), application: bool = False, qualifier: str | None = None) -> Account:
    """Returns an account with these functions, and with an identity stack that has this TriggerQualifier, if any."""

    def describe_stacks(StackName: str) -> dict[str, Any]:
        if StackName == TRIAL.application_stack and not application:
            message = f"Stack with id {StackName} does not exist"
            raise ClientError({"Error": {"Code": "ValidationError", "Message": message}}, "DescribeStacks")
        given = [] if qualifier is None else [{"ParameterKey": "TriggerQualifier", "ParameterValue": qualifier}]
        return {"Stacks": [{"StackStatus": "CREATE_COMPLETE", "Parameters": given}]}

    def configuration(FunctionName: str) -> dict[str, str]:
        if FunctionName in functions:
            return {"FunctionName": FunctionName}
        code = "AccessDeniedException" if "denied" in functions else "ResourceNotFoundException"
        raise ClientError({"Error": {"Code": code, "Message": "not there"}}, "GetFunctionConfiguration")

    return Account(
        cloudformation={"describe_stacks": describe_stacks},
        **{"lambda": {"get_function_configuration": configuration}},
    )


Refuse = Callable[..., None]


@pytest.mark.parametrize("refuse", [refuse_deployment, refuse_destruction])
@pytest.mark.parametrize("function", ["gatehouse-trial", "gatehouse-trial-pre_token"])
def test_a_function_without_a_stack_belongs_to_chalice(tmp_path: Path, refuse: Refuse, function: str) -> None:
    with pytest.raises(Refused, match=f"its functions {function}. .* first run `chalice delete --stage trial` in the"):
        refuse(project_in(tmp_path), TRIAL, account((function,)))


@pytest.mark.parametrize("refuse", [refuse_deployment, refuse_destruction])
def test_functions_of_the_application_stack_do_not_belong_to_chalice(tmp_path: Path, refuse: Refuse) -> None:
    refuse(project_in(tmp_path), TRIAL, account(("gatehouse-trial",), application=True, qualifier=":live"))


def test_a_configured_stage_without_functions_can_be_destroyed_and_not_deployed(tmp_path: Path) -> None:
    """`manage.py configure` has run, and `chalice deploy` has not, or `chalice delete` has."""
    project, configured = project_in(tmp_path), account(qualifier="")
    with pytest.raises(Refused, match=r"TriggerQualifier is empty\. .* `python manage\.py destroy --stage trial`\.$"):
        refuse_deployment(project, TRIAL, configured)
    refuse_destruction(project, TRIAL, configured)


@pytest.mark.parametrize("qualifier", [":live", None])
def test_other_identity_stacks_are_deployed(tmp_path: Path, qualifier: str | None) -> None:
    """The template of an early release has no such parameter."""
    refuse_deployment(project_in(tmp_path), TRIAL, account(qualifier=qualifier))


@pytest.mark.parametrize("refuse", [refuse_deployment, refuse_destruction])
def test_the_checkout_of_a_trial_stage_refuses_without_aws(tmp_path: Path, refuse: Refuse) -> None:
    project = project_in(tmp_path)
    config = project / ".chalice/config.json"
    described = json.loads(config.read_text(encoding="utf-8"))
    described["stages"]["trial"] = {}
    config.write_text(json.dumps(described), encoding="utf-8")
    with pytest.raises(Refused, match=r"remove its entry from \.chalice/config\.json"):
        refuse(project, TRIAL, Account())


def test_a_denied_read_is_not_treated_as_a_missing_function(tmp_path: Path) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        refuse_destruction(project_in(tmp_path), TRIAL, account(("denied",)))
