"""Refuses `chalice deploy` where Chalice's state of the stage is missing. Otherwise the command can deploy new code."""

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from infra.chalice_command import SUPERVISED

PROJECT = Path(__file__).resolve().parents[1]


def refuse_a_second_api(
    argv: Sequence[str] | None = None, environ: Mapping[str, str] = os.environ, project: Path = PROJECT
) -> None:
    """Raises SystemExit with a message for a deployment that could create a second REST API."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--project-dir")
    parser.add_argument("--stage", default="dev")  # Chalice's own default
    given, words = parser.parse_known_args((sys.argv if argv is None else argv)[1:])
    if next((word for word in words if not word.startswith("-")), None) != "deploy":
        return
    if environ.get(SUPERVISED) != given.stage and not _is_known(project, given.stage):
        raise SystemExit(
            f"Refused: the local Chalice state of the stage {given.stage} is missing. Chalice could create a second"
            f" API. Run `python manage.py deploy --stage {given.stage}` instead."
        )


def _is_known(project: Path, stage: str) -> bool:
    # Without the stage's entry in the configuration, the functions would lose their roles and variables.
    if not (project / f".chalice/deployed/{stage}.json").exists():
        return False
    return stage in json.loads((project / ".chalice/config.json").read_text(encoding="utf-8"))["stages"]
