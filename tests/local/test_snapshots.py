"""The local cloud saves its state while it runs. A saved change survives a kill."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest

from local.front.snapshots import may_change
from tests.e2e.cloud import wait_for
from tests.local.conftest import REPOSITORY, Cloud, running_cloud

# The front with a snapshot a tenth of a second after each change.
SAVING = """
import asyncio, signal, sys
from functools import partial
from pathlib import Path
from local.front.server import serve
from local.front.snapshots import Snapshots
async def main():
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    snapshots = Snapshots(Path(sys.argv[1]), seconds=0.1)
    snapshots.install()
    asyncio.get_running_loop().call_later(0.3, snapshots.begin)
    await serve(int(sys.argv[2]), stop, snapshots=snapshots)
asyncio.run(main())
"""


@contextmanager
def saving_cloud(state: Path) -> Iterator[Cloud]:
    with running_cloud(state, ("-c", SAVING, str(state / "snapshot.json"))) as cloud:
        yield cloud


def carts(cloud: Cloud) -> Any:
    dynamodb = cloud.client("dynamodb")
    if "carts" not in dynamodb.list_tables()["TableNames"]:
        dynamodb.create_table(
            TableName="carts",
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
        )
    return dynamodb


def put(dynamodb: Any, number: int) -> None:
    dynamodb.put_item(TableName="carts", Item={"id": {"S": "a"}, "number": {"N": str(number)}})


def number(dynamodb: Any) -> int:
    return int(dynamodb.get_item(TableName="carts", Key={"id": {"S": "a"}})["Item"]["number"]["N"])


def holds(snapshot: Path, number: int) -> bool:
    return snapshot.exists() and f'"number": {{"N": "{number}"}}' in snapshot.read_text(encoding="utf-8")


def test_a_saved_change_survives_a_kill_at_any_moment(tmp_path: Path) -> None:
    snapshot, random, last = tmp_path / "snapshot.json", Random(8), 0  # noqa: S311
    for life in range(1, 4):
        with saving_cloud(tmp_path) as cloud:
            dynamodb = carts(cloud)
            if last:
                assert number(dynamodb) >= last
            put(dynamodb, life * 1000)
            wait_for(partial(holds, snapshot, life * 1000), "the change is saved")
            for further in range(random.randrange(60)):
                put(dynamodb, life * 1000 + further)
            cloud.process.kill()
            cloud.process.wait()
        last = life * 1000
        json.loads(snapshot.read_bytes())
    with saving_cloud(tmp_path) as cloud:
        assert last <= number(carts(cloud)) < last + 60


def test_a_clean_stop_saves_every_change(tmp_path: Path) -> None:
    with saving_cloud(tmp_path) as cloud:
        dynamodb = carts(cloud)
        wait_for((tmp_path / "snapshot.json").exists, "the first snapshot exists")
        put(dynamodb, 1)
    with saving_cloud(tmp_path) as cloud:
        assert number(carts(cloud)) == 1
    assert {path.name for path in tmp_path.glob("*.json*")} == {"snapshot.json"}


READ = """
import os, sys
from pathlib import Path
from local.cloud import LocalCloud
cloud = LocalCloud(1, Path(sys.argv[1]))
os.environ.update(cloud.environment())
from local.front.snapshots import Snapshots, SnapshotUnusable
try:
    Snapshots(cloud.state / "snapshot.json").install()
except SnapshotUnusable as problem:
    print(problem)
"""


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "is damaged"),
        ('{"cognito": {"__ministack_form', "is damaged"),
        ('{"cognito": []}', "is damaged"),
        ('{"cognito": {"__ministack_format__": 999, "payload": {}}}', "was written by a newer version"),
    ],
)
def test_a_snapshot_that_cannot_be_read_is_refused_with_the_remedy(tmp_path: Path, content: str, problem: str) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state/snapshot.json").write_text(content, encoding="utf-8")
    read = subprocess.run(
        [sys.executable, "-c", READ, str(tmp_path)], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert problem in read.stdout
    assert "`make reset`" in read.stdout


@pytest.mark.parametrize(
    ("method", "path", "target", "expected"),
    [
        ("POST", "/", "DynamoDB_20120810.PutItem", True),
        ("POST", "/", "DynamoDB_20120810.TransactWriteItems", True),
        ("POST", "/", "AWSCognitoIdentityProviderService.InitiateAuth", True),
        ("POST", "/", "AWSCognitoIdentityProviderService.GetTokensFromRefreshToken", True),
        ("POST", "/", "", True),  # the query protocol names its operation in the body
        ("PUT", "/bucket/key", "", True),
        ("POST", "/oauth2/token", "", True),
        ("GET", "/oauth2/idpresponse", "", True),
        ("POST", "/", "DynamoDB_20120810.GetItem", False),
        ("POST", "/", "DynamoDB_20120810.TransactGetItems", False),
        ("POST", "/", "Logs_20140328.FilterLogEvents", False),
        ("GET", "/us-east-1_a/.well-known/jwks.json", "", False),
        ("POST", "/_aws/execute-api/a/v1/reports", "", False),
    ],
)
def test_only_a_request_that_can_change_the_state_causes_a_snapshot(
    method: str, path: str, target: str, expected: bool
) -> None:
    headers = [(b"x-amz-target", target.encode())] if target else []
    assert may_change({"type": "http", "method": method, "path": path, "headers": headers}) is expected
