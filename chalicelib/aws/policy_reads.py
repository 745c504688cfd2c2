"""The read of policies by authorizers. Needs no SDK; `policies` describes the table and has the writes."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from chalicelib.aws.items import Item, ItemReader, ReadFailed, batch_get
from chalicelib.core import strict_json
from chalicelib.core.errors import CannotDecide, InternalError, InvalidInput
from chalicelib.core.policy import Policy
from chalicelib.core.policy_json import parse_statements, read_statements
from chalicelib.core.statement import Statement

CheckSize = Callable[[Sequence[Statement]], None]


def any_size(_: Sequence[Statement]) -> None: ...


class PolicyReads:
    """Implements PolicyReader on one DynamoDB table.

    check_size  raises InvalidInput for statements that are too large; a stored policy of that size is corrupt
    """

    def __init__(self, reader: ItemReader, table: str, check_size: CheckSize = any_size) -> None:
        self._reader = reader
        self._table = table
        self._check_size = check_size

    def read(self, subjects: Iterable[str]) -> Mapping[str, Policy]:
        keys = [{"subject": {"S": subject}} for subject in dict.fromkeys(subjects)]
        try:
            items = batch_get(self._reader, self._table, keys)
        except ReadFailed as failed:
            raise CannotDecide("policies_unreachable", f"DynamoDB: {failed}") from failed
        return {
            item["subject"]["S"]: policy_of(item, self._check_size, CannotDecide)
            for item in items
            if not is_deleted(item)
        }


def policy_of(item: Item, check_size: CheckSize, error_class: type[InternalError]) -> Policy:
    """Returns the whole policy. Raises `error_class` for a corrupt item: a part of a policy could lack its Deny."""
    try:
        statements = parse_statements(strict_json.parse(item["statements"]["S"].encode()))
        check_size(statements)
        return Policy(
            subject=item["subject"]["S"],
            version=int(item["version"]["N"]),
            statements=statements,
            updated_by=item["updated_by"]["S"],
            updated_at=item["updated_at"]["S"],
        )
    except (KeyError, ValueError, InvalidInput) as error:
        raise error_class("policy_corrupt", "a stored policy is not in the form that Gatehouse writes") from error


def statements_of(item: Item) -> tuple[Statement, ...] | None:
    """Returns the statements of an item, or None if the item is deleted or is not in the form that Gatehouse writes."""
    text = item.get("statements", {}).get("S")
    return None if is_deleted(item) or not isinstance(text, str) else read_statements(text)


def is_deleted(item: Item) -> bool:
    return "deleted" in item
