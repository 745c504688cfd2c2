"""The settings of the local cloud: one folder, one port on the loopback interface, test credentials."""

import json
import os
from dataclasses import dataclass
from fcntl import LOCK_EX, LOCK_NB, flock
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

REGION = "us-east-1"
ACCOUNT = "123456789012"
ACCESS_KEY = SECRET_KEY = "test"
STAGE = "local"
SERVICES = (
    "apigateway,cloudformation,cloudwatch,cognito-idp,dynamodb,dynamodbstreams,iam,kms,lambda,logs,"
    "monitoring,s3,secretsmanager,ses,sns,sqs,ssm,sts,wafv2"
)


def app_name() -> str:
    """Returns the name of the application, which is the prefix of its function names."""
    config = Path(__file__).parent.parent / ".chalice/config.json"
    return str(json.loads(config.read_text(encoding="utf-8"))["app_name"])


@dataclass(frozen=True)
class LocalCloud:
    """One local cloud.

    folder  contains its state and `outputs.json`
    """

    port: int
    folder: Path

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def outputs(self) -> Path:
        return self.folder / "outputs.json"

    @property
    def lock(self) -> Path:
        """A file that is locked while the cloud runs, and empty after a clean stop."""
        return self.folder / "running"

    def is_running(self) -> bool:
        try:
            with self.lock.open("a") as lock:
                flock(lock, LOCK_EX | LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False

    @property
    def state(self) -> Path:
        return self.folder / "state"

    def environment(self) -> dict[str, str]:
        """Returns the settings of ministack. Without AUTH, it accepts every password and every signature."""
        return {
            "AUTH": "true",
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self.port),
            "IOT_MTLS_ENABLED": "0",
            "LOG_LEVEL": "ERROR",
            "MINISTACK_ACCOUNT_ID": ACCOUNT,
            "MINISTACK_HOST": "localhost",
            "MINISTACK_REGION": REGION,
            "PERSIST_STATE": "1",
            "POWERTOOLS_LOG_LEVEL": "INFO",  # the functions inherit LOG_LEVEL from the emulator
            "SERVICES": SERVICES,
            "STATE_DIR": str(self.state),
            **self.credentials(),
        }

    def credentials(self) -> dict[str, str]:
        return {
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def client(self, service: str) -> Any:
        return self._session.client(
            service,
            endpoint_url=self.url,
            # by path, because <bucket>.localhost does not resolve
            config=Config(s3={"addressing_style": "path"}, retries={"mode": "standard", "total_max_attempts": 2}),
        )

    @cached_property
    def _session(self) -> Any:  # boto3-stubs has an overload for each of 400 services
        return boto3.Session(aws_access_key_id=ACCESS_KEY, aws_secret_access_key=SECRET_KEY, region_name=REGION)


def from_environment() -> LocalCloud:
    """Returns the local cloud of GATEHOUSE_PORT (4566) and GATEHOUSE_LOCAL (.local)."""
    port = os.environ.get("GATEHOUSE_PORT", "4566")
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise SystemExit(f"GATEHOUSE_PORT: {port!r} is not a port. A port is a number from 1 to 65535.")
    return LocalCloud(int(port), Path(os.environ.get("GATEHOUSE_LOCAL", ".local")).resolve())
