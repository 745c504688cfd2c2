"""Explains decisions of a stage from outside, with the credentials of an operator."""

from collections.abc import Mapping
from functools import partial

from authorizers.policy_document import check_size
from chalicelib.authorize import Authorize
from chalicelib.aws.authorization_state import StateTable
from chalicelib.aws.jwks import JwksKeySource, fetch_jwks
from chalicelib.aws.policies import PolicyTable
from chalicelib.aws.pool_groups import PoolGroups
from chalicelib.core.claims import Expectation
from chalicelib.explain import Explain
from chalicelib.verify import VerifyToken
from infra.clients import Client


def explain_stage(outputs: Mapping[str, str], client: Client) -> Explain:
    """Returns the use case on the tables, the user pool and the keys of a stage.

    outputs  of the identity stack
    client   returns the boto3 client of a service
    """
    clients = frozenset(value for name, value in outputs.items() if name.endswith("ClientId"))
    policies = PolicyTable(client("dynamodb"), outputs["PolicyTableName"], check_size=check_size)
    keys = JwksKeySource(partial(fetch_jwks, outputs["JwksUrl"]))
    verify = VerifyToken(keys, Expectation(outputs["Issuer"], clients), remember=0)
    authorize = Authorize(verify, StateTable(client("dynamodb"), outputs["StateTableName"]), policies)
    return Explain(
        policies=policies,
        groups=PoolGroups(client("cognito-idp"), outputs["UserPoolId"]),
        verify=verify,
        authenticate=lambda token: authorize.authenticate(token)[0],
    )
