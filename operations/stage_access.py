"""Opens the use cases of a stage from outside, with the credentials of an operator."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from authorizers.policy_document import check_size
from chalicelib import wiring
from chalicelib.administer import Administer
from chalicelib.audit import Audit
from chalicelib.authorize import Authorize
from chalicelib.aws.authorization_state import StateTable
from chalicelib.aws.jwks import JwksKeySource, fetch_jwks
from chalicelib.aws.policies import PolicyTable
from chalicelib.aws.pool_groups import PoolGroups
from chalicelib.aws.pool_users import PoolUsers
from chalicelib.aws.restrictions import RestrictionTable
from chalicelib.core.claims import Expectation
from chalicelib.explain import Explain
from chalicelib.lock_out import Administrators, RefuseLockOut
from chalicelib.restrict import Restrict
from chalicelib.stage_rules import StageRules
from chalicelib.users import AdministerUsers
from chalicelib.verify import VerifyToken
from infra.audit_log import audit_log, operator_of
from infra.clients import Client


def explain_stage(outputs: Mapping[str, str], client: Client, rules: StageRules) -> Explain:
    """Returns the use case on the tables, the user pool and the keys of a stage.

    outputs  of the identity stack
    client   returns the boto3 client of a service
    rules    of the stage
    """
    policies = _policies(outputs, client)
    keys = JwksKeySource(partial(fetch_jwks, outputs["JwksUrl"]))
    verify = VerifyToken(keys, Expectation(outputs["Issuer"], _clients(outputs)), remember=0)
    authorize = Authorize(verify, StateTable(client("dynamodb"), outputs["StateTableName"]), policies)
    return Explain(
        policies=policies,
        groups=PoolGroups(client("cognito-idp"), outputs["UserPoolId"]),
        verify=verify,
        authenticate=authorize.authenticate,
        rules=rules,
    )


@dataclass(frozen=True)
class UserAccess:
    """The use cases for the users and the revocations of a stage, and the outputs of its identity stack.

    author  returns the ARN of the operator, for the record of a revocation
    """

    users: AdministerUsers
    administer: Administer
    outputs: Mapping[str, str]
    author: Callable[[], str]


def administer_stage(outputs: Mapping[str, str], client: Client, rules: StageRules) -> Administer:
    """Returns the use case on the tables of a stage. The parameters are those of `explain_stage`."""
    dynamodb = client("dynamodb")
    return wiring.administer_with(
        dynamodb,
        outputs["PolicyTableName"],
        outputs["StateTableName"],
        audit_log(outputs, dynamodb),
        "cli",
        operator_of(client),
        check_written=wiring.check_written(rules),
        clients=lambda: _clients(outputs),
        refuse_lock_out=RefuseLockOut(
            _administrators(outputs, client, rules), PoolUsers(client("cognito-idp"), outputs["UserPoolId"]).members
        ),
    )


def administer_users_of_stage(outputs: Mapping[str, str], client: Client, rules: StageRules) -> UserAccess:
    """Returns the use cases on the user pool and the tables of a stage. The parameters are those of `explain_stage`."""
    administer = administer_stage(outputs, client, rules)
    policies, cognito = _policies(outputs, client), client("cognito-idp")
    users = wiring.users_with(cognito, outputs["UserPoolId"], policies, administer, rules)
    return UserAccess(users, administer, outputs, operator_of(client))


def _policies(outputs: Mapping[str, str], client: Client) -> PolicyTable:
    return PolicyTable(client("dynamodb"), outputs["PolicyTableName"], check_size=check_size)


def _administrators(outputs: Mapping[str, str], client: Client, rules: StageRules) -> Administrators:
    groups = PoolGroups(client("cognito-idp"), outputs["UserPoolId"])
    return Administrators(_policies(outputs, client), groups.group_exists, rules)


def restrict_stage(
    stage_name: str, outputs: Mapping[str, str], client: Client, warn: Callable[[str], object]
) -> Restrict:
    """Returns the use case that freezes a stage and locks it down. It records each change in the audit log.

    warn  receives a message if a lockdown could not be recorded
    """
    dynamodb = client("dynamodb")
    table = RestrictionTable(dynamodb, outputs["StateTableName"])
    return Restrict(table, Audit(audit_log(outputs, dynamodb), "cli"), stage_name, warn)


def _clients(outputs: Mapping[str, str]) -> frozenset[str]:
    return frozenset(value for name, value in outputs.items() if name.endswith("ClientId"))
