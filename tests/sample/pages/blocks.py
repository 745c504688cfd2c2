"""Reads the fenced blocks of a page, and says what a test does with each of them.

| block | a test |
|---|---|
| `bash` | runs it, in the order of the page. Variables stay for the following blocks |
| `bash` with the only command `make run` | starts the local cloud, or starts it again |
| `text` directly after `bash` | compares it with the output. `…` stands for any text, a line `…` for any lines |
| `title="file"` | creates the file, or appends to it |
| `diff title="file"` | adds the lines with `+` and removes the lines with `-`, at the place of the other lines |
| `bash` after the comment `<!-- needs: program -->` | runs it if the machine has the program |
| `sh` | does not run it. The comment `<!-- not run: reason -->` before it gives the reason |
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

_FENCE = re.compile(
    r"(?:^ *<!-- (?:not run: (?P<reason>[^\n]+?)|needs: (?P<needs>\w+)) -->\n+)?"
    r"^(?P<indent> *)```(?P<info>[^\n`]*)\n(?P<text>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)
_TITLE = re.compile(r'title="([^"]+)"')


@dataclass(frozen=True)
class Block:
    language: str
    title: str
    text: str
    line: int
    reason: str = ""
    needs: str = ""
    output: str | None = None  # the text block directly after it

    @property
    def runs(self) -> bool:
        return self.language == "bash"

    @property
    def starts_the_cloud(self) -> bool:
        return self.runs and re.sub(r"#.*", "", self.text).split() == ["make", "run"]


def blocks(page: Path) -> list[Block]:
    """Returns the blocks of a page, in its order. The output of a command belongs to the command's block."""
    return list(_with_outputs(page.read_text("utf-8")))


def _with_outputs(markdown: str) -> Iterator[Block]:
    previous: Block | None = None
    end = 0
    for found in _FENCE.finditer(markdown):
        block = _block(found, markdown)
        follows = previous is not None and previous.runs and not markdown[end : found.start()].strip()
        end = found.end()
        if previous is not None and follows and block.language == "text":
            yield replace(previous, output=block.text)
            previous = None
            continue
        if previous is not None:
            yield previous
        previous = block
    if previous is not None:
        yield previous


def _block(found: re.Match[str], markdown: str) -> Block:
    info = found["info"].strip()
    title = _TITLE.search(info)
    text = re.sub(rf"^{found['indent']}", "", found["text"], flags=re.MULTILINE)
    line = markdown.count("\n", 0, found.start("info")) + 1
    reason = found["reason"] or ""
    return Block(info.partition(" ")[0], title[1] if title else "", text, line, reason, found["needs"] or "")


def difference(expected: str, actual: str) -> str:
    """Returns the first line that an output does not have at its place, or nothing.

    `…` stands for any text of a line, a line `…` for any lines. Three or more spaces end a column of a table: the
    output can have another number of spaces there, at least two.
    """
    lines = [*expected.rstrip("\n").split("\n"), _END]
    for count in range(1, len(lines) + 1):
        if not re.match("".join(map(_pattern, lines[:count])), actual.strip("\n") + "\n"):
            return lines[count - 1]
    return ""


_END = "(the end of the output)"
_COLUMN_END = re.compile(r"(?<=\S) {3,}")


def _pattern(line: str) -> str:
    if line == _END:
        return r"\Z"
    if line.strip() == "…":
        return r"(?:[^\n]*\n)*?"
    columns = _COLUMN_END.split(line.rstrip())
    return r" {2,}".join(map(_within_a_column, columns)) + r"[ \t]*\n"


def _within_a_column(text: str) -> str:
    return r"[^\n]*".join(map(re.escape, text.split("…")))


def patched(text: str, diff: str) -> str:
    """Returns a text with the changes of a diff block. Its old lines must occur once, one after the other."""
    lines = [line if line else " " for line in diff.splitlines()]
    old = "".join(f"{line[1:]}\n" for line in lines if not line.startswith("+"))
    new = "".join(f"{line[1:]}\n" for line in lines if not line.startswith("-"))
    assert text.count(old) == 1, f"these lines occur {text.count(old)} times:\n{old}"
    return text.replace(old, new)
