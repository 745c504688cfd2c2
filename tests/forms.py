"""Reads the form of a page, as a browser without scripts does."""

from __future__ import annotations

from html.parser import HTMLParser


class Form(HTMLParser):
    """The only form of a page: its action, which is empty for the page itself, and the values of its fields."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.action = ""
        self.fields: dict[str, str] = {}
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        if tag == "form":
            self.action = given.get("action", "")
        if tag == "input" and given.get("name"):
            self.fields[given["name"]] = given.get("value", "")
