"""Connects the use cases with the implementations of their ports. Builds each once, on first use, not at import."""

import os
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from authorizers.policy_document import check_size
from chalicelib.administer import Administer
from chalicelib.authorize import Authorize
from chalicelib.aws.authorization_state import StateTable
from chalicelib.aws.directory import OnboardingTable, PoolGroups, UserPool
from chalicelib.aws.gateway import StageCache
from chalicelib.aws.jwks import JwksKeySource, fetch_jwks
from chalicelib.aws.policies import PolicyTable
from chalicelib.core.claims import Expectation
from chalicelib.explain import Explain
from chalicelib.federate import TokenGroups
from chalicelib.invalidate import Invalidate
from chalicelib.lock_out import RefuseLockOut
from chalicelib.onboard import Onboard
from chalicelib.settings import Settings
from chalicelib.verify import VerifyToken

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# Shorter than the Lambdas' timeout of 5 s, so that a failure is reported by its reason code.
_SHORT_TIMEOUTS = Config(connect_timeout=1, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 2})
# A trigger makes three calls in sequence. Cognito fails the sign-in after 5 s.
_TRIGGER_TIMEOUTS = Config(connect_timeout=0.5, read_timeout=1, retries={"mode": "standard", "total_max_attempts": 1})


@cache
def settings() -> Settings:
    return Settings(os.environ)


@cache
def function_name() -> str:
    return settings().function_name


@cache
def keys() -> JwksKeySource:
    return JwksKeySource(partial(fetch_jwks, settings().jwks_url), max_age=settings().jwks_max_age_seconds)


def keys_outage_seconds() -> float:
    """The age of the keys in use while fetching fails; 0 otherwise, and 0 before the first decision."""
    return keys().outage_seconds if keys.cache_info().currsize else 0.0


@cache
def verify() -> VerifyToken:
    expected = Expectation(settings().issuer, settings().client_ids)
    return VerifyToken(keys(), expected, remember=settings().remembered_tokens)


@cache
def authorize() -> Authorize:
    return Authorize(
        verify=verify(),
        state=StateTable(dynamodb(), settings().state_table),
        policies=_policies(),
        max_staleness=settings().policy_max_staleness_seconds,
    )


@cache
def explain() -> Explain:
    return Explain(
        policies=_policies(),
        groups=_groups(),
        verify=lambda token: verify()(token),  # only a token needs the settings of the authorizer
        authenticate=lambda token: authorize().authenticate(token)[0],
    )


@cache
def administer() -> Administer:
    tables = settings().policy_table, settings().state_table
    return administer_with(
        dynamodb(),
        *tables,
        clients=lambda: settings().client_ids,
        refuse_lock_out=RefuseLockOut(_policies(), lambda group: _groups().group_exists(group)),
    )


def administer_with(
    dynamodb: "DynamoDBClient",
    policy_table: str,
    state_table: str,
    **more: Any,
) -> Administer:
    """Returns the use case for the tables named, without any setting. Tools outside the application call this."""
    state = StateTable(dynamodb, state_table)
    policies = PolicyTable(dynamodb, policy_table, check_size=check_size)
    return Administer(policies, generation=state, revocations=state, check_size=check_size, **more)


@cache
def invalidate() -> Invalidate:
    cache_on = settings().authorizer_cache_seconds > 0
    client = _session().client("apigateway", config=_SHORT_TIMEOUTS) if cache_on else None
    return Invalidate(
        generation=StateTable(dynamodb(), settings().state_table),
        gateway_cache=StageCache(client, settings().rest_api_id, settings().stage) if client else None,
    )


@cache
def onboard() -> Onboard:
    return Onboard(
        directory=UserPool(_session().client("cognito-idp", config=_TRIGGER_TIMEOUTS)),
        ledger=OnboardingTable(_session().client("dynamodb", config=_TRIGGER_TIMEOUTS), settings().onboarding_table),
        default_groups=settings().default_groups,
        privileged_groups=settings().privileged_groups,
    )


@cache
def token_groups() -> TokenGroups:
    return TokenGroups(onboard(), providers=settings().sso_providers, group_map=settings().group_map)


@cache
def _groups() -> PoolGroups:
    pool_id = settings().issuer.rpartition("/")[2]
    return PoolGroups(_session().client("cognito-idp", config=_SHORT_TIMEOUTS), pool_id)


@cache
def _policies() -> PolicyTable:
    return PolicyTable(dynamodb(), settings().policy_table, check_size=check_size)


@cache
def dynamodb() -> "DynamoDBClient":
    return _session().client("dynamodb", config=_SHORT_TIMEOUTS)


@cache
def _session() -> boto3.Session:
    return boto3.Session()
