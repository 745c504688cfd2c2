"""The responses of the sample's routes to granted requests, with the real wiring and tables in the test process."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from chalicelib.json_schema import Schemas
from chalicelib.sample.routes import FileBody, ReportBody
from chalicelib.sample.service import MAX_CHARACTERS, MAX_TITLE
from tests import answers
from tests.answers import ADMIN, wired
from tests.aws.tables import empty_tables
from tests.sample.scopes import READ, WRITE

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

FILES = {"claims": {"token_use": "access", "scope": f"{READ} {WRITE}"}}
REPORT = {"title": "Orders", "body": "many"}


@pytest.fixture(scope="module", autouse=True)
def isolated_wiring() -> Iterator[None]:
    with wired():
        yield


@pytest.fixture(autouse=True)
def tables() -> Iterator["DynamoDBClient"]:
    with empty_tables() as client:
        yield client


def granted(resource: str) -> dict[str, Any]:
    return FILES if resource.startswith("/files") else ADMIN


def call(method: str, resource: str, body: Any = None, **parameters: str) -> tuple[int, Any]:
    return answers.call(method, resource, body, granted(resource), **parameters)


def refusal(method: str, resource: str, body: Any = None, **parameters: str) -> tuple[int, str]:
    return answers.refusal(method, resource, body, granted(resource), **parameters)


def test_a_report_can_be_created_read_updated_listed_and_deleted() -> None:
    status, written = call("POST", "/reports", REPORT)
    assert (status, written) == (201, {"id": written["id"], **REPORT})
    assert call("GET", "/reports/{id}", id=written["id"]) == (200, written)
    changed = {"title": "Refunds", "body": "few"}
    assert call("PUT", "/reports/{id}", changed, id=written["id"]) == (200, {"id": written["id"], **changed})
    assert call("GET", "/reports") == (200, {"reports": [{"id": written["id"], "title": "Refunds"}]})
    assert call("DELETE", "/reports/{id}", id=written["id"]) == (204, None)
    assert call("GET", "/reports") == (200, {"reports": []})


def test_a_file_can_be_written_read_listed_and_deleted() -> None:
    assert call("PUT", "/files/{name}", {"content": "hello"}, name="a.txt")[0] == 200
    assert call("GET", "/files/{name}", name="a.txt") == (200, {"name": "a.txt", "content": "hello"})
    assert call("GET", "/files") == (200, {"files": ["a.txt"]})
    assert call("DELETE", "/files/{name}", name="a.txt") == (204, None)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("", id="an empty body"),
        pytest.param("title=Orders", id="not JSON"),
        pytest.param('{"title": "a", "title": "b", "body": "c"}', id="a repeated field"),
        pytest.param([REPORT], id="a list"),
        pytest.param({**REPORT, "id": "mine"}, id="an unknown field"),
    ],
)
def test_a_malformed_report_returns_400(body: object) -> None:
    assert refusal("POST", "/reports", body) == (400, "invalid_input")


def test_a_lone_surrogate_in_a_report_returns_400() -> None:
    assert refusal("POST", "/reports", '{"title": "\\ud800", "body": ""}') == (400, "invalid_input")


def test_a_file_that_is_too_large_returns_413() -> None:
    assert refusal("PUT", "/files/{name}", {"content": "x" * 65_537}, name="a.txt") == (413, "invalid_input")


@pytest.mark.parametrize(
    ("method", "resource"),
    [
        ("GET", "/reports/{id}"),
        ("DELETE", "/reports/{id}"),
        ("GET", "/files/{name}"),
        ("DELETE", "/files/{name}"),
    ],
)
def test_a_missing_report_or_file_returns_404(method: str, resource: str) -> None:
    assert refusal(method, resource) == (404, "not_found")


def test_an_unreachable_table_returns_500_without_the_cause(tables: "DynamoDBClient") -> None:
    tables.delete_table(TableName="SampleTable")
    status, answered = call("GET", "/reports")
    assert (status, answered["code"]) == (500, "sample_unreachable")
    assert "DynamoDB" not in answered["message"]


@pytest.mark.parametrize("name", ["%FF", "a%00", "%0a"])
def test_a_file_name_that_is_not_valid_text_returns_400(name: str) -> None:
    assert refusal("GET", "/files/{name}", name=name) == (400, "invalid_input")


def test_the_forms_have_the_limits_of_the_service() -> None:
    limits = {
        form.__name__: {name: schema.get("maxLength") for name, schema in properties(form).items()}
        for form in (FileBody, ReportBody)
    }
    assert limits == {
        "FileBody": {"content": MAX_CHARACTERS},
        "ReportBody": {"title": MAX_TITLE, "body": MAX_CHARACTERS},
    }


def properties(form: Any) -> dict[str, Any]:
    schemas = Schemas()
    named: dict[str, Any] = schemas.named[schemas.name_of(form)]["properties"]
    return named
