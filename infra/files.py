"""Writes files that are complete at every moment: an interrupt leaves the old content or the new one."""

from pathlib import Path


def replace_file(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Write the content under another name, then rename. One process may write a path at a time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.draft")
    draft.unlink(missing_ok=True)  # of a process that was killed, with permissions of its own
    draft.touch(mode=mode)
    draft.write_bytes(content)
    draft.replace(path)
