"""A checkout of this repository, and the commands that a user runs in it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.cloud import LocalCloud
from tests.environment import child_environment

PROJECT = Path(__file__).parents[2]
# The files that `manage.py` needs. local/ and tests/ are missing, which shows that it needs neither.
SOURCES = (
    *("app.py", "chalice_cli.py", "manage.py"),
    *("authorizers", "chalicelib", "infra", "operations", "policies", "vendor"),
)
STAGE = "trial"


@dataclass(frozen=True)
class Said:
    """The exit status of a command, and its output."""

    status: int
    out: str
    err: str

    @property
    def changed(self) -> list[str]:
        """Returns the steps that changed something."""
        steps = [line.partition(" ..") for line in self.out.splitlines()]
        return [name for name, _, outcome in steps if outcome.endswith(". changed")]

    @property
    def trouble(self) -> str:
        """Returns the failed checks and the error message, or an empty text after a success."""
        failed = re.findall(r"^FAIL .*$", self.out, re.MULTILINE)
        return "\n".join([f"status {self.status}", *failed, self.err]) if self.status or failed else ""


@dataclass(frozen=True)
class Checkout:
    """A folder with the files of a fresh clone."""

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
        # No dependency is built for Lambda. The simulated functions use those of this environment.
        (folder / "requirements.txt").write_text("", encoding="utf-8")
        return cls(folder, local_cloud)

    def describe(self, application: Mapping[str, Any] | None = None, **identity: Any) -> None:
        """Writes the stage's file. JSON is valid YAML."""
        described = {
            "region": "us-east-1",
            "account": "123456789012",
            "identity": identity,
            "application": application or {},
        }
        self.file(f"infra/stages/{STAGE}.yaml").write_text(json.dumps(described), encoding="utf-8")

    def unprotect(self) -> None:
        """Switches the protection in the stage's file off."""
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

    @property
    def _endpoint(self) -> str:
        # With an IP address, boto3 puts the name of a bucket into the path. `<bucket>.localhost` would not resolve.
        return f"http://127.0.0.1:{self.local_cloud.port}"

    def _run(self, *command: str) -> Said:
        finished = subprocess.run(
            command,
            cwd=self.folder,
            env=child_environment(**self.local_cloud.credentials(), AWS_ENDPOINT_URL=self._endpoint),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return Said(finished.returncode, finished.stdout, finished.stderr)
