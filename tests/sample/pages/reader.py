"""A reader who follows the pages in a fresh checkout, with a local cloud of its own."""

import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.e2e.cloud import PROJECT, START_SECONDS, STOP_SECONDS, wait_for
from tests.environment import child_environment
from tests.ports import free_port
from tests.sample.pages.blocks import Block, difference, patched

_LEFT_OUT = (".venv", ".local", "build", "node_modules", "mutants", "deployments", ".*_cache")
_SECONDS = 300  # many times the duration of the longest block


class Reader:
    """Follows pages block by block. The folder stays as the pages leave it.

    `make run` starts the cloud again only after an edit, because a start takes several seconds.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "gatehouse"
        self._port = free_port()
        self._variables = folder / "variables"
        self._log = folder / "run.log"
        self._cloud: subprocess.Popen[bytes] | None = None
        self._edited = False
        shutil.copytree(PROJECT, self._folder, symlinks=True, ignore=shutil.ignore_patterns(*_LEFT_OUT, ".git"))
        (self._folder / ".venv").symlink_to(sys.prefix)
        (self._folder / "build").mkdir()
        (PROJECT / "build/packages").mkdir(parents=True, exist_ok=True)
        (self._folder / "build/packages").symlink_to(PROJECT / "build/packages")
        self._variables.touch()

    def begin_page(self) -> None:
        """Forgets the variables of the page before, as a new terminal does."""
        self._variables.write_text("")

    def follow(self, block: Block) -> None:
        if block.starts_the_cloud:
            if self._edited or self._cloud is None:
                self._restart()
        elif block.runs:
            if not block.needs or shutil.which(block.needs):
                self._run(block)
        elif block.title:
            self._edit(self._folder / block.title, block)

    def close(self) -> None:
        if self._cloud is not None:
            self._cloud.send_signal(signal.SIGINT)
            assert self._cloud.wait(STOP_SECONDS) in (0, 130), self._log.read_text("utf-8")
            self._cloud = None

    def _edit(self, file: Path, block: Block) -> None:
        self._edited |= not block.title.startswith("build/")
        before = file.read_text("utf-8") if file.exists() else ""
        file.write_text(patched(before, block.text) if block.language == "diff" else before + block.text, "utf-8")

    def _restart(self) -> None:
        self.close()
        self._edited = False
        outputs = self._folder / ".local/outputs.json"
        outputs.unlink(missing_ok=True)
        command = [str(self._folder / ".venv/bin/python"), "manage.py", "run"]
        with self._log.open("wb") as log:
            self._cloud = subprocess.Popen(
                command, cwd=self._folder, env=self._environment(), stdout=log, stderr=log, start_new_session=True
            )
        cloud = self._cloud
        wait_for(lambda: outputs.exists() or cloud.poll() is not None, "make run is ready", START_SECONDS)
        assert cloud.poll() is None, self._log.read_text("utf-8")

    def _run(self, block: Block) -> None:
        keep = f"{{ export -p; declare -f; }} > '{self._variables}'"
        script = f". '{self._variables}'\nset -euo pipefail -a\n{block.text}\n{keep}\n"
        ended = subprocess.run(
            ["bash", "-c", script],  # noqa: S607
            cwd=self._folder,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        shown = self._as_documented(ended.stdout)
        assert ended.returncode == 0, f"line {block.line}: exit status {ended.returncode}\n{shown}{ended.stderr}"
        if block.output is not None:
            missing = difference(block.output, shown)
            assert not missing, f"line {block.line}: the output has no line {missing!r}:\n{shown}{ended.stderr}"

    def _as_documented(self, output: str) -> str:
        """Returns an output with the ports of the documentation."""
        ports = {self._port: 4566, self._port + 1: 4567}
        for port, documented in ports.items():
            output = output.replace(f":{port}", f":{documented}")
        return output

    def _environment(self) -> Mapping[str, str]:
        return child_environment(
            GATEHOUSE_PORT=str(self._port),
            GATEHOUSE_COMPANY_PORT=str(self._port + 1),
            # `make` must not install the packages again: the environment of the tests has them.
            MAKEFLAGS="-o .venv/installed --no-print-directory",
            COLUMNS="160",
        )
