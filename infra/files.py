"""Writes files atomically. An interrupt leaves the complete old content or the complete new content."""

from pathlib import Path


def replace_file(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Writes the content to another file, then renames that file. Only one process at a time can write a path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.draft")
    draft.unlink(missing_ok=True)  # a killed process leaves a draft, whose mode can differ
    draft.touch(mode=mode)
    draft.write_bytes(content)
    draft.replace(path)
