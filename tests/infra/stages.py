"""Creates project folders for tests of the deployment: with the repository's templates and a stage of the test."""

from __future__ import annotations

import shutil
from pathlib import Path

from infra.stage import Stage

PROJECT = Path(__file__).parents[2]
TRIAL = Stage("trial", "gatehouse", "mars-west-1", None, {}, {})
OUTPUTS = {
    **dict.fromkeys(["UserPoolArn", "Issuer", "JwksUrl", "WebClientId", "MachineClientId"], "an-output"),
    **dict.fromkeys(["ApiRoleArn", "AuthorizerRoleArn", "PolicyChangedRoleArn", "PostConfirmationRoleArn"], "a-role"),
    "PreTokenRoleArn": "the-pre-token-role",
    "PolicyTableName": "PolicyTable",
    "StateTableName": "StateTable",
    "OnboardingTableName": "OnboardingTable",
    "SampleTableName": "SampleTable",
    "PolicyStreamArn": "arn:stream",
    "StreamDeadLettersArn": "arn:dead-letters",
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
