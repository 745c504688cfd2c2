"""Compares the deployed functions with the last deployment, and that deployment with these sources."""

from collections.abc import Iterator
from platform import python_version_tuple

from infra import discovery, functions
from infra.chalice_config import config_of
from infra.chalice_state import ChaliceState
from infra.checks.check import Check
from infra.checks.live import Live


def _same(live: Live) -> Iterator[str]:
    state = ChaliceState(live.project, live.stage, live.client).read()
    if state is None:
        # CloudFormation writes no state for a packaged stage. Only Chalice tags functions with the stage.
        if live.stack and discovery.functions(live.stage, live.client):
            yield f"The SSM parameter {live.stage.state_parameter} is missing, so the last deployment is unknown."
        return
    if not state.fingerprint:
        yield "The last deployment did not finish."
        return
    config = config_of(live.project, live.stage, live.application)
    if state.fingerprint != functions.fingerprint(
        live.project, live.stage, live.client, state.deployed or {"resources": []}, config
    ):
        python = ".".join(python_version_tuple()[:2])
        yield (
            "The deployed functions differ from the last deployment. Either they were changed on AWS, or your sources "
            f"or your Python version (now {python}) differ from those that packaged them."
        )


CHECKS = (
    Check(
        "deployment",
        "The functions are those that `manage.py deploy` built from these sources. Not checked for a packaged stage.",
        _same,
        "Run `manage.py deploy` with the intended commit and Python version.",
    ),
)
