"""A simulated AWS account for the rehearsal, its inventory, and requests to the deployed API."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import requests

from chalicelib.administer import Administer
from chalicelib.wiring import administer_with
from infra.audit_log import audit_log
from local.cloud import LocalCloud
from local.sign_in import sign_in
from tests.e2e.cloud import wait_for
from tests.environment import child_environment
from tests.ports import free_port

PROJECT = Path(__file__).parents[2]
PASSWORD = "a-long-walk-in-the-rain"

# kind → service, operation, and the path of the names in the response
_LISTS = {
    "rest APIs": ("apigateway", "get_rest_apis", "items[].id"),
    "functions": ("lambda", "list_functions", "Functions[].FunctionName"),
    "stream mappings": ("lambda", "list_event_source_mappings", "EventSourceMappings[].UUID"),
    "tables": ("dynamodb", "list_tables", "TableNames"),
    "user pools": ("cognito-idp", "list_user_pools", "UserPools[].Id"),
    "stacks": ("cloudformation", "describe_stacks", "Stacks[].StackName"),
    "buckets": ("s3", "list_buckets", "Buckets[].Name"),
    "roles": ("iam", "list_roles", "Roles[].RoleName"),
    "log groups": ("logs", "describe_log_groups", "logGroups[].logGroupName"),
    "queues": ("sqs", "list_queues", "QueueUrls"),
    "topics": ("sns", "list_topics", "Topics[].TopicArn"),
    "alarms": ("cloudwatch", "describe_alarms", "MetricAlarms[].AlarmName"),
}


@dataclass(frozen=True)
class Account:
    """An account that is empty at first."""

    local_cloud: LocalCloud

    def client(self, service: str) -> Any:
        return _client(self.local_cloud, service)

    def inventory(self) -> dict[str, list[str]]:
        """Returns the names of all resources by their kind. Kinds without a resource are left out."""
        found = {}
        for kind, (service, operation, names) in _LISTS.items():
            arguments = {"PaginationConfig": {"PageSize": 60}} if service == "cognito-idp" else {}
            client = self.client(service)
            pages = client.get_paginator(operation).paginate(**arguments)
            found[kind] = sorted(name for name in pages.search(names) if name)
        return {kind: names for kind, names in found.items() if names}

    @contextmanager
    def failing(self, *texts: str) -> Iterator[None]:
        """Makes every call fail whose method, path, operation and body contain all these texts."""
        fault = self.local_cloud.folder / "fault"
        fault.write_text(json.dumps(texts), encoding="utf-8")
        try:
            yield
        finally:
            fault.unlink()


@cache
def _client(local_cloud: LocalCloud, service: str) -> Any:
    return local_cloud.client(service)


@contextmanager
def opened_account(folder: Path) -> Iterator[Account]:
    """Starts an account in its own process, and stops it afterwards."""
    local_cloud = LocalCloud(free_port(), folder)
    log = folder.with_name("account.log")
    with log.open("wb") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.rehearsal.simulation", str(local_cloud.port), str(folder)],
            cwd=PROJECT,
            env=child_environment(),
            stdout=said,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_for(lambda: process.poll() is not None or _answers(local_cloud), "the simulated account answers", 60)
        assert process.poll() is None, log.read_text(encoding="utf-8")
        yield Account(local_cloud)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)


def _answers(local_cloud: LocalCloud) -> bool:
    try:
        return bool(local_cloud.client("sts").get_caller_identity())
    except Exception:  # a starting server can fail in any way
        return False


def administer(account: Account, outputs: dict[str, str]) -> Administer:
    """Returns the use case for the tables of the account, as another tool would use it."""
    dynamodb = account.client("dynamodb")
    log = audit_log(outputs, dynamodb)
    return administer_with(dynamodb, outputs["PolicyTableName"], outputs["StateTableName"], log)


def statuses(account: Account, outputs: dict[str, str]) -> dict[str, int]:
    """Returns the status codes of the deployed API: without a token, and with the token of a reader."""
    api_id = outputs["ApiUrl"].removeprefix("https://").partition(".")[0]
    url = f"{account.local_cloud.url}/_aws/execute-api/{api_id}/{outputs['ApiUrl'].rstrip('/').rpartition('/')[2]}"
    token = _reader(account, outputs)

    def ask(method: str, path: str, headers: dict[str, str] | None = None) -> int:
        return requests.request(method, url + path, headers=headers, json={"sub": "another"}, timeout=30).status_code

    reader = {"Authorization": f"Bearer {token}"}
    return {
        "no token, GET /": ask("GET", "/"),
        "no token, GET /whoami": ask("GET", "/whoami"),
        "reader, GET /whoami": ask("GET", "/whoami", reader),
        "reader, POST /admin/revocations": ask("POST", "/admin/revocations", reader),
    }


def _reader(account: Account, outputs: dict[str, str]) -> str:
    cognito, pool, address = account.client("cognito-idp"), outputs["UserPoolId"], "reader@merchants.example"
    try:
        made = cognito.admin_create_user(
            UserPoolId=pool,
            Username=address,
            TemporaryPassword=PASSWORD,
            MessageAction="SUPPRESS",
            UserAttributes=[{"Name": "email", "Value": address}, {"Name": "email_verified", "Value": "true"}],
        )["User"]["Username"]
        cognito.admin_set_user_password(UserPoolId=pool, Username=made, Password=PASSWORD, Permanent=True)
        cognito.admin_add_user_to_group(UserPoolId=pool, Username=made, GroupName="readers")
    except cognito.exceptions.UsernameExistsException:
        pass  # an earlier scene created this user
    at = {
        "endpoint_url": account.local_cloud.url,
        "region": outputs["UserPoolArn"].split(":")[3],
        "user_pool_id": pool,
        "web_client_id": outputs["WebClientId"],
    }
    return sign_in(at, address, PASSWORD)
