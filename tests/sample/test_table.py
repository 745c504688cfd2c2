"""The table of the sample stores files and reports separately and completely."""

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


def test_a_stored_item_is_read_with_its_id(table: SampleTable) -> None:
    table.put("report", "7", {"title": "Orders", "body": "many"})
    assert table.get("report", "7") == {"id": "7", "title": "Orders", "body": "many"}


def test_a_second_put_replaces_every_field_of_the_item(table: SampleTable) -> None:
    table.put("report", "7", {"title": "Orders", "body": "many"})
    table.put("report", "7", {"title": "Refunds"})
    assert table.get("report", "7") == {"id": "7", "title": "Refunds"}


def test_a_file_and_a_report_with_the_same_id_are_separate_items(table: SampleTable) -> None:
    table.put("file", "7", {"content": "seven"})
    assert table.get("report", "7") is None
    assert not table.delete("report", "7")
    assert table.get("file", "7") == {"id": "7", "content": "seven"}


def test_a_list_contains_only_the_items_of_its_kind_sorted_by_id(table: SampleTable) -> None:
    table.put("file", "b.txt", {"content": "b"})
    table.put("report", "7", {"title": "Orders", "body": "many"})
    table.put("file", "a.txt", {"content": ""})
    assert table.list("file") == [{"id": "a.txt", "content": ""}, {"id": "b.txt", "content": "b"}]


def test_a_list_of_several_pages_contains_every_item(table: SampleTable) -> None:
    for number in range(30):
        table.put("file", f"{number:02}", {"content": "x" * 60_000})
    assert [entry["id"] for entry in table.list("file")] == [f"{number:02}" for number in range(30)]


def test_a_deletion_returns_whether_the_item_existed(table: SampleTable) -> None:
    table.put("file", "a.txt", {"content": "a"})
    assert table.delete("file", "a.txt")
    assert not table.delete("file", "a.txt")
    assert table.get("file", "a.txt") is None


@pytest.mark.parametrize(
    "operation",
    [
        lambda t: t.list("file"),
        lambda t: t.get("file", "a.txt"),
        lambda t: t.put("file", "a.txt", {"content": "a"}),
        lambda t: t.delete("file", "a.txt"),
    ],
    ids=["list", "get", "put", "delete"],
)
def test_an_unreachable_table_is_an_internal_error_and_not_a_missing_item(
    dynamodb: "DynamoDBClient", operation: Callable[[SampleTable], object]
) -> None:
    with pytest.raises(InternalError) as failed:
        operation(SampleTable(dynamodb, "a-table-that-is-not-there"))
    assert failed.value.code == "sample_unreachable"
