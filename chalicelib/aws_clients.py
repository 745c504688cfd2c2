"""Connects the functions to AWS: the reader of the hot path, and the clients of the SDK.

Builds each once, on first use, not at import. Reads the variables of AWS in the environment.
"""

import os
import random
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from chalicelib.aws.connections import Connections, Timeouts, verifying
from chalicelib.aws.credentials import credentials_from
from chalicelib.aws.endpoint import ca_bundle_from, endpoint_from
from chalicelib.aws.items import ItemReader
from chalicelib.aws.reader import DynamoDBReader
from chalicelib.aws.signature import Credentials
from chalicelib.core.errors import InternalError

if TYPE_CHECKING:
    import boto3
    from mypy_boto3_apigateway import APIGatewayClient
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient
    from mypy_boto3_dynamodb import DynamoDBClient

# The calls of one request take less time than the timeout of the function, so that a failure is reported by its reason
# code. A decision reads twice, a trigger makes three calls in sequence, and both functions have 5 s. Cognito also fails
# a sign-in after 5 s. A decision that first has to fetch the pool's keys can take longer.
SHORTEST = Timeouts(connect=0.25, response=1)
_SHORT = Timeouts(connect=1, response=2)
_ATTEMPTS = 2


@cache
def reader() -> ItemReader:
    """Returns the reader of the authorizer. It repeats a read once."""
    return _small_reader(_ATTEMPTS) or _sdk_reader()


@cache
def trigger_reader() -> ItemReader:
    """Returns the reader of a trigger. It repeats no read."""
    return _small_reader(1) or _sdk_reader()


def _small_reader(attempts: int) -> ItemReader | None:
    """Returns None if the environment needs a feature that only the SDK has."""
    endpoint = endpoint_from(os.environ)
    if endpoint is None:
        return None
    connections = Connections(endpoint, partial(verifying, ca_bundle_from(os.environ)), SHORTEST)
    # The system's random numbers differ between two copies of one snapshot of a Lambda.
    return DynamoDBReader(connections, endpoint, credentials, attempts, jitter=random.SystemRandom().random)


def _sdk_reader() -> ItemReader:
    from chalicelib.aws.sdk_reader import SdkReader

    return SdkReader(prompt_dynamodb())


def credentials() -> Credentials:
    """Returns the present credentials. Those of the environment change while a function lives. Raises InternalError."""
    return credentials_from(os.environ) or _credentials_of_the_sdk()


def _credentials_of_the_sdk() -> Credentials:
    """Returns credentials of another source, such as the one that Lambda uses after restoring a snapshot."""
    found = session().get_credentials()
    frozen = found.get_frozen_credentials() if found else None
    if not frozen or not frozen.access_key or not frozen.secret_key:
        raise InternalError("bad_credentials", "there are no AWS credentials")
    return Credentials(frozen.access_key, frozen.secret_key, frozen.token)


@cache
def cognito() -> "CognitoIdentityProviderClient":
    return session().client("cognito-idp", config=_config(_ATTEMPTS, _SHORT))


@cache
def api_gateway() -> "APIGatewayClient":
    return session().client("apigateway", config=_config(_ATTEMPTS, _SHORT))


@cache
def dynamodb() -> "DynamoDBClient":
    return session().client("dynamodb", config=_config(_ATTEMPTS, _SHORT))


@cache
def prompt_dynamodb() -> "DynamoDBClient":
    """Returns a client for a call that a request or a sign-in waits for."""
    return session().client("dynamodb", config=_config(1, SHORTEST))


@cache
def trigger_cognito() -> "CognitoIdentityProviderClient":
    """Returns a client for a trigger, which Cognito stops after 5 s."""
    return session().client("cognito-idp", config=_config(1, SHORTEST))


def _config(attempts: int, timeouts: Timeouts) -> Any:
    from botocore.config import Config

    return Config(
        connect_timeout=timeouts.connect,
        read_timeout=timeouts.response,
        retries={"mode": "standard", "total_max_attempts": attempts},
    )


@cache
def session() -> "boto3.Session":
    """Returns the session of all clients."""
    import boto3

    return boto3.Session()
