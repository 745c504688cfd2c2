"""The application's stack keeps each control, as CloudFormation's SAM transform writes it.

The numbers are those of docs/controls.md. That each rule bites is shown in test_faults.py.
"""

from typing import Any

from tests.infra.controls import application_findings, application_stack
from tests.infra.resolve import Stack, Template
from tests.infra.rules import application as rules

Source = dict[str, Any]


def broken(control: int, application: Source, identity: Template) -> list[str]:
    return list(application_findings(control, application, identity))


def test_the_gateway_remembers_no_decision_by_default(application: Source, identity: Template) -> None:
    """Control 12. API Gateway Developer Guide, "Enable caching for an API" of authorizers."""
    assert broken(12, application, identity) == []


def test_each_function_runs_under_its_own_role_of_the_identity_stack(application: Source, identity: Template) -> None:
    """Control 18. AWS Well-Architected, SEC03."""
    assert broken(18, application, identity) == []


def test_only_this_api_of_this_account_may_ask_the_functions(application: Source, identity: Template) -> None:
    """Control 19. AWS IAM User Guide, "The confused deputy problem"."""
    assert broken(19, application, identity) == []


def test_records_that_fail_are_bisected_tried_a_few_times_and_kept(application: Source, identity: Template) -> None:
    """Control 23. AWS Well-Architected, REL05."""
    assert broken(23, application, identity) == []


def test_every_deployed_route_has_its_guard_but_for_the_public_one(application: Source, identity: Template) -> None:
    """Control 26. OWASP API Security Top 10 (2023), API1, API2 and API5."""
    remedy = "name the authorizer in app.py, or add a route that is for everyone to tests/public_routes.py"
    assert broken(26, application, identity) == [], remedy


def test_no_function_is_given_a_secret_in_its_environment(application: Source, identity: Template) -> None:
    """Control 28. OWASP ASVS 5.0, V13.3."""
    assert broken(28, application, identity) == []


def test_every_refusal_can_be_read_by_a_page_and_says_how_to_authenticate(
    application: Source, identity: Template
) -> None:
    """Control 30. RFC 6750, 3; RFC 9110, 11.6.1 (WWW-Authenticate); OWASP ASVS 5.0, V16.5 (no causes)."""
    assert broken(30, application, identity) == []


def test_no_function_outlasts_whoever_waits_for_it(application: Source, identity: Template) -> None:
    """Control 31. AWS Well-Architected, REL05."""
    assert broken(31, application, identity) == []


def test_every_function_writes_to_a_log_that_the_identity_stack_keeps(
    application: Source, identity: Template, identity_stack: Stack
) -> None:
    """Control 22. Lambda makes a log group that is kept for ever where there is none of that name."""
    assert list(rules.logged(application_stack(application, identity), identity_stack)) == []


def test_a_function_without_such_a_log_is_noticed(
    application: Source, identity: Template, identity_stack: Stack
) -> None:
    renamed = {"Fn::Sub": "${AppName}-${Stage}_pre_token"}
    properties = {**application["Resources"]["PreToken"]["Properties"], "FunctionName": renamed}
    resources = {**application["Resources"], "PreToken": {"Type": "AWS::Lambda::Function", "Properties": properties}}
    stack = application_stack({**application, "Resources": resources}, identity)
    assert list(rules.logged(stack, identity_stack)) != []


def test_the_identity_stack_gives_every_parameter_that_has_to_be_given(
    application: Source, identity_stack: Stack
) -> None:
    assert list(rules.parameters_are_outputs(Template(application), identity_stack)) == []


def test_a_parameter_that_nobody_gives_is_noticed(application: Source, identity_stack: Stack) -> None:
    parameters = {**application["Parameters"], "Wish": {"Type": "String"}}
    template = Template({**application, "Parameters": parameters})
    assert list(rules.parameters_are_outputs(template, identity_stack)) == ["nobody gives the parameter Wish"]
