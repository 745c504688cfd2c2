"""A checkout of this repository on some machine, and what its user types there."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.cloud import LocalCloud
from tests.environment import child_environment

PROJECT = Path(__file__).parents[2]
# What `manage.py` needs; without local/ and tests/, so that it is known to need neither.
SOURCES = (
    *("app.py", "chalice_cli.py", "manage.py"),
    *("authorizers", "chalicelib", "infra", "operations", "policies", "vendor"),
)
STAGE = "trial"


@dataclass(frozen=True)
class Said:
    """How a command ended, and what it wrote."""

    status: int
    out: str
    err: str

    @property
    def changed(self) -> list[str]:
        """The steps that changed something."""
        steps = [line.partition(" ..") for line in self.out.splitlines()]
        return [name for name, _, outcome in steps if outcome.endswith(". changed")]

    @property
    def trouble(self) -> str:
        """What went wrong, the controls among it that do not hold; nothing if all is well."""
        bad = re.findall(r"^FAIL .*$", self.out, re.MULTILINE)
        return "\n".join([f"status {self.status}", *bad, self.err]) if self.status or bad else ""


@dataclass(frozen=True)
class Checkout:
    """A folder with the repository's files, as git would give them to anybody."""

    folder: Path
    local_cloud: LocalCloud

    @classmethod
    def new(cls, folder: Path, local_cloud: LocalCloud) -> Checkout:
        ignored = shutil.ignore_patterns("__pycache__")
        for name in SOURCES:
            original = PROJECT / name
            if original.is_dir():
                shutil.copytree(original, folder / name, symlinks=True, ignore=ignored)
            else:
                folder.mkdir(parents=True, exist_ok=True)
                shutil.copy(original, folder / name)
        (folder / ".chalice").mkdir()
        for name in ("config.json", "package.json"):
            shutil.copy(PROJECT / ".chalice" / name, folder / ".chalice" / name)
        # Nothing to be built for Lambda's Linux: in here, functions find the same versions in this environment.
        (folder / "requirements.txt").write_text("", encoding="utf-8")
        return cls(folder, local_cloud)

    def describe(self, **identity: Any) -> None:
        """Write the stage's file; JSON is YAML too."""
        described = {"region": "us-east-1", "account": "123456789012", "identity": identity, "application": {}}
        self.file(f"infra/stages/{STAGE}.yaml").write_text(json.dumps(described), encoding="utf-8")

    def unprotect(self) -> None:
        """Let the stage's file say that the stage may be taken down."""
        file = self.file(f"infra/stages/{STAGE}.yaml")
        described = json.loads(file.read_text(encoding="utf-8"))
        described["identity"]["DataProtection"] = False
        file.write_text(json.dumps(described), encoding="utf-8")

    def file(self, name: str) -> Path:
        return self.folder / name

    def manage(self, *words: str) -> Said:
        command, *options = words
        return self._run(sys.executable, "manage.py", *command.split(), "--stage", STAGE, *options)

    def chalice(self, *words: str) -> Said:
        return self._run(str(Path(sys.executable).parent / "chalice"), *words)

    def _run(self, *command: str) -> Said:
        finished = subprocess.run(
            command,
            cwd=self.folder,
            env=child_environment(**self.local_cloud.credentials(), AWS_ENDPOINT_URL=self.local_cloud.url),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return Said(finished.returncode, finished.stdout, finished.stderr)
