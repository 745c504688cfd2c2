"""The application's stack fulfils its controls under every combination of its parameters, and refuses invalid ones."""

from typing import Any

import pytest

from infra.aliases import with_aliases
from tests.infra.controls import APPLICATION, application_findings, application_parameters
from tests.infra.matrix import INVALID_APPLICATION, application_combinations, is_valid_application
from tests.infra.parameters import Refused
from tests.infra.resolve import Template


def test_the_number_of_combinations_is_the_documented_one() -> None:
    everything = list(application_combinations())
    assert len(everything) == 3072
    assert sum(is_valid_application(given, (3, 12)) for given in everything) == 432


@pytest.mark.parametrize("control", APPLICATION)
def test_every_valid_combination_fulfils_the_control(
    control: int, application: dict[str, Any], identity: Template
) -> None:
    valid = filter(is_valid_application, application_combinations())
    assert next(application_findings(control, application, identity, valid), None) is None


def accepts(template: Template, supplied: dict[str, str], given: dict[str, str]) -> bool:
    try:
        template.resolve({**supplied, **given})
    except Refused:
        return False
    return True


def test_exactly_the_valid_combinations_are_accepted(application: dict[str, Any], identity: Template) -> None:
    template, supplied = Template(application), application_parameters(application, identity)
    wrong = [it for it in application_combinations() if accepts(template, supplied, it) is not is_valid_application(it)]
    assert wrong == []


@pytest.mark.parametrize("given", INVALID_APPLICATION, ids=str)
def test_an_invalid_value_is_refused(given: dict[str, str], application: dict[str, Any], identity: Template) -> None:
    assert not accepts(Template(application), application_parameters(application, identity), given)


@pytest.mark.parametrize(("runtime", "accepted"), [("python3.11", False), ("python3.12", True)])
def test_snapstart_is_accepted_from_python_3_12(
    runtime: str, accepted: bool, application_source: dict[str, Any], identity: Template
) -> None:
    """Source: Lambda Developer Guide, "Lambda SnapStart", supported runtimes."""
    parameters = {
        name: {**it, "AllowedValues": ["true", "false"]} if name.endswith("SnapStart") else it
        for name, it in application_source["Parameters"].items()
    }
    carter = {"Type": "AWS::Serverless::Function", "Properties": {"Runtime": runtime}}
    declared = with_aliases({"Parameters": parameters, "Resources": {"Carter": carter}}, "a")["Parameters"]
    template = Template({"Parameters": declared, "Resources": {}})
    supplied = application_parameters({"Parameters": declared}, identity)
    assert accepts(template, supplied, {"AuthorizerSnapStart": "true"}) is accepted
