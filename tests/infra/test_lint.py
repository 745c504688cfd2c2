"""cfn-lint reports nothing about the deployed templates, in any of their three forms."""

from typing import Any

import pytest

from infra.identity_template import identity_template
from tests.infra.linter import complaints, complaints_about_text
from tests.infra.matrix import application_pairs
from tests.infra.packaged import translated
from tests.infra.stages import PROJECT

pytestmark = pytest.mark.slow

# "SnapStart is enabled but AutoPublishAlias is not configured": infra/aliases.py writes the alias instead of SAM.
OWN_ALIASES = "W2530"


def test_the_identity_template_is_clean() -> None:
    assert complaints_about_text(identity_template(PROJECT)) == ()


def test_the_packaged_template_is_clean(application_source: dict[str, Any]) -> None:
    left = [complaint for complaint in complaints(application_source) if not complaint.startswith(OWN_ALIASES)]
    assert left == []


def test_the_transformed_template_is_clean(application: dict[str, Any]) -> None:
    assert complaints(application) == []


@pytest.mark.parametrize("given", application_pairs(), ids=str)
def test_the_template_that_is_transformed_for_a_stage_is_clean(
    given: dict[str, str], application_source: dict[str, Any]
) -> None:
    """CloudFormation passes the parameters to the transform."""
    assert complaints(translated(application_source, given)) == []


def test_a_circular_dependency_of_api_and_authorizer_is_reported(application_source: dict[str, Any]) -> None:
    """The API refers to the authorizer, so the authorizer must not refer to the API."""
    circular = translated(application_source)
    environment = circular["Resources"]["PolicyAuthorizer"]["Properties"]["Environment"]
    environment["Variables"]["REST_API_ID"] = {"Ref": "RestAPI"}
    assert any("E3004" in complaint for complaint in complaints(circular))


def test_a_misspelt_property_is_reported() -> None:
    pool = {"Type": "AWS::Cognito::UserPool", "Properties": {"MfaConfig": "ON"}}
    assert complaints({"Resources": {"UserPool": pool}})
