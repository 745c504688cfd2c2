"""Connects to the account of a stage, and says in one sentence why AWS could not be asked."""

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

from infra.discovery import Client
from infra.errors import Refused
from infra.stage import Stage

_SIGN_IN = "set AWS_PROFILE, or sign in as your account wants it."
_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"})
_INVALID = frozenset(
    {"InvalidAccessKeyId", "InvalidClientTokenId", "SignatureDoesNotMatch", "UnrecognizedClientException"}
)


def connect(stage: Stage) -> Client:
    """Give what makes boto3 clients for a stage. Raises Refused and BotoCoreError."""
    session: Any = boto3.Session(region_name=stage.region)
    # API Gateway takes a new deployment every five seconds, and Chalice has just made one.
    patient = Config(retries={"mode": "standard", "total_max_attempts": 8})
    # The first call: where there is no network, nobody wants to wait for the eighth attempt.
    prompt = Config(retries={"mode": "standard", "total_max_attempts": 2}, connect_timeout=10, read_timeout=20)

    @cache
    def client(service: str) -> Any:
        try:
            return session.client(service, config=prompt if service == "sts" else patient)
        except ValueError as error:  # botocore has no class of its own for this
            raise Refused(f"AWS_ENDPOINT_URL: {error}") from error

    return client


def sentence(error: Exception) -> str:
    """Say on one line what AWS or the way to it had against a command, and what to do."""
    if isinstance(error, NoCredentialsError):
        return f"There are no AWS credentials: {_SIGN_IN}"
    if isinstance(error, PartialCredentialsError):
        return f"{_line(error)}: {_SIGN_IN}"
    if isinstance(error, ProfileNotFound):
        return f"AWS_PROFILE: {_line(error)}: use one that `aws configure list-profiles` names."
    if isinstance(error, SSOError | TokenRetrievalError) or _code(error) in _EXPIRED:
        return f"The AWS credentials have expired: sign in again. AWS said: {_line(error)}."
    if _code(error) in _INVALID:
        return f"AWS does not accept the credentials: {_SIGN_IN} AWS said: {_line(error)}."
    return _line(error)


def unreachable(stage: Stage, error: Exception) -> str:
    """Say that no connection came about, and whether the stage's region may be why."""
    return f"{_line(error)}: check the network{_region(stage)}"


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
