"""The sample service's table keeps files and reports apart, whole, and for whoever asks next."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from chalicelib.core.errors import InternalError
from chalicelib.sample.table import SampleTable
from tests.aws.tables import empty_tables

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@pytest.fixture
def dynamodb() -> Iterator["DynamoDBClient"]:
    with empty_tables() as client:
        yield client


@pytest.fixture
def table(dynamodb: "DynamoDBClient") -> SampleTable:
    return SampleTable(dynamodb, "SampleTable")


def test_a_document_that_was_put_is_found_with_its_id(table: SampleTable) -> None:
    table.put("report", "7", {"title": "Orders", "body": "many"})
    assert table.get("report", "7") == {"id": "7", "title": "Orders", "body": "many"}


def test_a_document_that_is_put_again_keeps_nothing_of_the_one_before(table: SampleTable) -> None:
    table.put("report", "7", {"title": "Orders", "body": "many"})
    table.put("report", "7", {"title": "Refunds"})
    assert table.get("report", "7") == {"id": "7", "title": "Refunds"}


def test_a_file_and_a_report_of_the_same_name_are_two_documents(table: SampleTable) -> None:
    table.put("file", "7", {"content": "seven"})
    assert table.get("report", "7") is None
    assert not table.delete("report", "7")
    assert table.get("file", "7") == {"id": "7", "content": "seven"}


def test_documents_are_listed_by_their_kind(table: SampleTable) -> None:
    table.put("file", "b.txt", {"content": "b"})
    table.put("report", "7", {"title": "Orders", "body": "many"})
    table.put("file", "a.txt", {"content": ""})
    assert table.list("file") == [{"id": "a.txt", "content": ""}, {"id": "b.txt", "content": "b"}]


def test_documents_that_need_several_pages_are_all_listed(table: SampleTable) -> None:
    for number in range(30):
        table.put("file", f"{number:02}", {"content": "x" * 60_000})
    assert [entry["id"] for entry in table.list("file")] == [f"{number:02}" for number in range(30)]


def test_deleting_tells_whether_there_was_one(table: SampleTable) -> None:
    table.put("file", "a.txt", {"content": "a"})
    assert table.delete("file", "a.txt")
    assert not table.delete("file", "a.txt")
    assert table.get("file", "a.txt") is None


@pytest.mark.parametrize(
    "ask",
    [
        lambda t: t.list("file"),
        lambda t: t.get("file", "a.txt"),
        lambda t: t.put("file", "a.txt", {"content": "a"}),
        lambda t: t.delete("file", "a.txt"),
    ],
    ids=["list", "get", "put", "delete"],
)
def test_a_table_that_cannot_be_reached_is_our_failure_and_never_an_absence(
    dynamodb: "DynamoDBClient", ask: Callable[[SampleTable], object]
) -> None:
    with pytest.raises(InternalError) as failed:
        ask(SampleTable(dynamodb, "a-table-that-is-not-there"))
    assert failed.value.code == "sample_unreachable"
