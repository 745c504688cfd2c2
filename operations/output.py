"""Writes the output of a command: progress and sentences, tables for people, JSON for programs."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TextIO


@dataclass(frozen=True)
class Output:
    """Two streams of text. Nothing is buffered, also into a file or a pipe.

    styled  whether `stream` gets colours and frames; False for a pipe, a file, NO_COLOR and TERM=dumb
    """

    stream: TextIO
    errors: TextIO
    styled: bool = False

    def write(self, text: str) -> None:
        print(text, end="", file=self.stream, flush=True)

    def say(self, line: str) -> None:
        self.write(f"{line}\n")

    def fail(self, message: str) -> None:
        print(message, file=self.errors, flush=True)

    def json(self, value: Any) -> None:
        """Writes the value of `--json`: one JSON document, and nothing else on this stream."""
        self.say(json.dumps(value, indent=2))

    def table(self, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Writes rows of text. Without styles, each row is one line of any length, for other programs."""
        if self.styled:
            self._styled_table(headings, rows)
            return
        widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
        for row in (headings, *rows):
            self.say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())

    def _styled_table(self, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        from rich.box import SIMPLE_HEAD
        from rich.console import Console
        from rich.table import Column, Table
        from rich.text import Text

        table = Table(*(Column(heading, overflow="fold") for heading in headings), box=SIMPLE_HEAD)
        for row in rows:
            table.add_row(*map(Text, row))  # Text: a cell is data, and its brackets are no markup
        Console(file=self.stream).print(table)


def is_styled(stream: TextIO, environ: Mapping[str, str] = os.environ) -> bool:
    """Returns whether a stream is a terminal that shows colours and frames, and the user wants them."""
    return stream.isatty() and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"
