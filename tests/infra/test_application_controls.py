"""The application's stack, as the SAM transform writes it, fulfils each control.

The numbers of the controls are those of docs/controls.md. test_faults.py shows that each rule reports a fault.
"""

from typing import Any

from tests.infra.controls import application_findings, application_stack
from tests.infra.matrix import application_pairs
from tests.infra.resolve import Stack, Template
from tests.infra.rules import application as rules
from tests.infra.rules.access import statements

Source = dict[str, Any]


def broken(control: int, application: Source, identity: Template) -> list[str]:
    return list(application_findings(control, application, identity, application_pairs()))


def test_the_gateway_caches_no_authorizer_result_by_default(application: Source, identity: Template) -> None:
    """Control 12. API Gateway Developer Guide, "Enable caching for an API" of authorizers."""
    assert broken(12, application, identity) == []


def test_each_function_uses_its_own_role_of_the_identity_stack(application: Source, identity: Template) -> None:
    """Control 18. AWS Well-Architected, SEC03."""
    assert broken(18, application, identity) == []


def test_only_this_api_and_this_user_pool_can_invoke_the_functions(application: Source, identity: Template) -> None:
    """Control 19. AWS IAM User Guide, "The confused deputy problem"."""
    assert broken(19, application, identity) == []


def test_the_role_that_flushes_the_cache_can_flush_only_this_api(application: Source, identity: Template) -> None:
    """Control 18. AWS Well-Architected, SEC03."""
    stack = application_stack(application, identity)
    (policy,) = stack.of("AWS::IAM::Policy")
    assert policy.properties["Roles"] == ["<PolicyChangedRole>"]
    assert [statement["Resource"] for _, statement in statements(stack)] == [
        "arn:aws:apigateway:mars-west-1::/restapis/<RestAPI>/stages/dev/cache/authorizers"
    ]


def test_a_web_acl_protects_the_api_if_selected(application: Source, identity: Template) -> None:
    """Control 24. AWS Well-Architected, SEC05."""
    assert broken(24, application, identity) == []


def test_failed_stream_records_are_retained_and_a_failing_api_raises_an_alarm(
    application: Source, identity: Template
) -> None:
    """Control 23. AWS Well-Architected, REL05."""
    assert broken(23, application, identity) == []


def test_every_deployed_route_has_an_authorizer_or_is_listed_as_public(application: Source, identity: Template) -> None:
    """Control 26. OWASP API Security Top 10 (2023), API1, API2 and API5."""
    remedy = "Name the authorizer in app.py, or add a public route to tests/public_routes.py."
    assert broken(26, application, identity) == [], remedy


def test_no_function_has_a_secret_in_its_environment(application: Source, identity: Template) -> None:
    """Control 28. OWASP ASVS 5.0, V13.3."""
    assert broken(28, application, identity) == []


def test_no_other_origin_can_read_error_responses_and_401_says_how_to_authenticate(
    application: Source, identity: Template
) -> None:
    """Control 30. RFC 6750, 3; RFC 9110, 11.6.1 (WWW-Authenticate); OWASP ASVS 5.0, V16.5 (no causes)."""
    assert broken(30, application, identity) == []


def test_every_function_has_a_shorter_timeout_than_its_caller(application: Source, identity: Template) -> None:
    """Control 31. AWS Well-Architected, REL05."""
    assert broken(31, application, identity) == []


def test_everything_calls_a_published_version_behind_an_alias(application: Source, identity: Template) -> None:
    """Control 34. AWS Well-Architected, OPS06-BP03 and OPS06-BP04 (deploy safely, go back automatically)."""
    assert broken(34, application, identity) == []


def test_the_own_domain_leads_to_this_stage_with_a_new_tls_version(application: Source, identity: Template) -> None:
    """Control 35. API Gateway Developer Guide, "Choose a security policy for your custom domain"."""
    assert broken(35, application, identity) == []


def test_every_function_writes_to_a_log_group_of_the_identity_stack(
    application: Source, identity: Template, identity_stack: Stack
) -> None:
    """Control 22. If the log group is missing, Lambda creates one whose logs are never deleted."""
    assert list(rules.logged(application_stack(application, identity), identity_stack)) == []


def test_a_function_without_such_a_log_group_is_reported(
    application: Source, identity: Template, identity_stack: Stack
) -> None:
    renamed = {"Fn::Sub": "${AppName}-${Stage}_pre_token"}
    properties = {**application["Resources"]["PreToken"]["Properties"], "FunctionName": renamed}
    resources = {**application["Resources"], "PreToken": {"Type": "AWS::Lambda::Function", "Properties": properties}}
    stack = application_stack({**application, "Resources": resources}, identity)
    assert list(rules.logged(stack, identity_stack)) != []


def test_the_identity_stack_outputs_every_required_parameter(application: Source, identity_stack: Stack) -> None:
    assert list(rules.parameters_are_outputs(Template(application), identity_stack)) == []


def test_a_required_parameter_without_an_output_is_reported(application: Source, identity_stack: Stack) -> None:
    parameters = {**application["Parameters"], "Wish": {"Type": "String"}}
    template = Template({**application, "Parameters": parameters})
    assert list(rules.parameters_are_outputs(template, identity_stack)) == [
        "The identity stack has no output for the parameter Wish."
    ]
