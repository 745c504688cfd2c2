"""What a trigger logs, as CloudWatch would get it."""

import io
import json
from typing import Any
from uuid import uuid4

from aws_lambda_powertools import Logger


class Log:
    """A logger, and the lines that it wrote."""

    def __init__(self) -> None:
        self._stream = io.StringIO()
        # Powertools keeps one logger for each name: a new name for each test
        self.logger = Logger(service=f"test-{uuid4().hex}", stream=self._stream)

    @property
    def text(self) -> str:
        return self._stream.getvalue()

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]
