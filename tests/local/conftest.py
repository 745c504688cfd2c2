"""A local cloud for each test run: ministack behind the front, in a separate process, on a free loopback port."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from tests.environment import child_environment
from tests.local.front_system import System
from tests.local.pages_pool import Pool
from tests.ports import free_port, wait_until_open

REPOSITORY = Path(__file__).parents[2]
SERVICES = "cognito-idp,dynamodb,dynamodbstreams,lambda,apigateway,iam,sts,ses,sqs,logs,s3,cloudformation"


# Runs `python -m local.front` with a clock that a file sets ahead ("+60"), or stops at a time ("1795860000").
CLOCKED = """
import pathlib, sys, time
from local.front.server import run
setting = pathlib.Path(sys.argv[1])
def now():
    text = setting.read_text()
    return float(text) + (time.time() if text.startswith("+") else 0)
run(int(sys.argv[2]), now=now)
"""


@dataclass(frozen=True)
class Cloud:
    """A running local cloud."""

    port: int
    state: Path
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self, service: str, key: str = "test", secret: str = "test", **options: Any) -> Any:
        session: Any = boto3.Session()  # boto3-stubs has an overload for each service
        return session.client(
            service,
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            config=Config(retries={"max_attempts": 0}, **options),
        )

    def function(self, name: str, source: str, path: str = "index.py", **settings: Any) -> str:
        """Creates a function with a role of the same name, and returns its ARN.

        path      of the module in the bundle, with the function `handler`
        settings  more arguments of CreateFunction
        """
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr(path, source)
        assume = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        document = json.dumps({"Statement": [assume]})
        role = self.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]
        made = self.client("lambda").create_function(
            FunctionName=name,
            Runtime="python3.11",
            Role=role["Arn"],
            Handler=f"{path.removesuffix('.py')}.handler",
            Code={"ZipFile": packed.getvalue()},
            **settings,
        )
        return str(made["FunctionArn"])

    @contextmanager
    def ahead(self, seconds: int) -> Iterator[None]:
        """Sets the clock of the front ahead temporarily."""
        self._set_clock(f"+{seconds}")
        yield
        self._set_clock("+0")

    @contextmanager
    def stopped_clock(self) -> Iterator[Callable[[float], None]]:
        """Stops the clock of the front temporarily. Returns a function that advances it by some seconds."""
        time_shown = time.time()

        def advance(seconds: float) -> None:
            nonlocal time_shown
            time_shown += seconds
            self._set_clock(f"{time_shown:.3f}")

        advance(0)
        yield advance
        self._set_clock("+0")

    def _set_clock(self, text: str) -> None:
        # Renamed into place, so that the front never reads an empty file.
        written = self.state / "clock.new"
        written.write_text(text)
        written.replace(self.state / "clock")


@contextmanager
def running_cloud(state: Path, program: tuple[str, ...] = ("-m", "local.front"), **options: Any) -> Iterator[Cloud]:
    """Starts a cloud with its state in a folder, and stops it at the end. `options` are those of Popen."""
    port = free_port()
    environment = child_environment(
        GATEWAY_PORT=str(port),
        AUTH="true",
        BIND_HOST="127.0.0.1",
        MINISTACK_HOST="localhost",
        MINISTACK_ACCOUNT_ID="123456789012",
        STATE_DIR=str(state),
        PERSIST_STATE="1",
        IOT_MTLS_ENABLED="0",
        SERVICES=SERVICES,
        LOG_LEVEL="WARNING",
    )
    command = [sys.executable, *program, str(port)]
    with subprocess.Popen(command, cwd=REPOSITORY, env=environment, **options) as process:
        try:
            wait_until_open(port, process)
            yield Cloud(port, state, process)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=15)
            finally:
                process.kill()


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    state = tmp_path_factory.mktemp("cloud")
    (state / "clock").write_text("+0")
    with running_cloud(state, ("-c", CLOCKED, str(state / "clock"))) as running:
        yield running


@pytest.fixture(scope="session")
def system(cloud: Cloud) -> System:
    """A pool and an API that the tests of the front share."""
    return System(cloud)


@pytest.fixture(scope="module")
def pool(cloud: Cloud) -> Pool:
    """A pool whose users sign in on the pages."""
    return Pool(cloud)


@pytest.fixture(scope="module")
def strict(cloud: Cloud) -> Pool:
    """A pool that requires an authenticator."""
    return Pool(cloud, mfa="ON")
