"""Simulates AWS around the shipped code, with every fault that AWS permits. The invalidation machine uses it.

    Task        runs a piece of shipped code in its own thread, one stop at a time, and can crash it
    DynamoDb    a low-level client. Each call stops before each of its effects, and can fail there
    ApiGateway  the client that orders a flush
    Node        one machine of the gateway, with the answers that it replays. It executes a flush at any later time
    Stream      the changes of the policy table, on their way to a Lambda

Only one thread runs at a time, so every run is reproducible. The threads hand control over with locks. Nothing here
waits for time to pass: a task that keeps control for `DEADLINE_SECONDS` fails the test.
"""

import re
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, TypeVar

from botocore.exceptions import ClientError, ReadTimeoutError

DEADLINE_SECONDS = 60

Result = TypeVar("Result")

# ------------------------------------------------------------------------------------------------------------ the tasks


class Fault(Enum):
    """A fault of one call, or between two keys of a batch. A fault that does not apply to a call has no effect."""

    THROTTLED = "is throttled or meets an internal error, and has no effect"
    ANSWER_LOST = "succeeds, but its answer is lost"
    REPEATED = "succeeds, its answer is lost, and the SDK repeats it"
    REST_UNPROCESSED = "leaves the rest of the batch unprocessed"
    STARVED = "leaves the rest of this batch and of every later batch of this task unprocessed"
    CRASH_BEFORE = "is never made, because the Lambda crashes"
    CRASH_AFTER = "succeeds, and then the Lambda crashes"


@dataclass(frozen=True, slots=True)
class Instruction:
    """The adversary's decision for one stop. `pick` selects a key of a batch."""

    pick: int = 0
    fault: Fault | None = None


_CRASHES = (Fault.CRASH_BEFORE, Fault.CRASH_AFTER)


class Crashed(BaseException):
    """The Lambda has crashed. No `except Exception` of the shipped code can catch this."""


class TaskStuck(AssertionError):
    """A task did not hand control back in time."""


class Task:
    """Runs `work` from stop to stop, one instruction at a time.

    value, failure  the result; neither is set after a crash
    injected_fault  the injected fault that must make the task fail
    unread          keys that the task requested and did not receive
    was_short       whether keys were left unprocessed at least once
    """

    _here = threading.local()

    def __init__(self, work: Callable[[], Any]) -> None:
        self.value: Any = None
        self.failure: Exception | None = None
        self.is_over = self.has_crashed = False
        self.injected_fault = ""
        self.unread: set[tuple[str, str]] = set()
        self.tables_read: set[str] = set()
        self.is_starved = self.was_short = False
        self._work = work
        self._instruction = Instruction()
        self._runs_through = False
        self._thread = threading.Thread(target=self._run_in_thread, daemon=True)
        self._go, self._stopped = threading.Lock(), threading.Lock()
        self._go.acquire()
        self._stopped.acquire()

    @staticmethod
    def here() -> "Task":
        """Returns the task that runs this code."""
        task: Task = Task._here.task
        return task

    def run(self) -> None:
        """Runs from start to end without a stop or a fault. This needs no thread."""
        self._runs_through = True
        self._run()

    def start(self) -> None:
        """Start, and run to the first stop."""
        self._thread.start()
        self._await_stop()

    def move(self, instruction: Instruction) -> None:
        """Runs to the next stop, or to the end."""
        self._instruction = instruction
        self._go.release()
        self._await_stop()

    def finish(self) -> None:
        """Runs to the end, as `run` does."""
        self._runs_through = True
        self.move(Instruction())

    def crash(self) -> None:
        self.move(Instruction(fault=Fault.CRASH_BEFORE))
        if not self.is_over:
            raise TaskStuck("a task continued after its crash")

    def stop(self) -> Instruction:
        """Hand control over until the next instruction arrives. Raises Crashed."""
        if self._runs_through:
            return Instruction()
        if self._instruction.fault in _CRASHES:
            raise Crashed  # a crashed process runs no `finally` block, so no call in it is made
        self._stopped.release()
        received = self._go.acquire(timeout=DEADLINE_SECONDS)
        if not received or self._instruction.fault is Fault.CRASH_BEFORE:
            raise Crashed
        return self._instruction

    def _await_stop(self) -> None:
        if not self._stopped.acquire(timeout=DEADLINE_SECONDS):
            raise TaskStuck("a task neither stopped nor ended")
        if self.is_over:
            self._thread.join(DEADLINE_SECONDS)
            if self._thread.is_alive():
                raise TaskStuck("a thread continued after its task ended")

    def _run_in_thread(self) -> None:
        self._run()
        self._stopped.release()

    def _run(self) -> None:
        Task._here.task = self
        try:
            self.value = self._work()
        except Crashed:
            self.has_crashed = True
        except Exception as failure:
            self.failure = failure
        self.is_over = True


def _fail(operation: str, fault: Fault) -> None:
    Task.here().injected_fault = f"{operation} {fault.value}"
    if fault is Fault.ANSWER_LOST:
        raise ReadTimeoutError(endpoint_url="https://dynamodb.mars-west-1.example")
    code = "InternalServerError" if Task.here().is_starved else "ProvisionedThroughputExceededException"
    raise ClientError({"Error": {"Code": code, "Message": fault.value}}, operation)


def _call(operation: str, do: Callable[[], Result]) -> Result:
    """Makes one call that has one atomic effect."""
    fault = Task.here().stop().fault
    if fault in (Fault.THROTTLED, Fault.REST_UNPROCESSED, Fault.STARVED):
        _fail(operation, fault)
    answer = do()
    match fault:
        case Fault.ANSWER_LOST:
            _fail(operation, fault)
        case Fault.REPEATED:
            answer = do()
        case Fault.CRASH_AFTER:
            raise Crashed
    return answer


# ------------------------------------------------------------------------------------------------------------- DynamoDB

Item = dict[str, Any]

POLICIES, STATE, AUDIT = "policies", "state", "audit"
KEY_OF = {POLICIES: "subject", STATE: "id"}
GENERATION, COPY = "generation", "shard:"


@dataclass(frozen=True, slots=True, eq=False)
class Write:
    """One write to one item. Without a new image, the write deletes the item."""

    table: str
    key: str
    old: Item | None
    new: Item | None


class DynamoDb:
    """Three tables, and the part of the low-level client that the adapters use. Refuses everything else.

    A read without strong consistency returns the item before its last write, as DynamoDB may do.

    written  is called at each write
    """

    def __init__(self, written: Callable[[Write], None]) -> None:
        self._written = written
        self._items: dict[tuple[str, str], Item | None] = {}
        self._before: dict[tuple[str, str], Item | None] = {}

    def begin(self, table: str, key: str, item: Item) -> None:
        """Sets an item that has always existed."""
        self._items[table, key] = self._before[table, key] = item

    def edit(self, table: str, key: str, item: Item | None) -> None:
        """Writes an item as a person does in the AWS console: at once, and without the rules of the application."""
        self._put(table, key, item)

    def peek(self, table: str, key: str) -> Item | None:
        return self._items.get((table, key))

    def batch_get_item(self, RequestItems: Mapping[str, Any]) -> dict[str, Any]:
        task = Task.here()
        requested = [
            (table, key[KEY_OF[table]]["S"], request.get("ConsistentRead", False))
            for table, request in RequestItems.items()
            for key in request["Keys"]
        ]
        task.unread |= {(table, key) for table, key, _ in requested}
        task.tables_read |= set(RequestItems)
        pending = list(requested)
        items: list[tuple[str, Item]] = []
        while pending and not task.is_starved:
            instruction = Task.here().stop()
            match instruction.fault:
                case Fault.THROTTLED | Fault.ANSWER_LOST as fault:
                    _fail("BatchGetItem", fault)
                case Fault.REPEATED:
                    pending, items = list(requested), []
                case Fault.STARVED | Fault.REST_UNPROCESSED as fault:
                    task.is_starved = fault is Fault.STARVED
                    break
            table, key, is_consistent = pending.pop(instruction.pick % len(pending))
            item = (self._items if is_consistent else self._before).get((table, key))
            if item is not None:
                items.append((table, item))
            if instruction.fault is Fault.CRASH_AFTER:
                raise Crashed
        task.unread -= {(table, key) for table, key, _ in requested} - {(table, key) for table, key, _ in pending}
        processed = {(table, key) for table, key, _ in requested} - {(table, key) for table, key, _ in pending}
        counted = {(table, item[KEY_OF[table]]["S"]) for table, item in items if "n" in item}
        if any(_is_counted(*key) for key in processed - counted):
            task.injected_fault = "there is no generation"
        task.was_short |= bool(pending)
        self._deliver_response("BatchGetItem")
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
        key = _key_of(TableName, Key)

        def do() -> dict[str, Any]:
            old = self._items.get((TableName, key)) or {}
            _check_condition("UpdateItem", ConditionExpression, old, ExpressionAttributeValues)
            changed = _updated(old, UpdateExpression, ExpressionAttributeValues)
            new = {**Key, **changed}
            self._put(TableName, key, new)
            if ReturnValues != "ALL_NEW":
                raise NotImplementedError(ReturnValues)
            return {"Attributes": new}

        return _call("UpdateItem", do)

    def transact_write_items(self, TransactItems: list[Item]) -> dict[str, Any]:
        """Makes all writes or none. A repeated request has the same token, so DynamoDB makes it once."""
        done = False

        def do() -> dict[str, Any]:
            nonlocal done
            if not done:
                self._transact([*(next(iter(item.items())) for item in TransactItems)])
            done = True
            return {}

        return _call("TransactWriteItems", do)

    def _transact(self, actions: list[tuple[str, Item]]) -> None:
        keyed = [
            (kind, action, _key_of(action["TableName"], action["Item" if kind == "Put" else "Key"]))
            for kind, action in actions
        ]
        reasons = []
        for _, action, key in keyed:
            old = self._items.get((action["TableName"], key)) or {}
            values = action.get("ExpressionAttributeValues", {})
            reasons.append("None" if _is_met(action["ConditionExpression"], old, values) else "ConditionalCheckFailed")
        if set(reasons) != {"None"}:
            answer: Any = {
                "Error": {"Code": "TransactionCanceledException"},
                "CancellationReasons": [{"Code": reason} for reason in reasons],
            }
            raise ClientError(answer, "TransactWriteItems")
        # The entry comes first, so that whoever sees the write of the policy finds it.
        for kind, action, key in sorted(keyed, key=lambda it: it[0] != "Put"):
            match kind:
                case "Put":
                    self._put(action["TableName"], key, dict(action["Item"]))
                case "Update":
                    old = self._items.get((action["TableName"], key)) or {}
                    changed = _updated(old, action["UpdateExpression"], action["ExpressionAttributeValues"])
                    self._put(action["TableName"], key, {**action["Key"], **changed})

    def get_item(self, TableName: str, Key: Item, ConsistentRead: bool) -> dict[str, Any]:
        items = self._items if ConsistentRead else self._before
        item = _call("GetItem", lambda: items.get((TableName, _key_of(TableName, Key))))
        return {"Item": item} if item else {}

    def put_item(
        self, TableName: str, Item: Item, ConditionExpression: str, ExpressionAttributeValues: Item | None = None
    ) -> dict[str, Any]:
        key = _key_of(TableName, Item)

        def do() -> dict[str, Any]:
            old = self._items.get((TableName, key)) or {}
            _check_condition("PutItem", ConditionExpression, old, ExpressionAttributeValues or {})
            self._put(TableName, key, dict(Item))
            return {}

        return _call("PutItem", do)

    def delete_item(
        self, TableName: str, Key: Item, ConditionExpression: str = "", ReturnValues: str = "NONE"
    ) -> dict[str, Any]:
        key = _key_of(TableName, Key)

        def do() -> dict[str, Any]:
            old = self._items.get((TableName, key)) or {}
            _check_condition("DeleteItem", ConditionExpression, old, {})
            self._put(TableName, key, None)
            return {"Attributes": old} if ReturnValues == "ALL_OLD" else {}

        return _call("DeleteItem", do)

    def _put(self, table: str, key: str, new: Item | None) -> None:
        old = self._items.get((table, key))
        self._before[table, key], self._items[table, key] = old, new
        self._written(Write(table, key, old, new))

    @staticmethod
    def _deliver_response(operation: str) -> None:
        """Delivers the response, which may be outdated on arrival."""
        match Task.here().stop().fault:
            case Fault.ANSWER_LOST as fault:
                _fail(operation, fault)
            case Fault.CRASH_AFTER:
                raise Crashed


def _by_table(found: Iterable[tuple[str, Any]]) -> dict[str, list[Any]]:
    tables: dict[str, list[Any]] = {}
    for table, value in found:
        tables.setdefault(table, []).append(value)
    return tables


def _key_of(table: str, item: Item) -> str:
    """Returns the key of an item as one text."""
    if table == AUDIT:
        return f"{item['subject']['S']} {item['id']['S']}"
    return str(item[KEY_OF[table]]["S"])


def _is_counted(table: str, key: str) -> bool:
    """Returns whether an item of the state has a generation: the original, or a copy."""
    return table == STATE and (key == GENERATION or key.startswith(COPY))


def _check_condition(operation: str, condition: str, item: Item, values: Item) -> None:
    if not _is_met(condition, item, values):
        raise ClientError({"Error": {"Code": "ConditionalCheckFailedException", "Message": condition}}, operation)


def _is_met(condition: str, item: Item, values: Item) -> bool:
    words = deque(re.findall(r"attribute_(?:not_)?exists\(\w+\)|\w+ [=<] :\w+|AND|OR|NOT|[()]", condition))
    if "".join(words).replace(" ", "") != condition.replace(" ", ""):
        raise NotImplementedError(condition)
    return not words or _any_of(words, item, values)


def _any_of(words: deque[str], item: Item, values: Item) -> bool:
    """Evaluate a condition. NOT binds closer than AND, and AND binds closer than OR."""
    truths = [_all_of(words, item, values)]
    while words and words[0] == "OR":
        words.popleft()
        truths.append(_all_of(words, item, values))
    return any(truths)


def _all_of(words: deque[str], item: Item, values: Item) -> bool:
    truths = [_one_term(words, item, values)]
    while words and words[0] == "AND":
        words.popleft()
        truths.append(_one_term(words, item, values))
    return all(truths)


def _one_term(words: deque[str], item: Item, values: Item) -> bool:
    word = words.popleft()
    if word == "NOT":
        return not _one_term(words, item, values)
    if word == "(":
        truth = _any_of(words, item, values)
        words.popleft()
        return truth
    return _holds(word, item, values)


def _holds(term: str, item: Item, values: Item) -> bool:
    if parts := re.fullmatch(r"attribute_exists\((\w+)\)", term):
        return parts[1] in item
    if parts := re.fullmatch(r"attribute_not_exists\((\w+)\)", term):
        return parts[1] not in item
    if parts := re.fullmatch(r"(\w+) = (:\w+)", term):
        return bool(item.get(parts[1]) == values[parts[2]])
    if parts := re.fullmatch(r"(\w+) < (:\w+)", term):
        return parts[1] in item and int(item[parts[1]]["N"]) < int(values[parts[2]]["N"])
    raise NotImplementedError(term)


def _updated(item: Item, expression: str, values: Item) -> Item:
    """Returns the updated item. Every operand has its value from before the update."""
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
    operands = [_operand(term, item, values) for term in text.split(" + ")]
    return operands[0] if len(operands) == 1 else {"N": str(sum(int(term["N"]) for term in operands))}


def _operand(term: str, item: Item, values: Item) -> Any:
    if parts := re.fullmatch(r"if_not_exists\((\w+), (:\w+)\)", term):
        return item.get(parts[1], values[parts[2]])
    return values[term] if term in values else item[term]


# ---------------------------------------------------------------------------------------------------------- API Gateway


@dataclass
class Node:
    """One machine of the gateway.

    answers  the answers that it replays, by token, with the time at which each was cached
    flushed  the answers that a flush removed and that may come back
    """

    answers: dict[str, tuple[Any, float]] = field(default_factory=dict)
    flushed: dict[str, tuple[Any, float]] = field(default_factory=dict)
    must_flush: bool = False

    def replay(self, token: str, now: float, ttl: float) -> Any:
        answer, cached_at = self.answers.get(token, (None, 0.0))
        return answer if now - cached_at < ttl else None

    def flush(self) -> None:
        self.flushed, self.answers, self.must_flush = self.answers, {}, False

    def restore(self) -> None:
        self.answers, self.flushed = self.flushed | self.answers, {}


@dataclass
class ApiGateway:
    """The client that orders a flush. The nodes receive the order."""

    nodes: list[Node]

    def flush_stage_authorizers_cache(self, restApiId: str, stageName: str) -> dict[str, Any]:
        def do() -> dict[str, Any]:
            for node in self.nodes:
                node.must_flush = True
            return {}

        return _call("FlushStageAuthorizersCache", do)


# ----------------------------------------------------------------------------------------------------------- the stream


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """A stream record of a policy change. `version` is the entry of the ledger that it belongs to."""

    number: int
    key: str
    version: Any
    event: dict[str, Any]


class Stream:
    """The policy table's stream: delivers every change, in order for each item, but late and possibly several times."""

    def __init__(self) -> None:
        self._pending: dict[str, list[Record]] = {}
        self._under_way: set[str] = set()
        self._length = 0

    @property
    def deliverable(self) -> list[str]:
        """Returns the items that have pending records and no batch in progress."""
        return sorted(key for key, records in self._pending.items() if records and key not in self._under_way)

    def append(self, write: Write, version: Any) -> None:
        self._length += 1
        images = {"OldImage": write.old, "NewImage": write.new}
        event = {
            "eventID": f"event-{self._length}",
            "eventName": "INSERT" if write.old is None else "REMOVE" if write.new is None else "MODIFY",
            "dynamodb": {
                "Keys": {KEY_OF[write.table]: {"S": write.key}},
                "SequenceNumber": f"{self._length:021}",
                **{name: image for name, image in images.items() if image is not None},
            },
        }
        self._pending.setdefault(write.key, []).append(Record(self._length, write.key, version, event))

    def take(self, keys: list[str], most: int) -> list[Record]:
        """Starts a batch with the oldest records of each of these items."""
        self._under_way |= set(keys)
        return sorted((r for key in keys for r in self._pending[key][:most]), key=lambda record: record.number)

    def complete(self, batch: list[Record], answer: Any, delivered_again: bool) -> list[Record]:
        """Ends a batch as Lambda does. Returns the processed records: all before the first failed one.

        An empty answer, or one with an unknown record, fails the whole batch.
        """
        self._under_way -= {record.key for record in batch}
        numbers = {record.event["dynamodb"]["SequenceNumber"]: record.number for record in batch}
        failures = answer["batchItemFailures"] if answer else [{"itemIdentifier": "none"}]
        first_failed = min(
            (numbers.get(failure["itemIdentifier"], 0) for failure in failures), default=self._length + 1
        )
        processed = [record for record in batch if record.number < first_failed]
        if not delivered_again:
            for record in processed:
                self._pending[record.key].remove(record)
        return processed
