"""Connects to the stage `local`, the cloud that `make run` started on this machine.

It reads only `.local/outputs.json`. It does not import `local/`, because the deploy program works without that package.
"""

import json
import os
import socket
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import boto3
import botocore.session
from botocore.config import Config

from infra.clients import Client
from infra.errors import Refused
from infra.stacks import Stacks
from infra.stage import Stage, local_stage

LOCAL = "local"
_NEEDED = {"endpoint_url", "environment", "identity_stack"}
NOT_RUNNING = "The local cloud is not running: start it with `make run` in another terminal."
OUTDATED = "Another version of this program started the local cloud. Stop it and start it again with `make run`."


class LocalConnection(NamedTuple):
    """The outputs of the local cloud's identity stack, its clients, and the name of its application stack."""

    outputs: Mapping[str, str]
    client: Client
    application_stack: str


def connect_local(project: Path) -> LocalConnection:
    """Connects to the local cloud. Raises Refused if it is not running.

    The output `JwksUrl` is the address on this machine. The stack's own output is an address of AWS.
    """
    described = _described(project / os.environ.get("GATEHOUSE_LOCAL", ".local") / "outputs.json")
    client = _clients(described["endpoint_url"], described["environment"])
    outputs = Stacks(client("cloudformation")).outputs(described["identity_stack"])
    outputs["JwksUrl"] = described["environment"]["JWKS_URL"]
    return LocalConnection(outputs, client, described["identity_stack"].removesuffix("-identity"))


def connect_local_stage(project: Path) -> tuple[Stage, Client]:
    """Returns the local cloud as a stage, and its clients. Raises Refused if it is not running."""
    client = connect_local(project).client
    return local_stage(project, client("sts").meta.region_name), client


def _described(path: Path) -> dict[str, Any]:
    try:
        described: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        port = urlsplit(described["endpoint_url"]).port or 80
        socket.create_connection(("127.0.0.1", port), timeout=2).close()
    except (OSError, ValueError, KeyError, TypeError) as error:  # a killed cloud does not delete its file
        raise Refused(NOT_RUNNING) from error
    if not described.keys() >= _NEEDED:
        raise Refused(OUTDATED)
    return described


def _clients(endpoint: str, environment: Mapping[str, str]) -> Client:
    """Returns a function that creates clients. They ignore the user's AWS profile and proxy."""
    session: Any = boto3.Session(
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        region_name=environment["AWS_REGION"],
        botocore_session=botocore.session.Session({"profile": (None, None, None, None)}),
    )
    direct = Config(proxies={}, retries={"mode": "standard", "total_max_attempts": 2})
    return cache(lambda service: session.client(service, endpoint_url=endpoint, config=direct))
