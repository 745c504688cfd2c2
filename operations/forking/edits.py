"""Edits of texts. Each raises NotFound if its place is not in the text, so that no edit is lost in silence."""

import re
from collections.abc import Callable

Edit = Callable[[str], str]


class NotFound(Exception):
    """The text does not contain the part that the edit changes."""


def replaced(old: str, new: str) -> Edit:
    """Replaces every occurrence of a text."""

    def edit(text: str) -> str:
        if old not in text:
            raise NotFound(f"expected {old!r}")
        return text.replace(old, new)

    return edit


def substituted(pattern: str, new: str) -> Edit:
    """Replaces every match of a regular expression; `^` and `$` match at lines."""

    def edit(text: str) -> str:
        changed, count = re.subn(pattern, new, text, flags=re.MULTILINE)
        if not count:
            raise NotFound(f"expected a match of {pattern!r}")
        return changed

    return edit


def without_lines(*words: str) -> Edit:
    """Removes every line that contains one of the words."""

    def edit(text: str) -> str:
        lines = text.splitlines(keepends=True)
        for word in words:
            if not any(word in line for line in lines):
                raise NotFound(f"expected a line with {word!r}")
        return "".join(line for line in lines if not any(word in line for word in words))

    return edit


def without_block(header: str) -> Edit:
    """Removes every block of YAML whose first line contains the header, up to the next line with its indentation."""

    def edit(text: str) -> str:
        kept: list[str] = []
        depth: int | None = None
        found = False
        for line in text.splitlines(keepends=True):
            indentation = len(line) - len(line.lstrip(" "))
            if depth is not None and line.strip() and indentation <= depth:
                depth = None
            if depth is None and header in line:
                depth, found = indentation, True
            if depth is None:
                kept.append(line)
        if not found:
            raise NotFound(f"expected a block {header!r}")
        return "".join(kept)

    return edit


def without_item(word: str) -> Edit:
    """Removes the item of a YAML list that contains the word in its last line."""

    def edit(text: str) -> str:
        lines = text.splitlines(keepends=True)
        last = next((number for number, line in enumerate(lines) if word in line), None)
        if last is None:
            raise NotFound(f"expected an item with {word!r}")
        first = next(number for number in range(last, -1, -1) if lines[number].lstrip().startswith("- "))
        return "".join(lines[:first] + lines[last + 1 :])

    return edit
