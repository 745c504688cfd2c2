"""Connects to the account of a stage, and explains the errors of a connection."""

from difflib import get_close_matches
from functools import cache
from typing import Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import (
    ClientError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)

from infra.clients import Client
from infra.errors import Refused
from infra.stage import Stage

_SIGN_IN = "Set AWS_PROFILE, or sign in with the method of your account."
_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"})
_INVALID = frozenset(
    {"InvalidAccessKeyId", "InvalidClientTokenId", "SignatureDoesNotMatch", "UnrecognizedClientException"}
)


def connect(stage: Stage) -> Client:
    """Returns a function that creates the boto3 client of a service. Raises Refused and BotoCoreError."""
    session: Any = boto3.Session(region_name=stage.region)
    patient = Config(retries={"mode": "standard", "total_max_attempts": 8})
    # The first call goes to STS. Without a network, it fails after two attempts instead of eight.
    prompt = Config(retries={"mode": "standard", "total_max_attempts": 2}, connect_timeout=10, read_timeout=20)

    @cache
    def client(service: str) -> Any:
        try:
            return session.client(service, config=prompt if service == "sts" else patient)
        except ValueError as error:  # botocore has no error class for an invalid endpoint
            raise Refused(f"AWS_ENDPOINT_URL: {error}") from error

    return client


def sentence(error: Exception) -> str:
    """Returns one line about an error of AWS or of the connection, and what to do."""
    if isinstance(error, NoCredentialsError):
        return f"There are no AWS credentials. {_SIGN_IN}"
    if isinstance(error, PartialCredentialsError):
        return f"{_line(error)}. {_SIGN_IN}"
    if isinstance(error, ProfileNotFound):
        return f"AWS_PROFILE: {_line(error)}. Use a profile that `aws configure list-profiles` lists."
    if isinstance(error, SSOError | TokenRetrievalError) or _code(error) in _EXPIRED:
        return f"The AWS credentials have expired. Sign in again. AWS reported: {_line(error)}."
    if _code(error) in _INVALID:
        return f"AWS rejected the credentials. {_SIGN_IN} AWS reported: {_line(error)}."
    return _line(error)


def unreachable(stage: Stage, error: Exception) -> str:
    """Returns one line about a failed connection. It names the stage's region if boto3 does not know the region."""
    return f"{_line(error)}. Check the network{_region(stage)}"


def _region(stage: Stage) -> str:
    known = botocore.session.Session()
    regions = {
        region for name in known.get_available_partitions() for region in known.get_available_regions("sts", name)
    }
    if stage.region in regions:
        return "."
    near = get_close_matches(stage.region, sorted(regions), n=1)
    suggestion = f". Did you mean {near[0]}?" if near else "."
    return f", and infra/stages/{stage.name}.yaml: region: {stage.region} is not a region that boto3 knows{suggestion}"


def _code(error: Exception) -> str:
    return str(error.response["Error"].get("Code", "")) if isinstance(error, ClientError) else ""


def _line(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".")
