"""Flushes API Gateway's cache of authorizer results after an operator's change, and says how long old results can live.

A flush is no guarantee: on AWS it was observed to take most of a minute, and a request in progress can cache its old
result after it. The guarantee is the time after which API Gateway and the authorizers have dropped every old result.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.aws.failure_name import failure_name
from chalicelib.aws.gateway import StageCache
from chalicelib.core.errors import InternalError
from chalicelib.restrict import moment
from infra.clients import Client
from infra.stacks import Stacks
from infra.stage import Stage

AUTHORIZER_TIMEOUT_SECONDS = 5


@dataclass(frozen=True)
class OldResults:
    """What can still be decided as before a change.

    until   the latest time of such a decision, in seconds since 1970; None: unknown
    notes   sentences for the operator: what was flushed, and until when cached results live; empty without a cache
    failed  whether a flush was necessary and did not happen
    """

    until: int | None
    notes: str
    failed: bool = False


def flush_cached_results(stage: Stage, client: Client, now: Callable[[], float] = time.time) -> OldResults:
    """Flushes the cache of a stage that has one. Call it after the last write of the change. Does not raise.

    stage  a deployed stage
    now    returns seconds since 1970
    """
    written = now()
    stacks = Stacks(client("cloudformation"))
    try:
        described = stacks.describe(stage.application_stack)
    except (BotoCoreError, ClientError) as error:
        return _unknown(failure_name(error))
    if described is None:
        return _unknown("CloudFormation has no application stack of this stage")
    parameters = {it["ParameterKey"]: it.get("ParameterValue", "") for it in described.get("Parameters", [])}
    cached, reused = (_seconds(parameters, name) for name in ("AuthorizerCacheSeconds", "PolicyMaxStalenessSeconds"))
    until = ceil(written + AUTHORIZER_TIMEOUT_SECONDS + cached + reused)
    bound = f"Cached results can be used until {moment(until)}."
    if not cached:
        return OldResults(until, bound if reused else "")
    if failure := _flush(stage, client):
        return OldResults(until, f"API Gateway's cache was not flushed: {failure}. {bound}", failed=True)
    return OldResults(until, f"API Gateway's cache was flushed, which can take a minute. {bound}")


def _flush(stage: Stage, client: Client) -> str:
    """Returns why the cache was not flushed. Empty if API Gateway accepted the flush."""
    try:
        found: Any = client("cloudformation").describe_stack_resource(
            StackName=stage.application_stack, LogicalResourceId="RestAPI"
        )
        StageCache(client("apigateway"), found["StackResourceDetail"]["PhysicalResourceId"], stage.name).flush()
    except (BotoCoreError, ClientError) as error:
        return failure_name(error)
    except InternalError as error:
        return error.message
    return ""


def _unknown(reason: str) -> OldResults:
    return OldResults(
        None,
        f"The settings of the caches are unknown ({reason}). Cached results can be used for"
        " AUTHORIZER_CACHE_SECONDS + POLICY_MAX_STALENESS_SECONDS. Both are 0 by default.",
    )


def _seconds(parameters: dict[str, str], name: str) -> int:
    """Returns a number of the last deployment. A release without the parameter had no cache."""
    return int(float(parameters.get(name, "0")))
