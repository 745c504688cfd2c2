"""The authorization state table, by the SDK: the generation of the policies, and the revocations.

Shape:  id "generation": n, and the attributes that `state_reads` and `restrictions` describe
        id "revoked:sub:…", "revoked:client:…", "revoked:session:…": revoked_at, revoked_by, expires_at (DynamoDB's TTL)
        id "shard:1", "shard:2" …: the copies of the state that every decision reads, see `state_reads`
"""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from chalicelib.aws.dynamodb import failures_named, scan
from chalicelib.aws.items import Item
from chalicelib.aws.sdk_reader import SdkReader
from chalicelib.aws.state_copies import StateCopies
from chalicelib.aws.state_lifts import StateLifts
from chalicelib.aws.state_reads import GENERATION, REVOKED, StateReads, revocation_id
from chalicelib.core.errors import NotFound
from chalicelib.core.principal import Principal
from chalicelib.ports import AuthorizationState, Revocation, RevocationKind

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# A revocation can expire when every token that it refuses has expired. An access token of Cognito
# lives for at most one day. A session lives for at most ten years, the longest life of a refresh token.
_DAY = 86_400
_LIVES: dict[RevocationKind, int] = {"sub": _DAY, "client": _DAY, "session": 3650 * _DAY}
_SLACK = 3_600  # seconds, because clocks differ
CLIENT_LIFE_SECONDS = _LIVES["client"] + _SLACK


class StateTable:
    """Implements StateReader, Generation and Revocations on one DynamoDB table.

    now     returns seconds since 1970
    shards  the number of copies that a reader chooses from, and that a writer maintains at least
    """

    def __init__(
        self, client: "DynamoDBClient", table: str, now: Callable[[], float] = time.time, shards: int = 1
    ) -> None:
        self._client = client
        self._reads = StateReads(SdkReader(client), table, shards)
        self._copies = StateCopies(client, table, now, shards)
        self._table = table
        self._now = now

    def read(self, principal: Principal) -> AuthorizationState:
        return self._reads.read(principal)

    def bump(self) -> int:
        # A missing generation starts at the current time in milliseconds, not at 1. A generation that an authorizer
        # cached before the table was lost must never occur again.
        with failures_named("state_unreachable"):
            answer = self._client.update_item(
                TableName=self._table,
                Key={"id": {"S": GENERATION}},
                UpdateExpression="SET n = if_not_exists(n, :start) + :one",
                ExpressionAttributeValues={":start": {"N": str(int(self._now() * 1000))}, ":one": {"N": "1"}},
                ReturnValues="ALL_NEW",
            )
        original = answer["Attributes"]
        for number in self._copies.numbers(original):
            self._copies.count_up(number)
        return int(original["n"]["N"])

    def list(self) -> "list[Revocation]":
        with failures_named("state_unreachable"):
            items = list(
                scan(
                    self._client,
                    self._table,
                    FilterExpression="begins_with(id, :revoked)",
                    ExpressionAttributeValues={":revoked": {"S": f"{REVOKED}:"}},
                )
            )
        return sorted((_revocation(item) for item in items), key=lambda r: (r.kind, r.value))

    def put(self, revocation: Revocation) -> None:
        self._put_original(revocation)
        if revocation.kind == "client":
            self._copies.copy_revocation(revocation.value)

    def _put_original(self, revocation: Revocation) -> None:
        expires_at = revocation.revoked_at + _LIVES[revocation.kind] + _SLACK
        try:
            with failures_named("state_unreachable"):
                self._client.put_item(
                    TableName=self._table,
                    Item={
                        "id": {"S": revocation_id(revocation.kind, revocation.value)},
                        "revoked_at": {"N": str(revocation.revoked_at)},
                        "revoked_by": {"S": revocation.revoked_by},
                        "expires_at": {"N": str(expires_at)},
                    },
                    ConditionExpression="attribute_not_exists(id) OR revoked_at < :now",
                    ExpressionAttributeValues={":now": {"N": str(revocation.revoked_at)}},
                )
        except ClientError:
            return  # the stored revocation already refuses the same tokens or more

    def lift(self, kind: RevocationKind, value: str) -> None:
        if kind == "client" and StateLifts(self._client, self._table, self._copies).lift_revocation(value):
            return
        try:
            with failures_named("state_unreachable"):
                self._client.delete_item(
                    TableName=self._table,
                    Key={"id": {"S": revocation_id(kind, value)}},
                    ConditionExpression="attribute_exists(id)",
                )
        except ClientError:
            raise NotFound(f"a revocation of the {kind} {value}") from None
        finally:
            if kind == "client":  # an operator may have created copies since `lift_revocation` found none
                self._copies.copy_revocation(value)


def _revocation(item: Item) -> Revocation:
    _, kind, value = item["id"]["S"].split(":", 2)
    return Revocation(kind, value, int(item["revoked_at"]["N"]), item["revoked_by"]["S"])
