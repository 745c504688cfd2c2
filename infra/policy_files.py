"""`policies/*.yaml`, brought into the policy table; what somebody has changed there since is not overwritten."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chalicelib.administer import Administer
from chalicelib.aws.dynamodb import scan
from chalicelib.aws.guard import GuardTable
from chalicelib.aws.policies import PolicyTable
from chalicelib.core.errors import CannotDecide, InvalidInput
from chalicelib.core.policy import check_subject, parse_statements
from infra.templates import Refused, read_yaml

AUTHOR = "policies/"  # who has written a policy that nobody has touched since


@dataclass
class Applied:
    """What became of the policies, by their subjects; `kept` are those that somebody else wrote or deleted last."""

    written: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)


def read_policies(folder: Path, outputs: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    """Read policy files: `group: <name>` or `client: <name of an output>`, and `statements`.

    Raises:  Refused, naming the file, for what could not be stored, and for a second file of one subject
    """
    names: dict[str, str] = {}
    for path in sorted(folder.glob("*.yaml")):
        name = f"{folder.name}/{path.name}"
        subject, statements = _read(name, read_yaml(folder.parent, name), outputs)
        if subject in names:
            raise Refused(f"{name}: {subject} has a file already: {names[subject]}")
        names[subject] = name
        yield subject, statements


def _read(name: str, policy: Any, outputs: Mapping[str, str]) -> tuple[str, Any]:
    try:
        kind, text = next((kind, policy[kind]) for kind in ("group", "client") if set(policy) == {kind, "statements"})
        subject = check_subject(f"{kind}:{text if kind == 'group' else outputs[text]}")
        parse_statements(policy["statements"])
    except (StopIteration, KeyError, TypeError) as error:
        expected = "expected `group`, or `client` with the name of an output, and `statements`, and nothing else"
        raise Refused(f"{name}: {expected}") from error
    except InvalidInput as error:
        raise Refused(f"{name}: {error.message}") from error
    return subject, policy["statements"]


class PolicyFiles:
    """Applies the files to one stage's tables.

    outputs  of the identity stack
    """

    def __init__(self, folder: Path, outputs: Mapping[str, str], dynamodb: Any) -> None:
        self._wanted = dict(read_policies(folder, outputs))
        self._dynamodb = dynamodb
        self._table = outputs["PolicyTableName"]
        guard = GuardTable(dynamodb, outputs["GuardTableName"])
        self._administer = Administer(PolicyTable(dynamodb, self._table), guard, guard)

    def apply(self, overwrite: bool) -> Applied:
        """Write what differs, and take away what has no file any more.

        overwrite  also what somebody else wrote or deleted last
        """
        applied = Applied()
        items = {item["subject"]["S"]: item for item in scan(self._dynamodb, self._table)}
        for subject, statements in self._wanted.items():
            self._write(applied, subject, statements, items.get(subject, {}), overwrite)
        for subject in sorted(items.keys() - self._wanted.keys()):
            if "deleted" not in items[subject] and _author(items[subject]) == AUTHOR:
                self._administer.delete_policy(subject, AUTHOR)
                applied.removed.append(subject)
        return applied

    def _write(self, applied: Applied, subject: str, statements: Any, item: Mapping[str, Any], overwrite: bool) -> None:
        if self._stored(subject, item) == parse_statements(statements):
            return
        if item and _author(item) != AUTHOR and not overwrite:
            fate = "deleted" if "deleted" in item else "written"
            when = item.get("updated_at", {}).get("S", "some time")
            applied.kept.append(f"{subject} ({fate} by {_author(item)} at {when})")
            return
        body = {"statements": statements, "version": _version(item)}
        self._administer.put_policy(subject, body, AUTHOR)
        applied.written.append(subject)

    def _stored(self, subject: str, item: Mapping[str, Any]) -> Any:
        """The statements there are; None if there are none, or none that another tool has left readable."""
        try:
            return self._administer.get_policy(subject).statements if item and "deleted" not in item else None
        except CannotDecide as error:
            if error.code != "policy_corrupt":
                raise
            return None


def _author(item: Mapping[str, Any]) -> str:
    author: str = item.get("updated_by", {}).get("S", "another tool")
    return author


def _version(item: Mapping[str, Any]) -> int | None:
    """The version to be replaced, so that nobody is overwritten who writes at this moment."""
    if not item or "deleted" in item:
        return 0
    return int(item["version"]["N"]) if _author(item) == AUTHOR else None
