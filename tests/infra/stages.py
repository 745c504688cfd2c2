"""Creates project folders for tests of the deployment: with the repository's templates and a stage of the test."""

from __future__ import annotations

import shutil
from pathlib import Path

from infra.stage import Stage
from infra.templates import read_json

PROJECT = Path(__file__).parents[2]
TRIAL = Stage("trial", "gatehouse", "mars-west-1", None, {}, {})
_PARAMETERS = read_json(PROJECT, ".chalice/package.json")["Parameters"]
OUTPUTS = {
    # A table has its logical id as its name, as in `empty_tables`.
    **{
        name: name.removesuffix("Name") if name.endswith("TableName") else f"the-{name}"
        for name, parameter in _PARAMETERS.items()
        if "Default" not in parameter
    },
    "AuditRetentionDays": "365",
    "ResourceServerIdentifier": "https://merchants.example",
}


def project_in(folder: Path, stage: str = "region: eu-central-1") -> Path:
    """Creates the files that a deployment reads, with a stage file for `trial`."""
    for name in ("infra/identity.yaml", ".chalice/package.json", ".chalice/config.json", "requirements.txt", "app.py"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PROJECT / name, folder / name)
    (folder / "infra/stages").mkdir()
    (folder / "infra/stages/trial.yaml").write_text(stage, encoding="utf-8")
    return folder
