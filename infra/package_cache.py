"""Keeps packaged applications on disk, by a fingerprint of everything that they are made from.

Each entry is one file, renamed into place when it is complete. Its checksums are verified whenever it is read.
"""

import os
import zipfile
from io import BytesIO
from pathlib import Path

from infra.files import replace_file

_TEMPLATE, _CODE = "sam.json", "deployment.zip"


class PackageCache:
    """Reads and writes packages.

    folder   where the entries are; created when the first one is written
    largest  number of entries; the ones that were not used for longest are deleted
    """

    def __init__(self, folder: Path, largest: int = 5) -> None:
        self._folder = folder
        self._largest = largest

    def get(self, fingerprint: str) -> tuple[str, bytes] | None:
        """Return template and code; None if there is no entry, or a damaged one."""
        entry = self._entry(fingerprint)
        try:
            with zipfile.ZipFile(entry) as archive:  # reading a member verifies its checksum
                found = archive.read(_TEMPLATE).decode(), archive.read(_CODE)
            os.utime(entry)
        except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile):
            return None
        return found

    def put(self, fingerprint: str, template: str, code: bytes) -> None:
        content = BytesIO()
        with zipfile.ZipFile(content, "w") as archive:
            archive.writestr(_TEMPLATE, template)
            archive.writestr(_CODE, code)
        replace_file(self._entry(fingerprint), content.getvalue())
        for old in sorted(self._folder.iterdir(), key=_used_at)[: -self._largest]:
            old.unlink(missing_ok=True)

    def _entry(self, fingerprint: str) -> Path:
        return self._folder / f"{fingerprint}.zip"


def _used_at(path: Path) -> float:
    return path.stat().st_mtime
