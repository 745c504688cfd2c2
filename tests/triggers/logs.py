"""Captures the log lines of a trigger in the form that CloudWatch receives."""

import io
import json
from typing import Any
from uuid import uuid4

from aws_lambda_powertools import Logger


class Log:
    """Returns a logger and the lines that it writes."""

    def __init__(self) -> None:
        self._stream = io.StringIO()
        # Powertools caches one logger for each name, so each test uses a new name.
        self.logger = Logger(service=f"test-{uuid4().hex}", stream=self._stream)

    @property
    def text(self) -> str:
        return self._stream.getvalue()

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]
