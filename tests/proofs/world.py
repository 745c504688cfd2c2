"""The world around the shipped code, as bad as AWS allows it to be: what the invalidation machine plays.

    Task        a piece of shipped code in a thread of its own, which moves only when it is told to, and can be killed
    DynamoDb    a low-level client whose every call stops before each thing it does, and can go wrong there
    ApiGateway  the client that orders a flush
    Node        one of the gateway's machines, with answers that it replays; it obeys a flush when it likes
    Stream      the changes of the policy table, on their way to a Lambda

Of all threads one runs at a time, the one that holds the baton, so a run is the same whenever it is repeated. Nothing
here waits for time to pass: whoever does not hand the baton on in `PATIENCE_SECONDS` is broken, and fails the test.
"""

import re
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from botocore.exceptions import ClientError, ReadTimeoutError

PATIENCE_SECONDS = 60

# ------------------------------------------------------------------------------------------------------------ the baton


class Mishap(Enum):
    """What can befall a call; a batch, between any two of its keys. Where nothing can be left over, nothing is done."""

    THROTTLED = "is throttled, or meets an internal error, and does nothing"
    ANSWER_LOST = "is done, but its answer is lost"
    ASKED_TWICE = "is done, its answer is lost, and the SDK asks again"
    REST_UNPROCESSED = "leaves the rest of the batch unprocessed"
    STARVED = "leaves the rest of the batch unprocessed, and so does every later batch of this task"
    DEATH_BEFORE = "is never made: the Lambda dies"
    DEATH_AFTER = "is done, and then the Lambda dies"


@dataclass(frozen=True, slots=True)
class Order:
    """What the adversary has decided for one stop; `pick` chooses among the keys of a batch."""

    pick: int = 0
    mishap: Mishap | None = None


_DEATHS = (Mishap.DEATH_BEFORE, Mishap.DEATH_AFTER)


class Died(BaseException):
    """The Lambda is gone. No `except Exception` of the shipped code can live through this."""


class Stuck(AssertionError):
    """The baton was not handed on."""


class Task:
    """Runs `work` from stop to stop, as it is told.

    value, failure  what came of it; neither, if it is dead
    harm            a failure of which it was told
    unread          keys that it asked for, and has not got to know
    was_short       keys were left unprocessed at least once
    """

    _here = threading.local()

    def __init__(self, work: Callable[[], Any]) -> None:
        self.value: Any = None
        self.failure: Exception | None = None
        self.is_over = self.is_dead = False
        self.harm = ""
        self.unread: set[tuple[str, str]] = set()
        self.tables_read: set[str] = set()
        self.is_starved = self.was_short = False
        self._work = work
        self._order = Order()
        self._runs_through = False
        self._thread = threading.Thread(target=self._run_until_told, daemon=True)
        self._go, self._stopped = threading.Lock(), threading.Lock()
        self._go.acquire()
        self._stopped.acquire()

    @staticmethod
    def here() -> "Task":
        """The task whose code this is."""
        task: Task = Task._here.task
        return task

    def run(self) -> None:
        """Begin and end, with nobody acting in between and nothing going wrong; that takes no thread."""
        self._runs_through = True
        self._run()

    def start(self) -> None:
        """Begin, and go on to the first stop."""
        self._thread.start()
        self._await_stop()

    def move(self, order: Order) -> None:
        """Go on to the next stop, or to the end."""
        self._order = order
        self._go.release()
        self._await_stop()

    def finish(self) -> None:
        """Go on to the end, as `run` does."""
        self._runs_through = True
        self.move(Order())

    def die(self) -> None:
        self.move(Order(mishap=Mishap.DEATH_BEFORE))
        if not self.is_over:
            raise Stuck("a task outlived its death")

    def stop(self) -> Order:
        """Hand the baton over until told how to go on. Raises Died."""
        if self._runs_through:
            return Order()
        if self._order.mishap in _DEATHS:
            raise Died  # a process that is gone runs no `finally`, so the call in there is not made
        self._stopped.release()
        told = self._go.acquire(timeout=PATIENCE_SECONDS)
        if not told or self._order.mishap is Mishap.DEATH_BEFORE:
            raise Died
        return self._order

    def _await_stop(self) -> None:
        if not self._stopped.acquire(timeout=PATIENCE_SECONDS):
            raise Stuck("a task neither stopped nor ended")
        if self.is_over:
            self._thread.join(PATIENCE_SECONDS)
            if self._thread.is_alive():
                raise Stuck("a thread outlived its task")

    def _run_until_told(self) -> None:
        self._run()
        self._stopped.release()

    def _run(self) -> None:
        Task._here.task = self
        try:
            self.value = self._work()
        except Died:
            self.is_dead = True
        except Exception as failure:
            self.failure = failure
        self.is_over = True


def _fail(operation: str, mishap: Mishap) -> None:
    Task.here().harm = f"{operation} {mishap.value}"
    if mishap is Mishap.ANSWER_LOST:
        raise ReadTimeoutError(endpoint_url="https://dynamodb.mars-west-1.example")
    code = "InternalServerError" if Task.here().is_starved else "ProvisionedThroughputExceededException"
    raise ClientError({"Error": {"Code": code, "Message": mishap.value}}, operation)


def _call(operation: str, do: Callable[[], Any]) -> Any:
    """One call that does one thing, atomically."""
    mishap = Task.here().stop().mishap
    if mishap in (Mishap.THROTTLED, Mishap.REST_UNPROCESSED, Mishap.STARVED):
        _fail(operation, mishap)
    answer = do()
    match mishap:
        case Mishap.ANSWER_LOST:
            _fail(operation, mishap)
        case Mishap.ASKED_TWICE:
            answer = do()
        case Mishap.DEATH_AFTER:
            raise Died
    return answer


# ------------------------------------------------------------------------------------------------------------- DynamoDB

Item = dict[str, Any]

POLICIES, STATE = "policies", "state"
KEY_OF = {POLICIES: "subject", STATE: "id"}
GENERATION = "generation"


@dataclass(frozen=True, slots=True, eq=False)
class Write:
    """One write to one item; no new image means that the item is gone."""

    table: str
    key: str
    old: Item | None
    new: Item | None


class DynamoDb:
    """Two tables, with as much of the low-level client as the adapters use; anything else is refused, never guessed.

    A read that does not ask for strong consistency gets what the item was before its last write: late, but allowed.

    written  is told of every write, at the moment it happens
    """

    def __init__(self, written: Callable[[Write], None]) -> None:
        self._written = written
        self._items: dict[tuple[str, str], Item | None] = {}
        self._before: dict[tuple[str, str], Item | None] = {}

    def begin(self, table: str, key: str, item: Item) -> None:
        """Let an item have been there for ever."""
        self._items[table, key] = self._before[table, key] = item

    def edit(self, table: str, key: str, item: Item | None) -> None:
        """Write an item as a person does in the AWS console: at once, whole, past every rule of ours."""
        self._put(table, key, item)

    def peek(self, table: str, key: str) -> Item | None:
        return self._items.get((table, key))

    def batch_get_item(self, RequestItems: Mapping[str, Any]) -> dict[str, Any]:
        task = Task.here()
        asked = [
            (table, key[KEY_OF[table]]["S"], request.get("ConsistentRead", False))
            for table, request in RequestItems.items()
            for key in request["Keys"]
        ]
        task.unread |= {(table, key) for table, key, _ in asked}
        task.tables_read |= set(RequestItems)
        pending, items = list(asked), []
        while pending and not task.is_starved:
            order = Task.here().stop()
            match order.mishap:
                case Mishap.THROTTLED | Mishap.ANSWER_LOST as mishap:
                    _fail("BatchGetItem", mishap)
                case Mishap.ASKED_TWICE:
                    pending, items = list(asked), []
                case Mishap.STARVED | Mishap.REST_UNPROCESSED as mishap:
                    task.is_starved = mishap is Mishap.STARVED
                    break
            table, key, is_consistent = pending.pop(order.pick % len(pending))
            item = (self._items if is_consistent else self._before).get((table, key))
            if item is not None:
                items.append((table, item))
            if order.mishap is Mishap.DEATH_AFTER:
                raise Died
        task.unread -= {(table, key) for table, key, _ in asked} - {(table, key) for table, key, _ in pending}
        if (STATE, GENERATION) in {(table, key) for table, key, _ in asked} - {
            *((table, key) for table, key, _ in pending),
            *((table, item[KEY_OF[table]]["S"]) for table, item in items),
        }:
            task.harm = "there was no generation"
        task.was_short |= bool(pending)
        self._travel_back("BatchGetItem")
        return {
            "Responses": _by_table(items),
            "UnprocessedKeys": {
                table: {"Keys": keys, "ConsistentRead": RequestItems[table].get("ConsistentRead", False)}
                for table, keys in _by_table((table, {KEY_OF[table]: {"S": key}}) for table, key, _ in pending).items()
            },
        }

    def update_item(
        self,
        TableName: str,
        Key: Item,
        UpdateExpression: str,
        ExpressionAttributeValues: Item,
        ReturnValues: str,
        ConditionExpression: str = "",
    ) -> dict[str, Any]:
        key = _only_text(Key)

        def do() -> dict[str, Any]:
            old = self._items.get((TableName, key)) or {}
            _check("UpdateItem", ConditionExpression, old, ExpressionAttributeValues)
            changed = _updated(old, UpdateExpression, ExpressionAttributeValues)
            new = {**Key, **changed}
            self._put(TableName, key, new)
            match ReturnValues:
                case "ALL_NEW":
                    return {"Attributes": new}
                case "UPDATED_NEW":
                    return {"Attributes": {name: new[name] for name in new if new[name] != old.get(name)}}
            raise NotImplementedError(ReturnValues)

        return _call("UpdateItem", do)

    def put_item(
        self, TableName: str, Item: Item, ConditionExpression: str, ExpressionAttributeValues: Item
    ) -> dict[str, Any]:
        key = Item[KEY_OF[TableName]]["S"]

        def do() -> dict[str, Any]:
            old = self._items.get((TableName, key)) or {}
            _check("PutItem", ConditionExpression, old, ExpressionAttributeValues)
            self._put(TableName, key, dict(Item))
            return {}

        return _call("PutItem", do)

    def delete_item(self, TableName: str, Key: Item, ConditionExpression: str) -> dict[str, Any]:
        key = _only_text(Key)

        def do() -> dict[str, Any]:
            _check("DeleteItem", ConditionExpression, self._items.get((TableName, key)) or {}, {})
            self._put(TableName, key, None)
            return {}

        return _call("DeleteItem", do)

    def _put(self, table: str, key: str, new: Item | None) -> None:
        old = self._items.get((table, key))
        self._before[table, key], self._items[table, key] = old, new
        self._written(Write(table, key, old, new))

    @staticmethod
    def _travel_back(operation: str) -> None:
        """What was read may be old by the time it arrives."""
        match Task.here().stop().mishap:
            case Mishap.ANSWER_LOST as mishap:
                _fail(operation, mishap)
            case Mishap.DEATH_AFTER:
                raise Died


def _by_table(found: Iterable[tuple[str, Any]]) -> dict[str, list[Any]]:
    tables: dict[str, list[Any]] = {}
    for table, value in found:
        tables.setdefault(table, []).append(value)
    return tables


def _only_text(key: Item) -> str:
    ((_, value),) = key.items()
    return str(value["S"])


def _check(operation: str, condition: str, item: Item, values: Item) -> None:
    words = deque(re.findall(r"attribute_(?:not_)?exists\(\w+\)|\w+ [=<] :\w+|AND|OR|NOT|[()]", condition))
    if "".join(words).replace(" ", "") != condition.replace(" ", ""):
        raise NotImplementedError(condition)
    if words and not _either(words, item, values):
        raise ClientError({"Error": {"Code": "ConditionalCheckFailedException", "Message": condition}}, operation)


def _either(words: deque[str], item: Item, values: Item) -> bool:
    """NOT binds closer than AND, and that closer than OR."""
    truths = [_both(words, item, values)]
    while words and words[0] == "OR":
        words.popleft()
        truths.append(_both(words, item, values))
    return any(truths)


def _both(words: deque[str], item: Item, values: Item) -> bool:
    truths = [_single(words, item, values)]
    while words and words[0] == "AND":
        words.popleft()
        truths.append(_single(words, item, values))
    return all(truths)


def _single(words: deque[str], item: Item, values: Item) -> bool:
    word = words.popleft()
    if word == "NOT":
        return not _single(words, item, values)
    if word == "(":
        truth = _either(words, item, values)
        words.popleft()
        return truth
    return _holds(word, item, values)


def _holds(term: str, item: Item, values: Item) -> bool:
    if parts := re.fullmatch(r"attribute_exists\((\w+)\)", term):
        return parts[1] in item
    if parts := re.fullmatch(r"attribute_not_exists\((\w+)\)", term):
        return parts[1] not in item
    if parts := re.fullmatch(r"(\w+) = (:\w+)", term):
        return item.get(parts[1]) == values[parts[2]]
    if parts := re.fullmatch(r"(\w+) < (:\w+)", term):
        return parts[1] in item and int(item[parts[1]]["N"]) < int(values[parts[2]]["N"])
    raise NotImplementedError(term)


def _updated(item: Item, expression: str, values: Item) -> Item:
    """Every operand is what it was before the update."""
    parts = re.fullmatch(r"SET (.+?)(?: REMOVE (\w+))?", expression)
    if not parts:
        raise NotImplementedError(expression)
    new = dict(item)
    for assignment in re.split(r", (?![^(]*\))", parts[1]):
        name, value = assignment.split(" = ")
        new[name] = _value(value, item, values)
    new.pop(parts[2], None)
    return new


def _value(text: str, item: Item, values: Item) -> Any:
    permissions = [_operand(term, item, values) for term in text.split(" + ")]
    return permissions[0] if len(permissions) == 1 else {"N": str(sum(int(term["N"]) for term in permissions))}


def _operand(term: str, item: Item, values: Item) -> Any:
    if parts := re.fullmatch(r"if_not_exists\((\w+), (:\w+)\)", term):
        return item.get(parts[1], values[parts[2]])
    return values[term]


# ---------------------------------------------------------------------------------------------------------- API Gateway


@dataclass
class Node:
    """One of the gateway's machines.

    answers, flushed  what it replays, and what a flush took away but may yet come back: by token, with the time kept
    """

    answers: dict[str, tuple[Any, float]] = field(default_factory=dict)
    flushed: dict[str, tuple[Any, float]] = field(default_factory=dict)
    is_to_flush: bool = False

    def replay(self, token: str, now: float, ttl: float) -> Any:
        answer, kept_at = self.answers.get(token, (None, 0.0))
        return answer if now - kept_at < ttl else None

    def flush(self) -> None:
        self.flushed, self.answers, self.is_to_flush = self.answers, {}, False

    def flap(self) -> None:
        self.answers, self.flushed = self.flushed | self.answers, {}


@dataclass
class ApiGateway:
    """The client that orders a flush; the nodes hear of it."""

    nodes: list[Node]

    def flush_stage_authorizers_cache(self, restApiId: str, stageName: str) -> dict[str, Any]:
        def do() -> dict[str, Any]:
            for node in self.nodes:
                node.is_to_flush = True
            return {}

        return _call("FlushStageAuthorizersCache", do)


# ----------------------------------------------------------------------------------------------------------- the stream


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """A change of a policy, as the stream tells of it; `about` is for whoever wants to know when it was dealt with."""

    number: int
    key: str
    about: Any
    event: dict[str, Any]


class Stream:
    """The policy table's stream: every change comes, in order for each item, but as late and as often as it likes."""

    def __init__(self) -> None:
        self._pending: dict[str, list[Record]] = {}
        self._under_way: set[str] = set()
        self._length = 0

    @property
    def deliverable(self) -> list[str]:
        """Items with changes to tell of, and no batch under way that tells of them."""
        return sorted(key for key, records in self._pending.items() if records and key not in self._under_way)

    def append(self, write: Write, about: Any) -> None:
        self._length += 1
        images = {"OldImage": write.old, "NewImage": write.new}
        event = {
            "eventName": "INSERT" if write.old is None else "REMOVE" if write.new is None else "MODIFY",
            "dynamodb": {
                "Keys": {KEY_OF[write.table]: {"S": write.key}},
                "SequenceNumber": f"{self._length:021}",
                **{name: image for name, image in images.items() if image is not None},
            },
        }
        self._pending.setdefault(write.key, []).append(Record(self._length, write.key, about, event))

    def take(self, keys: list[str], most: int) -> list[Record]:
        """Begin a batch: the oldest changes of each of these items."""
        self._under_way |= set(keys)
        return sorted((r for key in keys for r in self._pending[key][:most]), key=lambda record: record.number)

    def settle(self, batch: list[Record], answer: Any, comes_again: bool) -> list[Record]:
        """End a batch as Lambda does, and give what is dealt with: all before the first record that was reported.

        An answer that is none, or names a record which was not sent, is a failure of them all.
        """
        self._under_way -= {record.key for record in batch}
        numbers = {record.event["dynamodb"]["SequenceNumber"]: record.number for record in batch}
        failures = answer["batchItemFailures"] if answer else [{"itemIdentifier": "none"}]
        first_failed = min(
            (numbers.get(failure["itemIdentifier"], 0) for failure in failures), default=self._length + 1
        )
        dealt_with = [record for record in batch if record.number < first_failed]
        if not comes_again:
            for record in dealt_with:
                self._pending[record.key].remove(record)
        return dealt_with
