"""Each fault, planted into a template, is reported by the control that it breaks."""

from functools import cache
from typing import Any

import pytest

from tests.infra.application_faults import APPLICATION_FAULTS
from tests.infra.controls import APPLICATION, IDENTITY, application_findings, identity_findings
from tests.infra.faults import Fault
from tests.infra.identity_faults import IDENTITY_FAULTS
from tests.infra.matrix import application_pairs, pairs
from tests.infra.packaged import translated
from tests.infra.resolve import Template

few = cache(pairs)
few_of_application = cache(application_pairs)


@pytest.mark.parametrize("fault", IDENTITY_FAULTS, ids=lambda fault: fault.name)
def test_the_control_reports_a_fault_of_the_identity_template(fault: Fault, identity_source: dict[str, Any]) -> None:
    assert next(identity_findings(fault.control, Template(fault.planted(identity_source)), few()), None)


@pytest.mark.parametrize("fault", APPLICATION_FAULTS, ids=lambda fault: fault.name)
def test_the_control_reports_a_fault_of_the_packaged_template(
    fault: Fault, application_source: dict[str, Any], identity: Template
) -> None:
    written = translated(fault.planted(application_source))
    assert next(application_findings(fault.control, written, identity, few_of_application()), None)


def test_every_control_has_a_fault() -> None:
    assert {fault.control for fault in IDENTITY_FAULTS} == set(IDENTITY)
    assert {fault.control for fault in APPLICATION_FAULTS} == set(APPLICATION)


def test_every_fault_has_its_own_name() -> None:
    for faults in (IDENTITY_FAULTS, APPLICATION_FAULTS):
        assert len({fault.name for fault in faults}) == len(faults)


def test_the_few_sets_of_parameters_cover_every_valid_pair_of_choices() -> None:
    assert len(few()) < 20
    assert {given["UserPoolTier"] + given["MfaMode"] for given in few()} == {
        f"{tier}{mode}" for tier in ("LITE", "ESSENTIALS", "PLUS") for mode in ("OFF", "OPTIONAL", "ON")
    }
