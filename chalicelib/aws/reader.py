"""Reads items of DynamoDB without the SDK, with the arguments and results of boto3's client.

[Decision 12](../../docs/decisions/0012-a-small-reader-for-the-hot-path.md) gives the reasons.
Source:  docs.aws.amazon.com/amazondynamodb → "DynamoDB low-level API", "Error handling with DynamoDB"
"""

import json
import re
import time
import zlib
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from chalicelib.aws.connections import NoResponse, Response
from chalicelib.aws.endpoint import Endpoint
from chalicelib.aws.items import Item, ReadFailed
from chalicelib.aws.signature import Credentials, authorization

LONGEST_PAUSE_SECONDS = 0.1
REPEAT_WITHIN_SECONDS = 0.5  # since the start of a read; a later repetition could exceed the function's timeout
_TEMPORARY = {
    *("InternalServerError", "LimitExceededException", "ProvisionedThroughputExceededException"),
    *("RequestLimitExceeded", "ThrottlingException", "TransactionInProgressException"),
}
_ERROR_NAME = re.compile(r"[A-Za-z]{1,60}(?:Error|Exceeded|Exception|Unavailable)")


class Http(Protocol):
    def post(self, headers: Mapping[str, str], body: bytes) -> Response:
        """Raises NoResponse."""


class DynamoDBReader:
    """Implements ItemReader.

    credentials  returns the current credentials; called for each request, because Lambda can replace them
    attempts     requests at most: the first one, and repetitions after a temporary failure that came early
    jitter       returns a random number from 0 to 1, which decides how long to wait before a repetition
    now          returns seconds since 1970
    elapsed      returns seconds of a monotonic clock
    """

    def __init__(
        self,
        http: Http,
        endpoint: Endpoint,
        credentials: Callable[[], Credentials],
        attempts: int,
        jitter: Callable[[], float],
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._http = http
        self._endpoint = endpoint
        self._credentials = credentials
        self._attempts = attempts
        self._jitter = jitter
        self._now = now
        self._sleep = sleep
        self._elapsed = elapsed

    def batch_get_item(self, *, RequestItems: Mapping[str, Any]) -> Mapping[str, Any]:
        answer = self._read("BatchGetItem", {"RequestItems": RequestItems})
        if not all(isinstance(answer.get(part), dict) for part in ("Responses", "UnprocessedKeys")):
            raise ReadFailed("IncompleteResponse")
        return answer

    def get_item(self, *, TableName: str, Key: Item, ConsistentRead: bool) -> Mapping[str, Any]:
        return self._read("GetItem", {"TableName": TableName, "Key": Key, "ConsistentRead": ConsistentRead})

    def _read(self, operation: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        body = json.dumps(arguments).encode("ascii")
        latest = self._elapsed() + REPEAT_WITHIN_SECONDS
        for attempt in range(1, self._attempts + 1):
            failure, is_temporary, answer = self._attempt(operation, body)
            if answer is not None:
                return answer
            if not is_temporary or attempt == self._attempts or self._elapsed() > latest:
                break
            self._sleep(self._jitter() * LONGEST_PAUSE_SECONDS)
        raise ReadFailed(failure)

    def _attempt(self, operation: str, body: bytes) -> tuple[str, bool, Mapping[str, Any] | None]:
        """Returns the name of the failure, whether a repetition can help, and the answer if there was no failure."""
        try:
            status, crc32, text = self._http.post(self._signed(operation, body), body)
        except NoResponse as failure:
            return str(failure), True, None
        if crc32 is not None and crc32 != str(zlib.crc32(text)):
            return "ChecksumMismatch", True, None
        try:
            answer = json.loads(text)
        except (ValueError, RecursionError):
            answer = None
        if status == 200 and isinstance(answer, dict):
            return "", False, answer
        name = _error_name(answer) if status != 200 else "UnreadableResponse"
        return name or f"HTTP {status}", status >= 500 or name in _TEMPORARY, None

    def _signed(self, operation: str, body: bytes) -> Mapping[str, str]:
        credentials = self._credentials()
        headers = {
            "content-type": "application/x-amz-json-1.0",
            "host": self._endpoint.authority,
            "x-amz-date": time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(self._now())),
            "x-amz-target": f"DynamoDB_20120810.{operation}",
        }
        if credentials.session_token:
            headers["x-amz-security-token"] = credentials.session_token
        headers["authorization"] = authorization(credentials, self._endpoint.region, "dynamodb", headers, body)
        return headers


def _error_name(answer: Any) -> str | None:
    """Returns the name of an error. Not its message: that can quote the request."""
    given = answer.get("__type") if isinstance(answer, dict) else None
    name = given.rpartition("#")[2] if isinstance(given, str) else ""
    return name if _ERROR_NAME.fullmatch(name) else None
