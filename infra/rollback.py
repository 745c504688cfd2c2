"""Points the aliases of a deployed application to other versions.

CloudFormation is not involved, so a rollback takes seconds. CloudFormation still expects the versions of its last
deployment. A deployment of other code or other parameters goes forward again. An unchanged deployment changes nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from infra.clients import Client
from infra.errors import DeploymentFailed, Refused
from infra.releases import Published, published, refuse_busy


@dataclass(frozen=True)
class Move:
    """One alias that will point, or points, to another version.

    release   of the version `after`: its description
    modified  when Lambda last changed this version: ISO 8601
    revision  of the alias before the move
    """

    function: str
    alias: str
    before: int
    after: int
    release: str
    modified: str
    revision: str


def plan_rollback(client: Client, stack: str) -> list[Move]:
    """Returns one move for each alias, to the version before the live one. Changes nothing.

    Raises:  Refused if a function has no such version, if they are of different releases, or if traffic is shifted
    """
    found = published(client, stack)
    for item in found:
        if not item.earlier:
            raise Refused(
                f"Refused: {item.function} has no version before version {item.live}. Nothing changed. To go back"
                " further, deploy an earlier commit."
            )
    moves = [_move(item, item.earlier[-1]) for item in found]
    if len({move.release for move in moves}) > 1:
        named = ", ".join(f"{move.function}:{move.after} ({move.release})" for move in moves)
        raise Refused(
            f"Refused: the versions before the live ones belong to different releases: {named}. Nothing changed. Delete"
            " the versions that no deployment needs, or deploy an earlier commit."
        )
    return moves


def plan_undo(client: Client, stack: str) -> list[Move]:
    """Returns the moves to the versions of the last deployment. Changes nothing. Raises Refused."""
    return [_move(item, item.expected) for item in published(client, stack) if item.drifted]


def execute(client: Client, stack: str, moves: Sequence[Move]) -> None:
    """Moves all aliases, or no alias.

    Raises:  Refused if CloudFormation works on the stack; DeploymentFailed if Lambda refuses a move, for instance
             because another command has moved the alias since the plan
    """
    refuse_busy(client, stack)
    functions = client("lambda")
    done: list[tuple[Move, str]] = []
    for move in moves:
        try:
            done.append((move, _point(functions, move, move.after, move.revision)))
        except ClientError as error:
            message = f"{move.function}: the alias {move.alias} was not changed: {_reason(error)}. "
            raise DeploymentFailed(message + _moved_back(functions, reversed(done))) from error


def _move(item: Published, version: int) -> Move:
    if item.shifting:
        raise Refused(
            f"Refused: the alias {item.alias} of {item.function} sends requests to two versions. Stop the shift"
            " in CodeDeploy first: `aws deploy stop-deployment`."
        )
    release, modified = item.versions.get(version, ""), item.modified.get(version, "")
    return Move(item.function, item.alias, item.live, version, release, modified, item.revision)


def _moved_back(functions: Any, done: Iterable[tuple[Move, str]]) -> str:
    """Points aliases to their versions before, and says which aliases this failed for."""
    left = []
    for move, revision in done:
        try:
            _point(functions, move, move.before, revision)
        except ClientError as error:
            left.append(f"{move.function} from version {move.after} to version {move.before} ({_reason(error)})")
    if not left:
        return "The aliases of the other functions point to their versions before. Nothing else changed"
    return (
        f"These aliases could not be moved back: {', '.join(left)}. So the functions run different releases. To return"
        " all of them to the last deployment, run `manage.py rollback --undo`"
    )


def _point(functions: Any, move: Move, version: int, revision: str) -> str:
    """Points an alias to a version if it still has a revision. Returns its new revision."""
    updated = functions.update_alias(
        FunctionName=move.function, Name=move.alias, FunctionVersion=str(version), RevisionId=revision
    )
    return str(updated["RevisionId"])


def _reason(error: ClientError) -> str:
    if error.response["Error"]["Code"] == "PreconditionFailedException":
        return "another command has changed it at the same time"
    return str(error).rstrip(".")
