"""Connects the use cases with the implementations of their ports. Builds each once, on first use, not at import."""

import os
import random
from collections.abc import Callable
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from authorizers.policy_document import check_size
from chalicelib.authorize import Authorize, Complete
from chalicelib.aws.connections import Connections, Timeouts, verifying
from chalicelib.aws.credentials import credentials_from
from chalicelib.aws.directory import OnboardingTable, UserPool
from chalicelib.aws.endpoint import ca_bundle_from, endpoint_from
from chalicelib.aws.items import ItemReader
from chalicelib.aws.policy_reads import CheckSize, PolicyReads
from chalicelib.aws.reader import DynamoDBReader
from chalicelib.aws.signature import Credentials
from chalicelib.aws.state_reads import StateReads
from chalicelib.core.claims import Expectation
from chalicelib.core.errors import InternalError
from chalicelib.federate import TokenGroups
from chalicelib.metrics import MeasuredState, Measurements, counted_fetch, write_metric
from chalicelib.onboard import Onboard
from chalicelib.settings import Settings

# The SDK takes most of the time of a cold start. The two functions that a request or a sign-in waits for, authorize and
# token_groups, start without it. Therefore the other functions import the SDK and its adapters themselves. The same
# applies to the cryptography of tokens, which no trigger needs.
if TYPE_CHECKING:
    import boto3
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

# The calls of one request take less time than the timeout of the function, so that a failure is reported by its reason
# code. A decision reads twice, a trigger makes three calls in sequence, and both functions have 5 s. Cognito also fails
# a sign-in after 5 s. A decision that first has to fetch the pool's keys can take longer.
_SHORTEST = Timeouts(connect=0.25, response=1)
_SHORT = Timeouts(connect=1, response=2)
_ATTEMPTS = 2


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
        policies=PolicyReads(_reader(), settings().policy_table, check_size),
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
    return StateReads(_reader(), settings().state_table, settings().state_shards)


@cache
def _reader() -> ItemReader:
    return _small_reader(_ATTEMPTS) or _sdk_reader(_prompt_dynamodb)


@cache
def _trigger_reader() -> ItemReader:
    return _small_reader(1) or _sdk_reader(_prompt_dynamodb)


def _small_reader(attempts: int) -> ItemReader | None:
    """Returns None if the environment needs a feature that only the SDK has."""
    endpoint = endpoint_from(os.environ)
    if endpoint is None:
        return None
    connections = Connections(endpoint, partial(verifying, ca_bundle_from(os.environ)), _SHORTEST)
    # The system's random numbers differ between two copies of one snapshot of a Lambda.
    return DynamoDBReader(connections, endpoint, _credentials, attempts, jitter=random.SystemRandom().random)


def _sdk_reader(client: "Callable[[], DynamoDBClient]") -> ItemReader:
    from chalicelib.aws.sdk_reader import SdkReader

    return SdkReader(client())


def _credentials() -> Credentials:
    return credentials_from(os.environ) or _credentials_of_the_sdk()


def _credentials_of_the_sdk() -> Credentials:
    """Returns credentials of another source, such as the one that Lambda uses after restoring a snapshot."""
    found = _session().get_credentials()
    frozen = found.get_frozen_credentials() if found else None
    if not frozen or not frozen.access_key or not frozen.secret_key:
        raise InternalError("bad_credentials", "there are no AWS credentials")
    return Credentials(frozen.access_key, frozen.secret_key, frozen.token)


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
    _trigger_cognito()
    _prompt_dynamodb()
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
        dynamodb(),
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

    return AuditTable(dynamodb(), settings().audit_table, settings().audit_retention_days)


@cache
def record_edit() -> "RecordEdit":
    from chalicelib.audit import RecordEdit

    return RecordEdit(_audit_log())


@cache
def users() -> "AdministerUsers":
    return users_with(_cognito(), _pool_id(), _policies(), administer(), rules())


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
    refuse_lock_out = RefuseUserLockOut(administrators, accounts.members)
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
    client = _session().client("apigateway", config=_config(_ATTEMPTS, _SHORT)) if cache_on else None
    return Invalidate(
        generation=StateTable(dynamodb(), settings().state_table, shards=settings().state_shards),
        gateway_cache=StageCache(client, settings().rest_api_id, settings().stage) if client else None,
    )


@cache
def onboard() -> Onboard:
    return Onboard(
        directory=UserPool(_trigger_cognito),
        ledger=OnboardingTable(_trigger_reader(), _prompt_dynamodb, settings().onboarding_table),
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

    return PolicyTable(dynamodb(), settings().policy_table, check_size=check_size)


@cache
def _groups() -> "PoolGroups":
    from chalicelib.aws.pool_groups import PoolGroups

    return PoolGroups(_cognito(), _pool_id())


def _pool_id() -> str:
    return settings().issuer.rpartition("/")[2]


@cache
def _cognito() -> "CognitoIdentityProviderClient":
    return _session().client("cognito-idp", config=_config(_ATTEMPTS, _SHORT))


@cache
def dynamodb() -> "DynamoDBClient":
    return _session().client("dynamodb", config=_config(_ATTEMPTS, _SHORT))


@cache
def _prompt_dynamodb() -> "DynamoDBClient":
    return _session().client("dynamodb", config=_config(1, _SHORTEST))


@cache
def _trigger_cognito() -> "CognitoIdentityProviderClient":
    return _session().client("cognito-idp", config=_config(1, _SHORTEST))


def _config(attempts: int, timeouts: Timeouts) -> Any:
    from botocore.config import Config

    return Config(
        connect_timeout=timeouts.connect,
        read_timeout=timeouts.response,
        retries={"mode": "standard", "total_max_attempts": attempts},
    )


@cache
def _session() -> "boto3.Session":
    import boto3

    return boto3.Session()
