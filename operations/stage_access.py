"""Opens the use cases of a stage from outside, with the credentials of an operator."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from authorizers.policy_document import check_size
from chalicelib import wiring
from chalicelib.administer import Administer
from chalicelib.authorize import Authorize
from chalicelib.aws.authorization_state import StateTable
from chalicelib.aws.jwks import JwksKeySource, fetch_jwks
from chalicelib.aws.policies import PolicyTable
from chalicelib.aws.pool_groups import PoolGroups
from chalicelib.core.claims import Expectation
from chalicelib.explain import Explain
from chalicelib.users import AdministerUsers
from chalicelib.verify import VerifyToken
from infra.clients import Client


def explain_stage(outputs: Mapping[str, str], client: Client) -> Explain:
    """Returns the use case on the tables, the user pool and the keys of a stage.

    outputs  of the identity stack
    client   returns the boto3 client of a service
    """
    policies = PolicyTable(client("dynamodb"), outputs["PolicyTableName"], check_size=check_size)
    keys = JwksKeySource(partial(fetch_jwks, outputs["JwksUrl"]))
    verify = VerifyToken(keys, Expectation(outputs["Issuer"], _clients(outputs)), remember=0)
    authorize = Authorize(verify, StateTable(client("dynamodb"), outputs["StateTableName"]), policies)
    return Explain(
        policies=policies,
        groups=PoolGroups(client("cognito-idp"), outputs["UserPoolId"]),
        verify=verify,
        authenticate=lambda token: authorize.authenticate(token)[0],
    )


@dataclass(frozen=True)
class UserAccess:
    """The use cases for the users and the revocations of a stage, and the outputs of its identity stack."""

    users: AdministerUsers
    administer: Administer
    outputs: Mapping[str, str]
    client: Client

    def author(self) -> str:
        """Returns the ARN of the operator, for the record of a revocation."""
        return str(self.client("sts").get_caller_identity()["Arn"])


def administer_users_of_stage(outputs: Mapping[str, str], client: Client) -> UserAccess:
    """Returns the use cases on the user pool and the tables of a stage. The parameters are those of `explain_stage`."""
    dynamodb = client("dynamodb")
    administer = wiring.administer_with(
        dynamodb, outputs["PolicyTableName"], outputs["StateTableName"], clients=lambda: _clients(outputs)
    )
    policies = PolicyTable(dynamodb, outputs["PolicyTableName"], check_size=check_size)
    users = wiring.users_with(
        client("cognito-idp"),
        outputs["UserPoolId"],
        policies,
        revoke=lambda sub, author: administer.revoke("sub", sub, author),
    )
    return UserAccess(users, administer, outputs, client)


def _clients(outputs: Mapping[str, str]) -> frozenset[str]:
    return frozenset(value for name, value in outputs.items() if name.endswith("ClientId"))
