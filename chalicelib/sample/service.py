"""The use case of the sample service: it stores files and reports. It knows nothing of tokens."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol
from uuid import uuid4

from chalicelib.core.errors import InvalidInput, NotFound, TooLarge

Kind = Literal["file", "report"]
Entry = Mapping[str, str]

MAX_CHARACTERS = 65_536
MAX_TITLE = 200
_NAME = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._-]{1,128}")


class SampleStore(Protocol):
    """Stores files and reports."""

    def list(self, kind: Kind) -> list[Entry]: ...

    def get(self, kind: Kind, id_: str) -> Entry | None: ...

    def put(self, kind: Kind, id_: str, entry: Entry) -> None: ...

    def delete(self, kind: Kind, id_: str) -> bool:
        """Returns whether there was one."""


@dataclass(frozen=True, slots=True)
class Service:
    """Stores files under the names of their writers, and reports under new ids.

    Raises:  InvalidInput, NotFound, TooLarge
    """

    entries: SampleStore
    new_id: Callable[[], str] = lambda: uuid4().hex

    def list_files(self) -> list[str]:
        return [entry["id"] for entry in self.entries.list("file")]

    def get_file(self, name: str) -> dict[str, str]:
        return {"name": name, "content": self._get("file", name)["content"]}

    def put_file(self, name: str, content: str) -> dict[str, str]:
        if not _NAME.fullmatch(name):
            raise InvalidInput("name", "expected 1 to 128 letters, digits or any of ._-")
        _check_length("content", content, MAX_CHARACTERS)
        self.entries.put("file", name, {"content": content})
        return {"name": name, "content": content}

    def delete_file(self, name: str) -> None:
        self._delete("file", name)

    def list_reports(self) -> list[dict[str, str]]:
        return [{"id": entry["id"], "title": entry["title"]} for entry in self.entries.list("report")]

    def get_report(self, id_: str) -> dict[str, str]:
        entry = self._get("report", id_)
        return {"id": id_, "title": entry["title"], "body": entry["body"]}

    def add_report(self, title: str, body: str) -> dict[str, str]:
        return self._write_report(self.new_id(), title, body)

    def put_report(self, id_: str, title: str, body: str) -> dict[str, str]:
        self._get("report", id_)
        return self._write_report(id_, title, body)

    def delete_report(self, id_: str) -> None:
        self._delete("report", id_)

    def _write_report(self, id_: str, title: str, body: str) -> dict[str, str]:
        _check_length("title", title, MAX_TITLE)
        _check_length("body", body, MAX_CHARACTERS)
        entry = {"title": title, "body": body}
        self.entries.put("report", id_, entry)
        return {"id": id_, **entry}

    def _get(self, kind: Kind, id_: str) -> Entry:
        entry = self.entries.get(kind, id_)
        if entry is None:
            raise NotFound(f"the {kind} {id_}")
        return entry

    def _delete(self, kind: Kind, id_: str) -> None:
        if not self.entries.delete(kind, id_):
            raise NotFound(f"the {kind} {id_}")


def _check_length(name: str, text: str, longest: int) -> None:
    if len(text) > longest:
        raise TooLarge(name, f"{len(text)} characters, at most {longest} are kept")
