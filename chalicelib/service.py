"""The sample service behind the gateway: files and reports. It knows nothing of tokens, and a fork deletes it."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol
from uuid import uuid4

from chalicelib.core.errors import InvalidInput, NotFound, TooLarge

Kind = Literal["file", "report"]
Entry = Mapping[str, str]

MAX_CHARACTERS = 65_536
_NAME = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._-]{1,128}")


class SampleStore(Protocol):
    """Where files and reports are kept."""

    def list(self, kind: Kind) -> list[Entry]: ...

    def get(self, kind: Kind, id_: str) -> Entry | None: ...

    def put(self, kind: Kind, id_: str, entry: Entry) -> None: ...

    def delete(self, kind: Kind, id_: str) -> bool:
        """Tell whether there was one."""


@dataclass(frozen=True, slots=True)
class Service:
    """Keeps files, which their writers name, and reports, which get an id."""

    entries: SampleStore
    new_id: Callable[[], str] = lambda: uuid4().hex

    def list_files(self) -> list[str]:
        return [entry["id"] for entry in self.entries.list("file")]

    def get_file(self, name: str) -> dict[str, str]:
        return {"name": name, "content": self._get("file", name)["content"]}

    def put_file(self, name: str, body: Any) -> dict[str, str]:
        if not _NAME.fullmatch(name):
            raise InvalidInput("name", "expected 1 to 128 letters, digits or any of ._-")
        entry = _texts(body, {"content": MAX_CHARACTERS})
        self.entries.put("file", name, entry)
        return {"name": name, **entry}

    def delete_file(self, name: str) -> None:
        self._delete("file", name)

    def list_reports(self) -> list[dict[str, str]]:
        return [{"id": entry["id"], "title": entry["title"]} for entry in self.entries.list("report")]

    def get_report(self, id_: str) -> dict[str, str]:
        entry = self._get("report", id_)
        return {"id": id_, "title": entry["title"], "body": entry["body"]}

    def add_report(self, body: Any) -> dict[str, str]:
        return self._write_report(self.new_id(), body)

    def put_report(self, id_: str, body: Any) -> dict[str, str]:
        self._get("report", id_)
        return self._write_report(id_, body)

    def delete_report(self, id_: str) -> None:
        self._delete("report", id_)

    def _write_report(self, id_: str, body: Any) -> dict[str, str]:
        entry = _texts(body, {"title": 200, "body": MAX_CHARACTERS})
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


def _texts(body: Any, longest: Mapping[str, int]) -> dict[str, str]:
    if not isinstance(body, Mapping):
        raise InvalidInput("body", "expected a JSON object")
    for name in sorted(set(body) - set(longest)):
        raise InvalidInput(name, "there is no such field")
    for name, characters in longest.items():
        if not isinstance(body.get(name), str):
            raise InvalidInput(name, "expected a text")
        if len(body[name]) > characters:
            raise TooLarge(name, f"{len(body[name])} characters, at most {characters} are kept")
    return {name: body[name] for name in longest}
