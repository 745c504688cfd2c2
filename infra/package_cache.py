"""Caches packages on disk. The key is a fingerprint of everything that a package depends on.

Each entry is one file, which is written atomically. Every read verifies its checksums.
"""

import os
import zipfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

from infra.files import replace_file


class PackageCache:
    """Reads and writes entries. An entry maps names to contents.

    folder   of the entries; created with the first entry
    largest  maximum number of entries; the least recently used ones are deleted
    """

    def __init__(self, folder: Path, largest: int = 6) -> None:
        self._folder = folder
        self._largest = largest

    def get(self, fingerprint: str) -> dict[str, bytes] | None:
        """Returns an entry, or None if it is missing or damaged."""
        path = self._path(fingerprint)
        try:
            with zipfile.ZipFile(path) as archive:  # reading a member verifies its checksum
                entry = {name: archive.read(name) for name in archive.namelist()}
            os.utime(path)
        except (OSError, EOFError, ValueError, zipfile.BadZipFile):
            return None
        return entry

    def put(self, fingerprint: str, entry: Mapping[str, bytes]) -> None:
        content = BytesIO()
        with zipfile.ZipFile(content, "w") as archive:
            for name, value in entry.items():
                archive.writestr(name, value)
        replace_file(self._path(fingerprint), content.getvalue())
        for old in sorted(self._folder.iterdir(), key=_used_at)[: -self._largest]:
            old.unlink(missing_ok=True)

    def _path(self, fingerprint: str) -> Path:
        return self._folder / f"{fingerprint}.zip"


def _used_at(path: Path) -> float:
    return path.stat().st_mtime
