"""Compares the two clients of DynamoDB, over TLS on the loopback interface: the small reader and boto3.

A decision here has everything: the token, the state read, the result through Chalice, and the log line.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import boto3
from botocore.config import Config

from benchmarks import tokens
from benchmarks.ours import decision, line_to_nowhere, verifier
from benchmarks.rounds import Ratio, ratio, take, timer
from benchmarks.services import POLICIES, STATE, running
from chalicelib.aws.connections import Connections, Timeouts, verifying
from chalicelib.aws.credentials import credentials_from
from chalicelib.aws.endpoint import ca_bundle_from, endpoint_from
from chalicelib.aws.items import ItemReader
from chalicelib.aws.policy_reads import PolicyReads
from chalicelib.aws.reader import DynamoDBReader
from chalicelib.aws.sdk_reader import SdkReader
from chalicelib.aws.signature import Credentials
from chalicelib.aws.state_reads import StateReads

READ, WARM = "one state read", "a warm decision with its read and its log line"
BOTO3, SMALL = "boto3", "the small reader"
_UNIT = "unit"


def compare(rounds: int) -> dict[str, dict[str, Ratio]]:
    """Returns the times in units, and those of the small reader relative to boto3, from the same rounds."""
    with _readers() as readers:
        contestants = {
            f"{what}, {who}": timer(call(reader))
            for what, call in ((READ, _read), (WARM, _decision))
            for who, reader in readers.items()
        }
        taken = take({_UNIT: tokens.unit(tokens.natural()), **contestants}, rounds)
    return {
        "units": {name: ratio(taken[name], taken[_UNIT]) for name in contestants},
        "relative": {what: ratio(taken[f"{what}, {SMALL}"], taken[f"{what}, {BOTO3}"]) for what in (READ, WARM)},
    }


@contextmanager
def _readers() -> Iterator[dict[str, ItemReader]]:
    with running() as environ:
        yield {BOTO3: SdkReader(_boto3(environ)), SMALL: _small(environ)}


def _read(reader: ItemReader) -> Callable[[], object]:
    state, principal = StateReads(reader, STATE), verifier(remember=0)(tokens.natural())
    return lambda: state.read(principal)


def _decision(reader: ItemReader) -> Callable[[], object]:
    tables = StateReads(reader, STATE), PolicyReads(reader, POLICIES)
    return decision(tokens.natural(), decision_log=line_to_nowhere(), tables=tables)


def _small(environ: Mapping[str, str]) -> ItemReader:
    endpoint = endpoint_from(environ)
    assert endpoint
    connections = Connections(endpoint, partial(verifying, ca_bundle_from(environ)), Timeouts(5, 5))
    return DynamoDBReader(connections, endpoint, partial(_credentials, environ), attempts=1, jitter=lambda: 0.0)


def _credentials(environ: Mapping[str, str]) -> Credentials:
    credentials = credentials_from(environ)
    assert credentials
    return credentials


def _boto3(environ: Mapping[str, str]) -> Any:
    return boto3.client(
        "dynamodb",
        region_name=environ["AWS_DEFAULT_REGION"],
        endpoint_url=environ["AWS_ENDPOINT_URL"],
        verify=environ["AWS_CA_BUNDLE"],
        aws_access_key_id=environ["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environ["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=environ["AWS_SESSION_TOKEN"],
        config=Config(retries={"mode": "standard", "total_max_attempts": 1}),
    )
