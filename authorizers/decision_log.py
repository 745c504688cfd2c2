"""One line for every decision, which is a log entry and a CloudWatch metric at once.

Shape:   JSON in CloudWatch's embedded metric format; the reason code is one of the metric's dimensions. It names who,
         what and why, and never holds a token, a header, a claim set or a name that may be an e-mail address.
Source:  docs.aws.amazon.com/AmazonCloudWatch → "Embedded metric format"
"""

import json
import time
from collections.abc import Callable
from typing import Any

from chalicelib.authorize import Authorization
from chalicelib.core.decision import decide

_METRICS = [{"Name": "Decisions", "Unit": "Count"}, {"Name": "TookMilliseconds", "Unit": "Milliseconds"}]
_OUTAGE = {"Name": "KeysOutageSeconds", "Unit": "Seconds"}
# The first is for alarms, which cannot add metrics up; the second for who asks why.
_DIMENSIONS = [["function", "decision"], ["function", "decision", "code"]]
_ENCODER = json.JSONEncoder(separators=(",", ":"))


class DecisionLog:
    """The line, as it fills.

    function             the Lambda's name, which tells apps and stages apart
    keys_outage_seconds  for how long the user pool's keys could not be fetched
    write_line           where the line goes; Lambda sends standard output to CloudWatch
    now                  seconds since 1970
    """

    def __init__(
        self,
        function: str = "local",
        keys_outage_seconds: Callable[[], float] = lambda: 0.0,
        write_line: Callable[[str], object] = print,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._function = function
        self._keys_outage_seconds = keys_outage_seconds
        self._write_line = write_line
        self._now = now
        self._began = now()
        self._line: dict[str, Any] = {}

    def ask(self, method: str, path: str) -> None:
        self._line |= {"method": method, "path": path}

    def decide(self, authorization: Authorization, method: str, path: str) -> None:
        """Say what the grant means for the request that was asked about."""
        decision = decide(authorization.statements, method, path)
        self._line |= {
            "sub": authorization.principal.subject,
            "client": authorization.principal.client_id,
            "policies": list(authorization.policies),
            "generation": authorization.generation,
            "because": list(decision.because),
        }
        code = decision.reason if authorization.policies else "no_policy"
        self._write("allowed" if decision.allowed else "denied", code, self._keys_outage_seconds())

    def reject(self, code: str) -> None:
        self._write("rejected", code, self._keys_outage_seconds())

    def fail(self, code: str) -> None:
        self._write("failed", code, self._keys_outage_seconds())

    def _write(self, decision: str, code: str, outage: float) -> None:
        now = self._now()
        line = {
            "function": self._function,
            "decision": decision,
            "code": code,
            **self._line,
            "Decisions": 1,
            "TookMilliseconds": round((now - self._began) * 1000, 3),
            **({"KeysOutageSeconds": round(outage)} if outage else {}),
            "_aws": {
                "Timestamp": int(now * 1000),
                "CloudWatchMetrics": [
                    {
                        "Namespace": "Gatehouse",
                        "Dimensions": _DIMENSIONS,
                        "Metrics": [*_METRICS, _OUTAGE] if outage else _METRICS,
                    }
                ],
            },
        }
        self._write_line(_ENCODER.encode(line))
