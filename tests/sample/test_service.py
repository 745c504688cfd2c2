"""The sample service stores valid files and reports, and refuses others with the name of the field."""

from collections.abc import Callable

import pytest

from chalicelib.core.errors import InvalidInput, NotFound, TooLarge
from chalicelib.sample.service import MAX_CHARACTERS, MAX_TITLE, Entry, Kind, Service

ORDERS = {"title": "Orders", "body": "many"}


class FakeSampleStore:
    """Implements SampleStore."""

    def __init__(self) -> None:
        self.kept: dict[tuple[Kind, str], Entry] = {}

    def list(self, kind: Kind) -> list[Entry]:
        return [{**entry, "id": id_} for (its_kind, id_), entry in self.kept.items() if its_kind == kind]

    def get(self, kind: Kind, id_: str) -> Entry | None:
        return self.kept.get((kind, id_))

    def put(self, kind: Kind, id_: str, entry: Entry) -> None:
        self.kept[kind, id_] = entry

    def delete(self, kind: Kind, id_: str) -> bool:
        return self.kept.pop((kind, id_), None) is not None


@pytest.fixture
def service() -> Service:
    ids = iter(["r1", "r2"])
    return Service(FakeSampleStore(), new_id=lambda: next(ids))


def test_a_file_is_stored_under_its_given_name(service: Service) -> None:
    assert service.put_file("a.txt", "hello") == {"name": "a.txt", "content": "hello"}
    assert service.get_file("a.txt") == {"name": "a.txt", "content": "hello"}
    assert service.list_files() == ["a.txt"]
    service.delete_file("a.txt")
    assert service.list_files() == []


def test_each_report_is_stored_under_a_new_id(service: Service) -> None:
    assert service.add_report(**ORDERS) == {"id": "r1", **ORDERS}
    assert service.add_report(**ORDERS)["id"] == "r2"
    assert service.get_report("r1") == {"id": "r1", **ORDERS}
    assert service.list_reports() == [{"id": "r1", "title": "Orders"}, {"id": "r2", "title": "Orders"}]


def test_an_update_replaces_all_fields_of_a_report(service: Service) -> None:
    service.add_report(**ORDERS)
    assert service.put_report("r1", "Refunds", "few")["title"] == "Refunds"
    assert service.get_report("r1") == {"id": "r1", "title": "Refunds", "body": "few"}


@pytest.mark.parametrize(
    "operation",
    [
        lambda s: s.get_file("a.txt"),
        lambda s: s.delete_file("a.txt"),
        lambda s: s.get_report("r1"),
        lambda s: s.put_report("r1", **ORDERS),
        lambda s: s.delete_report("r1"),
    ],
    ids=["get_file", "delete_file", "get_report", "put_report", "delete_report"],
)
def test_an_operation_on_a_missing_item_raises_not_found_and_creates_nothing(
    service: Service, operation: Callable[[Service], object]
) -> None:
    with pytest.raises(NotFound):
        operation(service)
    assert (service.list_files(), service.list_reports()) == ([], [])


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a b", "a\n", "ä", "n" * 129, "../a", "a%2Fb"])
def test_a_file_name_with_other_characters_or_length_is_refused(service: Service, name: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        service.put_file(name, "")
    assert refused.value.field == "name"
    assert service.list_files() == []


@pytest.mark.parametrize("name", ["a", "...", ".a", "A-b_c.1", "n" * 128])
def test_a_valid_file_name_is_accepted(service: Service, name: str) -> None:
    assert service.put_file(name, "")["name"] == name


@pytest.mark.parametrize(
    ("report", "field"),
    [
        pytest.param({**ORDERS, "title": "t" * (MAX_TITLE + 1)}, "title", id="a title that is too long"),
        pytest.param({**ORDERS, "body": "b" * (MAX_CHARACTERS + 1)}, "body", id="a body that is too long"),
    ],
)
def test_a_report_that_is_too_large_is_refused_with_the_field_name(
    service: Service, report: dict[str, str], field: str
) -> None:
    with pytest.raises(TooLarge) as refused:
        service.add_report(**report)
    assert refused.value.field == field
    assert service.list_reports() == []


def test_a_file_that_is_too_large_is_refused(service: Service) -> None:
    with pytest.raises(TooLarge):
        service.put_file("a.txt", "x" * (MAX_CHARACTERS + 1))
    assert service.list_files() == []


def test_a_report_of_the_maximum_size_is_stored(service: Service) -> None:
    longest = {"title": "t" * MAX_TITLE, "body": "b" * MAX_CHARACTERS}
    assert service.add_report(**longest) == {"id": "r1", **longest}


def test_one_hundred_reports_get_different_ids() -> None:
    made = Service(FakeSampleStore())
    assert len({made.add_report(**ORDERS)["id"] for _ in range(100)}) == 100
