"""The small reader, as tests make it: for a port of the loopback interface, with a clock and without pauses."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import Any

from chalicelib.aws.connections import Connections, Timeouts, verifying
from chalicelib.aws.endpoint import Endpoint, endpoint_from
from chalicelib.aws.reader import DynamoDBReader
from chalicelib.aws.signature import Credentials
from tests.fakes import Clock

CREDENTIALS = Credentials("AKIDOLYMPUS", "the-secret-of-olympus", "the-token-of-olympus")
TIMEOUTS = Timeouts(connect=5, response=5)


def reader_at(port: int, **options: Any) -> DynamoDBReader:
    return reader(Endpoint(False, "127.0.0.1", port, "mars-west-1"), **options)


def reader_of(url: str, **options: Any) -> DynamoDBReader:
    endpoint = endpoint_from({"AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL": url})
    assert endpoint is not None
    return reader(endpoint, **options)


def reader(
    endpoint: Endpoint,
    verify: Callable[[], ssl.SSLContext] = verifying,
    timeouts: Timeouts = TIMEOUTS,
    credentials: Callable[[], Credentials] = lambda: CREDENTIALS,
    attempts: int = 2,
    jitter: Callable[[], float] = lambda: 0.5,
    sleep: Callable[[float], None] = lambda _: None,
    elapsed: Callable[[], float] = lambda: 0,
    **options: Any,
) -> DynamoDBReader:
    connections = Connections(endpoint, verify, timeouts, **options)
    return DynamoDBReader(connections, endpoint, credentials, attempts, jitter, Clock(), sleep, elapsed)
