"""The options that several commands share."""

from typing import Annotated

from typer import Option

_FILE = "Name of a file in infra/stages/, without .yaml"
_OR_LOCAL = f"{_FILE}, or `local` for the cloud that `run` started."

StageName = Annotated[str, Option("--stage", metavar="STAGE", help=f"{_FILE}.")]
StageOrLocal = Annotated[str, Option("--stage", metavar="STAGE", help=_OR_LOCAL)]
ComparedStage = Annotated[
    str | None,
    Option("--stage", metavar="STAGE", help=f"Compare with the groups of this stage's user pool. {_OR_LOCAL}"),
]
OverwritePolicies = Annotated[
    bool, Option("--overwrite-policies", help="Also replace policies that another author wrote or deleted.")
]
AllowUnknownGroup = Annotated[
    bool, Option("--allow-unknown-group", help="Also write policies of groups that do not exist.")
]
AllowNoAdministrator = Annotated[
    bool, Option("--allow-no-administrator", help="Also apply changes that leave no administrator.")
]
Before = Annotated[
    str | None,
    Option(
        "--before",
        metavar="TIME",
        help="List only older entries. TIME is a time in UTC, or the field `next` of a page.",
    ),
]
Limit = Annotated[int, Option("--limit", min=1, max=1000, help="The number of entries to show.")]
Yes = Annotated[bool, Option("--yes", help="Do not ask for a confirmation.")]
OptionalStage = Annotated[
    str | None, Option("--stage", metavar="STAGE", help=f"Use the policies of this stage. {_OR_LOCAL}")
]
AsJson = Annotated[bool, Option("--json", help="Print one JSON document, for other programs.")]
