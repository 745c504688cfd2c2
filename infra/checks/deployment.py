"""The last deployment: does that run which it left, and is it made of these sources?"""

from collections.abc import Iterator
from platform import python_version_tuple

from infra import discovery, functions
from infra.chalice_config import config_of
from infra.chalice_state import ChaliceState
from infra.checks.check import Check
from infra.checks.live import Live


def _same(live: Live) -> Iterator[str]:
    memory = ChaliceState(live.project, live.stage, live.client).recall()
    if memory is None:
        # CloudFormation deploys a packaged stage, and leaves no state. Only Chalice tags functions with the stage.
        if live.stack and discovery.functions(live.stage, live.client):
            yield f"what was deployed is not known: there is no parameter {live.stage.state_parameter}"
        return
    if not memory.fingerprint:
        yield "the last deployment did not come to its end"
        return
    config = config_of(live.project, live.stage, live.application)
    if memory.fingerprint != functions.fingerprint(
        live.project, live.stage, live.client, memory.deployed or {"resources": []}, config
    ):
        python = ".".join(python_version_tuple()[:2])
        yield f"the functions were changed since, or these are other sources, or another Python than {python} packaged"


CHECKS = (
    Check(
        "deployment",
        "The functions are what `manage.py deploy` has made of these sources (of a packaged stage that is not known)",
        _same,
    ),
)
