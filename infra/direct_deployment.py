"""`chalice deploy`, typed by hand: fine for new code where it is known what is deployed, refused anywhere else."""

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
    """Raises SystemExit, with a sentence, for a deployment that would not find the API that there may be."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--project-dir")
    parser.add_argument("--stage", default="dev")  # Chalice's own default
    given, words = parser.parse_known_args((sys.argv if argv is None else argv)[1:])
    if next((word for word in words if not word.startswith("-")), None) != "deploy":
        return
    if environ.get(SUPERVISED) != given.stage and not _is_known(project, given.stage):
        raise SystemExit(
            f"This machine does not know what is deployed of the stage {given.stage}, and Chalice might make a second"
            f" API: run `python manage.py deploy --stage {given.stage}` instead."
        )


def _is_known(project: Path, stage: str) -> bool:
    # Without its entry, in a checkout that is not the one of that deployment, functions would lose roles and variables.
    if not (project / f".chalice/deployed/{stage}.json").exists():
        return False
    return stage in json.loads((project / ".chalice/config.json").read_text(encoding="utf-8"))["stages"]
