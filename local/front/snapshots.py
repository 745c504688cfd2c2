"""Saves ministack's state while it runs, so that a kill loses seconds and not everything since the start.

ministack writes one file for each service, and only when it stops in an orderly way. A snapshot is one file with all
services, renamed into place when it is complete: a kill leaves the old snapshot or the new one, and services that refer
to each other agree. ministack is pinned; tests/local/ fails when an upgrade moves what is replaced here.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from infra.files import replace_file
from local.front.access import API
from local.front.http import App, Receive, Scope, Send

SECONDS = 5.0  # from a change to its snapshot, so that a burst of changes makes few snapshots

# Every AWS operation is a POST. These only read, and some of them are called all the time.
_READS = re.compile(r"(Batch|Transact)?Get(?!Tokens)|Describe|Filter|Head|List|Query|Scan")


class SnapshotUnusable(Exception):
    """The saved state cannot be read; the message says what to do."""


class Snapshots:
    """One snapshot file, and whether something has changed since it was written.

    Nothing is saved before `begin`: a cloud that is set up by half must not be what the next start finds.
    """

    def __init__(self, path: Path, seconds: float = SECONDS) -> None:
        self._path = path
        self._seconds = seconds
        self._changed = asyncio.Event()
        self._begun = False

    def install(self) -> None:
        """Make ministack read the snapshot at its start, and write it at its end. Raises SnapshotUnusable."""
        import ministack.app
        from ministack.core import persistence

        saved = self._read(persistence)
        if saved is not None:
            ministack.app.load_state = lambda service: saved.get(service, {}).get("payload")
        ministack.app.save_all = lambda _services: self.save()

    def begin(self) -> None:
        """Take the first snapshot. From now on every change is saved."""
        self._begun = True
        self.save()

    def save(self) -> None:
        """Write all services' state.

        It never waits, so no other request changes one service between the copies of two.
        """
        if not self._begun:
            return
        import ministack.app
        from ministack.core import persistence
        from ministack.services import lambda_svc

        self._changed.clear()
        prune, unused = lambda_svc._prune_orphan_code_blobs, []
        lambda_svc._prune_orphan_code_blobs = unused.append  # the snapshot of before still refers to old code
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

    def noticing(self, app: App) -> App:
        """Notice the requests to an application that may change something."""

        async def serve(scope: Scope, receive: Receive, send: Send) -> None:
            try:
                await app(scope, receive, send)
            finally:
                if may_change(scope):
                    self._changed.set()

        return serve

    async def keep(self) -> None:
        """Save a few seconds after each change, until cancelled."""
        while True:
            await self._changed.wait()
            await asyncio.sleep(self._seconds)
            try:
                self.save()
            except (OSError, RuntimeError) as error:  # RuntimeError: another thread changed what was being copied
                self._changed.set()
                print(f"The state could not be saved, the next attempt follows: {error}", file=sys.stderr, flush=True)

    def _read(self, persistence: Any) -> Mapping[str, Any] | None:
        with suppress(FileNotFoundError):
            try:
                saved: dict[str, Any] = json.loads(self._path.read_bytes(), object_hook=persistence._json_object_hook)
                versions = {name: state["__ministack_format__"] for name, state in saved.items()}
            except (AttributeError, KeyError, TypeError, ValueError) as error:
                raise SnapshotUnusable(f"{self._path} is damaged: `make reset` begins with a new cloud.") from error
            if any(version > persistence._state_format_version(name) for name, version in versions.items()):
                raise SnapshotUnusable(
                    f"{self._path} was written by a newer version: use that one, or begin anew with `make reset`."
                )
            return saved
        return None


def may_change(scope: Scope) -> bool:
    """Say whether a request may change the state. Functions behind the API change it by requests of their own."""
    if scope["type"] != "http" or scope["path"].startswith(API):
        return False
    if scope["method"] in ("GET", "HEAD", "OPTIONS"):
        return str(scope["path"]).startswith("/oauth2/")  # a company's sign-in ends in a GET
    target = next((value for name, value in scope["headers"] if name == b"x-amz-target"), b"")
    return not _READS.match(target.decode("latin-1").rpartition(".")[2])
