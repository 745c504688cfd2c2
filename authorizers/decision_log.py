"""The decision log: one line for each decision, which is a log entry and a CloudWatch metric.

Shape:   JSON in CloudWatch's embedded metric format. The reason code is a dimension of the metric. The line contains
         the subject, the request and the reason. It never contains a token, a header, a claim set or a name, which may
         be an e-mail address. A segment of the path that contains an "@" is written as "***".
Source:  docs.aws.amazon.com/AmazonCloudWatch → "Embedded metric format"
"""

import json
import re
import time
from collections.abc import Callable, Mapping
from typing import Any

from chalicelib.authorize import Authorization
from chalicelib.metrics import NAMESPACE, UNITS

_METRIC = {name: {"Name": name, "Unit": unit} for name, unit in UNITS.items()}
# Alarms use the first set, because an alarm cannot add metrics up. People who look for a reason use the second.
_DIMENSIONS = [["function", "decision"], ["function", "decision", "code"]]
# An "@", also percent-encoded several times, as in /admin/users/clerk%2540olympus.example.
_AT = re.compile("@|%(?:25)*40")
_ENCODER = json.JSONEncoder(separators=(",", ":"))


class DecisionLog:
    """Records one decision. It starts the measurement of time when it is created.

    function             the Lambda's name, which distinguishes applications and stages
    keys_outage_seconds  returns for how long the user pool's keys could not be fetched
    measurements         returns further metrics of the request: name → value
    write_line           receives the line; Lambda sends standard output to CloudWatch
    now                  returns seconds since 1970
    """

    def __init__(
        self,
        function: str = "local",
        keys_outage_seconds: Callable[[], float] = lambda: 0.0,
        measurements: Callable[[], Mapping[str, float]] = dict,
        write_line: Callable[[str], object] = print,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._function = function
        self._keys_outage_seconds = keys_outage_seconds
        self._measurements = measurements
        self._write_line = write_line
        self._now = now
        self._began = now()
        self._line: dict[str, Any] = {}

    def record_request(self, method: str, path: str) -> None:
        """Adds the request to the line. One of the other methods writes the line."""
        self._line |= {"method": method, "path": _without_addresses(path)}

    def record_decision(self, authorization: Authorization) -> None:
        principal, permissions, decision = authorization
        self._line |= {
            "sub": principal.subject,
            "client": principal.client_id,
            "policies": list(permissions.policies),
            "generation": permissions.generation,
            "because": list(decision.because),
        }
        self._write("allowed" if decision.allowed else "denied", decision.reason)

    def record_rejection(self, code: str) -> None:
        """Records that the token was rejected."""
        self._write("rejected", code)

    def record_failure(self, code: str) -> None:
        """Records that there was no decision."""
        self._write("failed", code)

    def _write(self, decision: str, code: str) -> None:
        outage, now = self._keys_outage_seconds(), self._now()
        metrics = {
            "Decisions": 1,
            "TookMilliseconds": round((now - self._began) * 1000, 3),
            **({"KeysOutageSeconds": round(outage)} if outage else {}),
            **self._measurements(),
        }
        line = {
            "function": self._function,
            "decision": decision,
            "code": code,
            **self._line,
            **metrics,
            "_aws": {
                "Timestamp": int(now * 1000),
                "CloudWatchMetrics": [
                    {
                        "Namespace": NAMESPACE,
                        "Dimensions": _DIMENSIONS,
                        "Metrics": [_METRIC[name] for name in metrics],
                    }
                ],
            },
        }
        self._write_line(_ENCODER.encode(line))


def _without_addresses(path: str) -> str:
    if not _AT.search(path):  # as in almost every request
        return path
    return "/".join("***" if _AT.search(segment) else segment for segment in path.split("/"))
