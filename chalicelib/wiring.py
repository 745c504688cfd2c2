"""Connects the use cases with the implementations of their ports. Builds each once, on first use, not at import."""

import os
from collections.abc import Callable
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from authorizers.policy_document import check_size
from chalicelib import aws_clients
from chalicelib.authorize import Authorize, Complete
from chalicelib.aws.directory import OnboardingTable, UserPool
from chalicelib.aws.policy_reads import CheckSize, PolicyReads
from chalicelib.aws.state_reads import StateReads
from chalicelib.core.claims import Expectation
from chalicelib.federate import TokenGroups
from chalicelib.metrics import MeasuredState, Measurements, counted_fetch, write_metric
from chalicelib.onboard import Onboard
from chalicelib.settings import Settings

# The SDK takes most of the time of a cold start. The two functions that a request or a sign-in waits for, authorize and
# token_groups, start without it. Therefore the other functions import the SDK and its adapters themselves. The same
# applies to the cryptography of tokens, which no trigger needs.
if TYPE_CHECKING:
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient
    from mypy_boto3_dynamodb import DynamoDBClient

    from chalicelib.administer import Administer
    from chalicelib.audit import RecordEdit
    from chalicelib.aws.audit import AuditTable
    from chalicelib.aws.jwks import JwksKeySource
    from chalicelib.aws.policies import PolicyTable
    from chalicelib.aws.pool_groups import PoolGroups
    from chalicelib.core.audit import Way
    from chalicelib.customize import CustomizeTokens
    from chalicelib.explain import Explain
    from chalicelib.invalidate import Invalidate
    from chalicelib.list_groups import ListGroups
    from chalicelib.ports import PolicyCatalog
    from chalicelib.preview import Preview
    from chalicelib.stage_rules import StageRules
    from chalicelib.users import AdministerUsers
    from chalicelib.verify import VerifyToken


@cache
def settings() -> Settings:
    return Settings(os.environ)


@cache
def function_name() -> str:
    return settings().function_name


@cache
def measurements() -> Measurements:
    return Measurements()


@cache
def keys() -> "JwksKeySource":
    from chalicelib.aws.jwks import JwksKeySource, fetch_jwks

    fetch = counted_fetch(partial(fetch_jwks, settings().jwks_url), measurements())
    return JwksKeySource(fetch, max_age=settings().jwks_max_age_seconds)


def keys_outage_seconds() -> float:
    """The age of the keys in use while fetching fails; 0 otherwise, and 0 before the first decision."""
    return keys().outage_seconds if keys.cache_info().currsize else 0.0


@cache
def verify() -> "VerifyToken":
    from chalicelib.verify import VerifyToken

    expected = Expectation(settings().issuer, settings().client_ids)
    return VerifyToken(keys(), expected, remember=settings().remembered_tokens)


@cache
def authorize() -> Authorize:
    return Authorize(
        verify=verify(),
        state=MeasuredState(_state(), measurements()),
        policies=PolicyReads(aws_clients.reader(), settings().policy_table, check_size),
        max_staleness=settings().policy_max_staleness_seconds,
        reused_for=settings().authorizer_cache_seconds,
        complete=_complete(settings()),
    )


@cache
def has_upstream() -> bool:
    return settings().upstream_url is not None


def _complete(of: Settings) -> Complete:
    """Returns a function that adds what the authorizer of a stage adds to the statements of policies."""
    if of.upstream_url is None:
        return tuple
    from chalicelib.core.upstream_paths import guarded

    return guarded


@cache
def rules() -> "StageRules":
    return rules_of(settings())


def rules_of(of: Settings) -> "StageRules":
    """Returns the rules of the stage with these settings. Tools outside the application call this."""
    from chalicelib.core.upstream_paths import routes
    from chalicelib.stage_rules import StageRules

    scopes = [scope and f"{of.resource_server}/{scope}" for scope in (of.upstream_read_scope, of.upstream_write_scope)]
    return StageRules(of.authorizer_cache_seconds, _complete(of), routes(*scopes) if of.upstream_url else ())


def check_written(rules: "StageRules") -> CheckSize:
    """Returns the size check of a policy to write. It counts what the authorizer of the stage adds to each policy."""
    return (lambda statements: check_size(rules.complete(statements))) if rules.guards else check_size


@cache
def _state() -> StateReads:
    return StateReads(aws_clients.reader(), settings().state_table, settings().state_shards)


def start_authorizer() -> None:
    """Builds the authorizer, and opens its connection."""
    authorize()
    if _can_connect():
        _state().connect()


def fetch_keys() -> None:
    keys().prefetch()


def start_token_groups() -> None:
    """Builds the use case, and opens its connection. The SDK is imported when a user gets a group."""
    token_groups()
    if _can_connect():
        onboard().ledger.has_entry("-")


def start_onboard() -> None:
    """Builds the use case with the clients of the SDK, and opens the connection of the ledger."""
    onboard()
    aws_clients.trigger_cognito()
    aws_clients.prompt_dynamodb()
    if _can_connect():
        onboard().ledger.has_entry("-")


def _can_connect() -> bool:
    # Copies of one snapshot would send different data with the same keys of one TLS connection.
    return settings().initialization_type != "snap-start"


@cache
def explain() -> "Explain":
    from chalicelib.explain import Explain

    return Explain(
        policies=_policies(),
        groups=_groups(),
        verify=lambda token: verify()(token),  # only a token needs the settings of the authorizer
        authenticate=lambda token: authorize().authenticate(token),
        rules=rules(),
    )


@cache
def preview() -> "Preview":
    from chalicelib.preview import Preview

    return Preview(
        policies=_policies(),
        check_size=check_written(rules()),
        group_exists=lambda group: _groups().group_exists(group),
        clients=lambda: settings().client_ids,
        rules=rules(),
    )


@cache
def administer() -> "Administer":
    from chalicelib.lock_out import Administrators, RefuseLockOut

    return administer_with(
        aws_clients.dynamodb(),
        settings().policy_table,
        settings().state_table,
        _audit_log(),
        shards=settings().state_shards,
        check_written=check_written(rules()),
        clients=lambda: settings().client_ids,
        refuse_lock_out=RefuseLockOut(
            Administrators(_policies(), lambda group: _groups().group_exists(group), rules()),
            members=lambda group: users().accounts.members(group),
        ),
    )


def administer_with(
    dynamodb: "DynamoDBClient",
    policy_table: str,
    state_table: str,
    audit_log: "AuditTable",
    way: "Way" = "api",
    operator: "Callable[[], str] | None" = None,
    shards: int = 1,
    check_written: CheckSize = check_size,
    **more: Any,
) -> "Administer":
    """Returns the use case for the tables named, without any setting. Tools outside the application call this.

    way, operator  of the entries of the audit log, see Audit
    shards         the copies of the state that are maintained at least; the state table can name more
    check_written  raises InvalidInput for statements that are too large to write
    """
    from chalicelib.administer import Administer
    from chalicelib.audit import Audit
    from chalicelib.aws.authorization_state import StateTable
    from chalicelib.aws.policies import PolicyTable
    from chalicelib.aws.policy_writes import AuditedWrites
    from chalicelib.aws.restrictions import RestrictionTable
    from chalicelib.restrict import RefuseFrozen

    state, audit = StateTable(dynamodb, state_table, shards=shards), Audit(audit_log, way, operator)
    audited = AuditedWrites(audit_log, audit.policy_entry)
    policies = PolicyTable(dynamodb, policy_table, check_size=check_size, audited=audited)
    refuse_frozen = RefuseFrozen(RestrictionTable(dynamodb, state_table))
    return Administer(policies, state, state, audit, check_written, refuse_frozen=refuse_frozen, **more)


@cache
def _audit_log() -> "AuditTable":
    from chalicelib.aws.audit import AuditTable

    return AuditTable(aws_clients.dynamodb(), settings().audit_table, settings().audit_retention_days)


@cache
def record_edit() -> "RecordEdit":
    from chalicelib.audit import RecordEdit

    return RecordEdit(_audit_log())


@cache
def users() -> "AdministerUsers":
    return users_with(aws_clients.cognito(), _pool_id(), _policies(), administer(), rules())


def users_with(
    cognito: "CognitoIdentityProviderClient",
    pool_id: str,
    policies: "PolicyCatalog",
    administer: "Administer",
    rules: "StageRules",
) -> "AdministerUsers":
    """Returns the use case for the pool named, without any setting. Tools outside the application call this.

    administer  revokes tokens and records the actions
    """
    from chalicelib.aws.pool_users import PoolUsers
    from chalicelib.lock_out import Administrators, RefuseUserLockOut
    from chalicelib.users import AdministerUsers

    accounts = PoolUsers(cognito, pool_id)
    administrators = Administrators(policies, accounts.group_exists, rules)
    refuse_lock_out = RefuseUserLockOut(administrators, accounts.members, accounts.groups_of)
    return AdministerUsers(accounts, partial(administer.revoke, "sub"), refuse_lock_out, administer.audit)


@cache
def list_groups() -> "ListGroups":
    from chalicelib.list_groups import ListGroups

    return ListGroups(users().accounts, _policies())


@cache
def invalidate() -> "Invalidate":
    from chalicelib.aws.authorization_state import StateTable
    from chalicelib.aws.gateway import StageCache
    from chalicelib.invalidate import Invalidate

    cache_on = settings().authorizer_cache_seconds > 0
    return Invalidate(
        generation=StateTable(aws_clients.dynamodb(), settings().state_table, shards=settings().state_shards),
        gateway_cache=StageCache(aws_clients.api_gateway(), settings().rest_api_id, settings().stage)
        if cache_on
        else None,
    )


@cache
def onboard() -> Onboard:
    return Onboard(
        directory=UserPool(aws_clients.trigger_cognito),
        ledger=OnboardingTable(aws_clients.trigger_reader(), aws_clients.prompt_dynamodb, settings().onboarding_table),
        default_groups=settings().default_groups,
        privileged_groups=settings().privileged_groups,
        report_onboarded=partial(write_metric, function_name(), "Onboarded", 1),
    )


@cache
def token_groups() -> TokenGroups:
    return TokenGroups(
        onboard(),
        providers=settings().sso_providers,
        group_map=settings().group_map,
        report_unmapped=partial(write_metric, function_name(), "UnmappedGroups"),
    )


def report_lag(seconds: float) -> None:
    write_metric(function_name(), "InvalidationLagSeconds", seconds)


@cache
def customize_tokens() -> "CustomizeTokens":
    from chalicelib.customize import CustomizeTokens

    return CustomizeTokens(claims=settings().custom_claims, scope_groups=settings().scope_groups)


@cache
def _policies() -> "PolicyTable":
    from chalicelib.aws.policies import PolicyTable

    return PolicyTable(aws_clients.dynamodb(), settings().policy_table, check_size=check_size)


@cache
def _groups() -> "PoolGroups":
    from chalicelib.aws.pool_groups import PoolGroups

    return PoolGroups(aws_clients.cognito(), _pool_id())


def _pool_id() -> str:
    return settings().issuer.rpartition("/")[2]
