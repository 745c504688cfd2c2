"""A checkout in memory: edits are collected, and written only when all of them have succeeded."""

import shutil
from collections.abc import Callable
from pathlib import Path

from infra.errors import Refused
from operations.forking.edits import NotFound


class Tree:
    """Reads, edits and removes files of a project. Nothing reaches the disk before `write`."""

    def __init__(self, project: Path) -> None:
        self._project = project
        self._edited: dict[str, str] = {}
        self._removed: list[Path] = []

    def exists(self, name: str) -> bool:
        return (self._project / name).exists()

    def names(self, *patterns: str) -> list[str]:
        """Returns the files that match, without those that were removed."""
        found = {path for pattern in patterns for path in self._project.glob(pattern) if path.is_file()}
        gone = set(self._removed)
        left = sorted(path for path in found if gone.isdisjoint([path, *path.parents]))
        return [path.relative_to(self._project).as_posix() for path in left]

    def read(self, name: str) -> str:
        if name not in self._edited:
            self._edited[name] = (self._project / name).read_text(encoding="utf-8")
        return self._edited[name]

    def replace(self, name: str, text: str) -> None:
        self._edited[name] = text

    def edit(self, name: str, *edits: Callable[[str], str]) -> None:
        """Applies edits to a file. Raises Refused, naming the file, if the place of an edit is not there."""
        text = self.read(name)
        for edit in edits:
            try:
                text = edit(text)
            except NotFound as missing:
                raise Refused(f"{name}: {missing}. Fork an unchanged checkout, or make this edit by hand.") from missing
        self._edited[name] = text

    def remove(self, *names: str) -> None:
        """Removes files and folders; a name that does not exist is an error of this program."""
        for name in names:
            path = self._project / name
            if not path.exists():
                raise Refused(f"{name}: there is no such file or folder. Fork an unchanged checkout.")
            self._removed.append(path)

    def write(self) -> None:
        for name, text in self._edited.items():
            path = self._project / name
            if {path, *path.parents}.isdisjoint(self._removed):
                path.write_text(text, encoding="utf-8")
        for path in self._removed:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
