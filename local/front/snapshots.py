"""Saves ministack's state while it runs, so that a kill loses the changes of the last seconds only.

ministack writes one file for each service, at a clean stop only. A snapshot is one file with the state of all
services. It is renamed into place when it is complete, so a kill leaves the old snapshot or the new one. Services that
refer to each other are consistent. tests/local/test_snapshots.py tests the patches.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from infra.files import replace_file
from local.front.access import API
from local.front.http import App, Receive, Scope, Send
from local.front.patches import registry

SECONDS = 5.0  # from a change to its snapshot, so that a burst of changes causes few snapshots

# Every AWS operation is a POST request. These operations only read, and some of them are very frequent.
_READS = re.compile(r"(Batch|Transact)?Get(?!Tokens)|Describe|Filter|Head|List|Query|Scan")


class SnapshotUnusable(Exception):
    """The saved state cannot be read. The message says what to do."""


class Snapshots:
    """One snapshot file, and whether the state has changed since it was written.

    Saves nothing before `begin`, so that the next start does not find a cloud whose set-up was interrupted.
    """

    def __init__(self, path: Path, seconds: float = SECONDS) -> None:
        self._path = path
        self._seconds = seconds
        self._changed = asyncio.Event()
        self._begun = False

    def install(self) -> None:
        """Makes ministack read the snapshot at its start, and write it at its end. Raises SnapshotUnusable."""
        from ministack.core import persistence

        saved = self._read(persistence)

        def load_state(original: Callable[[str], Any], service: str) -> Any:
            """Reads the state of a service from the snapshot, if there is one."""
            return original(service) if saved is None else saved.get(service, {}).get("payload")

        def save_all(_original: Callable[..., Any], _services: Any) -> None:
            """Writes the state of all services into one snapshot."""
            self.save()

        registry.patches("ministack.app", "load_state")(load_state)
        registry.patches("ministack.app", "save_all")(save_all)
        registry.apply()

    def begin(self) -> None:
        """Takes the first snapshot. From then on every change is saved."""
        self._begun = True
        self.save()

    def save(self) -> None:
        """Writes the state of all services.

        Contains no `await`, so that no request changes the state between the copies of two services.
        """
        if not self._begun:
            return
        import ministack.app
        from ministack.core import persistence
        from ministack.services import lambda_svc

        self._changed.clear()
        prune = lambda_svc._prune_orphan_code_blobs
        unused: list[Any] = []
        lambda_svc._prune_orphan_code_blobs = unused.append  # the previous snapshot still refers to old code
        try:
            states = {name: get_state() for name, get_state in ministack.app._build_persistence_save_dict().items()}
        finally:
            lambda_svc._prune_orphan_code_blobs = prune
        content = {
            name: {"__ministack_format__": persistence._state_format_version(name), "payload": state}
            for name, state in states.items()
            if state is not None
        }
        replace_file(self._path, json.dumps(content, default=persistence._json_default).encode(), mode=0o600)
        for referenced in unused:
            prune(referenced)

    def observe(self, app: App) -> App:
        """Returns the application with a notice of every request that may change the state."""

        async def serve(scope: Scope, receive: Receive, send: Send) -> None:
            try:
                await app(scope, receive, send)
            finally:
                if may_change(scope):
                    self._changed.set()

        return serve

    async def save_changes(self) -> None:
        """Saves the state a few seconds after each change, until cancelled."""
        while True:
            await self._changed.wait()
            await asyncio.sleep(self._seconds)
            try:
                self.save()
            except (OSError, RuntimeError) as error:  # a thread changed what was copied
                self._changed.set()
                print(f"The state was not saved: {error}. The next attempt follows.", file=sys.stderr, flush=True)

    def _read(self, persistence: Any) -> Mapping[str, Any] | None:
        with suppress(FileNotFoundError):
            try:
                saved: dict[str, Any] = json.loads(self._path.read_bytes(), object_hook=persistence._json_object_hook)
                versions = {name: state["__ministack_format__"] for name, state in saved.items()}
            except (AttributeError, KeyError, TypeError, ValueError) as error:
                raise SnapshotUnusable(
                    f"{self._path} is damaged. To start with a new cloud, run `make reset`."
                ) from error
            if any(version > persistence._state_format_version(name) for name, version in versions.items()):
                raise SnapshotUnusable(
                    f"{self._path} was written by a newer version of ministack. "
                    "Use that version, or run `make reset` to start with a new cloud."
                )
            return saved
        return None


def may_change(scope: Scope) -> bool:
    """Returns whether a request may change the state. A function behind the API changes it by its own requests."""
    if scope["type"] != "http" or scope["path"].startswith(API):
        return False
    if scope["method"] in ("GET", "HEAD", "OPTIONS"):
        return str(scope["path"]).startswith("/oauth2/")  # a federated sign-in ends in a GET request
    target = next((value for name, value in scope["headers"] if name == b"x-amz-target"), b"")
    return not _READS.match(target.decode("latin-1").rpartition(".")[2])
