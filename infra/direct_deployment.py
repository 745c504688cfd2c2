"""Refuses `chalice deploy` for a stage without an entry in `.chalice/config.json`: its functions would lack roles."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
_TEMPLATE = "package"  # the entry that `chalice package` uses; nobody deploys it


def refuse_unconfigured(argv: Sequence[str] | None = None, project: Path = PROJECT) -> None:
    """Raises SystemExit with a message for a deployment of a stage that Chalice does not know."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--project-dir")
    parser.add_argument("--stage", default="dev")  # Chalice's own default
    given, words = parser.parse_known_args((sys.argv if argv is None else argv)[1:])
    if next((word for word in words if not word.startswith("-")), None) != "deploy":
        return
    stages = json.loads((project / ".chalice/config.json").read_text(encoding="utf-8"))["stages"]
    if given.stage not in stages.keys() - {_TEMPLATE}:
        raise SystemExit(
            f"Refused: the stage {given.stage} has no entry in .chalice/config.json, so its functions would have no"
            f" roles and no settings. Run `python manage.py deploy --stage {given.stage}` instead."
        )
