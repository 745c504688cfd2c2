"""Keeps Chalice's reloader from restarting `chalice local` for files that are not source code.

The reloader watches every file of the project. `make run` saves the state of the local cloud there, so each written
report would restart the server.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from chalice.cli.filewatch.stat import StatFileWatcher

GENERATED = frozenset({".git", ".hypothesis", ".local", ".mypy_cache", ".ruff_cache", ".venv", "__pycache__", "build"})


def ignore_generated_files() -> None:
    """Makes the reloader of this process compare source files only."""
    # Chalice has no setting for ignored folders.
    StatFileWatcher._single_pass_poll = _poll  # type: ignore[method-assign, assignment]


def _poll(watcher: StatFileWatcher, root: str, restart: Callable[[], None]) -> None:
    """Calls restart if a source file was added, changed or removed since the last poll."""
    before = {path: time for path, time in watcher._mtime_cache.items() if _is_source(path, root)}
    now = _modification_times(watcher, (path for path in watcher._recursive_walk_files(root) if _is_source(path, root)))
    if now != before:
        watcher._mtime_cache = now
        restart()


def _is_source(path: str, root: str) -> bool:
    return GENERATED.isdisjoint(Path(path).relative_to(root).parts)


def _modification_times(watcher: StatFileWatcher, paths: Iterable[str]) -> dict[str, float]:
    times = {}
    for path in paths:
        try:
            times[path] = watcher._osutils.mtime(path)
        except OSError:
            continue  # an editor has just removed the file
    return times
