"""No error of ours chains an error of the SDK: its message reaches the log, and it can contain an e-mail address."""

from __future__ import annotations

import ast
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from chalicelib.aws.directory import UserPool
from chalicelib.aws.dynamodb import failures_named
from chalicelib.aws.gateway import StageCache
from chalicelib.aws.items import ReadFailed
from chalicelib.aws.sdk_reader import SdkReader
from chalicelib.core.errors import InternalError
from tests.aws.stubs import stubbed

SHIPPED = Path(__file__).resolve().parents[2] / "chalicelib"
SDK_ERRORS = {"BotoCoreError", "ClientError"}
ADDRESS = "clio@olympus.example"
TABLE: dict[str, Any] = {"RequestItems": {"PolicyTable": {"Keys": [{"subject": {"S": "group:clerks"}}]}}}


def read(client: Any) -> None:
    SdkReader(client).batch_get_item(**TABLE)


def write(client: Any) -> None:
    with failures_named("state_unreachable"):
        client.batch_get_item(**TABLE)


CALLS: list[tuple[Any, str, Callable[[Any], Any]]] = [
    ("cognito-idp", "admin_add_user_to_group", lambda client: UserPool(lambda: client).add_to_group("a_b", "c", "d")),
    ("apigateway", "flush_stage_authorizers_cache", lambda client: StageCache(client, "api", "dev").flush()),
    ("dynamodb", "batch_get_item", read),
    ("dynamodb", "batch_get_item", write),
]


@pytest.mark.parametrize(("service", "operation", "call"), CALLS)
def test_a_logged_failure_names_the_code_and_nothing_of_the_message(
    service: Any, operation: str, call: Callable[[Any], Any]
) -> None:
    client, stubber = stubbed(service)
    stubber.add_client_error(operation, "ThrottlingException", f"{ADDRESS} is not valid")
    with pytest.raises((InternalError, ReadFailed)) as failed:
        call(client)
    logged = "".join(traceback.format_exception(failed.value))
    assert "ThrottlingException" in str(failed.value)
    assert ADDRESS not in logged


def chaining(source: str) -> Iterator[int]:
    """Yields the lines that raise another error while they handle one of the SDK, and do not suppress it."""
    for handler in ast.walk(ast.parse(source)):
        if isinstance(handler, ast.ExceptHandler) and SDK_ERRORS & _names(handler.type):
            for statement in ast.walk(handler):
                if isinstance(statement, ast.Raise) and statement.exc and not _is_none(statement.cause):
                    yield statement.lineno


def _names(expression: ast.expr | None) -> set[str]:
    """Returns the caught classes. A class that a client of the SDK gives counts as a ClientError."""
    nodes = list(ast.walk(expression)) if expression else []
    of_a_client = any(isinstance(node, ast.Attribute) and node.attr == "exceptions" for node in nodes)
    return {node.id for node in nodes if isinstance(node, ast.Name)} | ({"ClientError"} if of_a_client else set())


def _is_none(cause: ast.expr | None) -> bool:
    return isinstance(cause, ast.Constant) and cause.value is None


@pytest.mark.parametrize("path", sorted(SHIPPED.rglob("*.py")), ids=lambda path: str(path.relative_to(SHIPPED)))
def test_no_shipped_module_chains_an_error_of_the_sdk(path: Path) -> None:
    assert list(chaining(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize("caught", ["(BotoCoreError, ClientError)", "client.exceptions.ThrottlingException"])
@pytest.mark.parametrize(
    ("raised", "lines"),
    [("raise", []), ("raise Ours() from None", []), ("raise Ours()", [4]), ("raise Ours() from error", [4])],
)
def test_a_chained_error_is_found(caught: str, raised: str, lines: list[int]) -> None:
    source = f"try:\n    call()\nexcept {caught} as error:\n    {raised}\n"
    assert list(chaining(source)) == lines
