"""The processes of a function: few, started in turn, and never the reason why a call fails."""

from __future__ import annotations

import io
import json
import secrets
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from local.front.process_pool import PROCESSES
from tests.local.conftest import Cloud

# Both the import and the first call need the processor, as those of a real function do.
BUSY = """
import os, time
def work(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass
work(0.2)
first = [True]
def handler(event, context):
    if first:
        first.clear()
        work(0.15)
    return os.getpid()
"""
SLOW_START = """
import time
time.sleep(3)
def handler(event, context):
    return "started"
"""
CALLS_ITSELF = """
import boto3, json
def handler(event, context):
    if event:
        client = boto3.client("lambda")
        answer = client.invoke(FunctionName=context.function_name, Payload=json.dumps(event - 1))
        return json.loads(answer["Payload"].read())
    return "the end"
"""


@pytest.fixture(scope="module")
def role(cloud: Cloud) -> str:
    iam = cloud.client("iam")
    assume = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    made = iam.create_role(RoleName="burst", AssumeRolePolicyDocument=json.dumps({"Statement": [assume]}))
    call = {"Statement": [{"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": "*"}]}
    iam.put_role_policy(RoleName="burst", PolicyName="call", PolicyDocument=json.dumps(call))
    return str(made["Role"]["Arn"])


@pytest.fixture
def deploy(cloud: Cloud, role: str) -> Callable[[str, int], Callable[..., Any]]:
    client = cloud.client("lambda", max_pool_connections=64, read_timeout=120)

    def deploy(source: str, timeout: int) -> Callable[..., Any]:
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("index.py", source)
        name = f"burst-{secrets.token_hex(4)}"
        client.create_function(
            FunctionName=name,
            Runtime="python3.11",
            Role=role,
            Handler="index.handler",
            Timeout=timeout,
            Code={"ZipFile": packed.getvalue()},
        )

        def invoke(payload: Any = None) -> Any:
            answer = client.invoke(FunctionName=name, Payload=json.dumps(payload))
            return json.loads(answer["Payload"].read())

        return invoke

    return deploy


def at_once(calls: int, invoke: Callable[..., Any], payload: Any = None) -> list[Any]:
    with ThreadPoolExecutor(calls) as pool:
        return list(pool.map(lambda _: invoke(payload), range(calls)))


def test_64_first_calls_at_once_succeed_in_a_few_processes(deploy: Callable[..., Callable[..., Any]]) -> None:
    answers = at_once(64, deploy(BUSY, 3))
    assert [answer for answer in answers if not isinstance(answer, int)] == []
    assert len(set(answers)) <= PROCESSES


def test_the_start_of_a_process_does_not_count_against_the_timeout(deploy: Callable[..., Callable[..., Any]]) -> None:
    assert at_once(3, deploy(SLOW_START, 1)) == ["started"] * 3


def test_calls_that_wait_for_calls_of_the_same_function_do_not_block_each_other(
    deploy: Callable[..., Callable[..., Any]],
) -> None:
    assert at_once(2 * PROCESSES, deploy(CALLS_ITSELF, 20), 2) == ["the end"] * (2 * PROCESSES)
