"""`policies/*.yaml`, brought into the policy table; what somebody has changed there since is not overwritten."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from authorizers.policy_document import check_size
from chalicelib.aws.policies import PolicyTable
from chalicelib.core.errors import InvalidInput
from chalicelib.core.policy import DeletedPolicy, Policy, StoredPolicy, check_subject
from chalicelib.core.policy_json import parse_statements
from chalicelib.wiring import administer_with
from infra.errors import Refused
from infra.templates import read_yaml

AUTHOR = "policies/"  # who has written a policy that nobody has touched since


@dataclass
class Applied:
    """What became of the policies, by their subjects; `kept` are those that somebody else wrote or deleted last."""

    written: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)

    @property
    def changed(self) -> bool:
        return bool(self.written or self.removed)

    def notes(self, overwrite: str = "--overwrite-policies") -> list[str]:
        """One line for each policy that is not simply as it was.

        overwrite  what a person types to replace the kept policies
        """
        return [
            *(f"written: {subject}" for subject in self.written),
            *(f"removed, since it has no file any more: {subject}" for subject in self.removed),
            *(f"left as it is, {overwrite} would replace it: {kept}" for kept in self.kept),
        ]


@dataclass(frozen=True)
class PolicyFile:
    """One reviewed file: its name as people type it, whom it is for, and its statements as they will be stored."""

    name: str
    subject: str
    statements: Any

    @property
    def group(self) -> str | None:
        kind, _, name = self.subject.partition(":")
        return name if kind == "group" else None


def read_policies(folder: Path, outputs: Mapping[str, str]) -> list[PolicyFile]:
    """Read policy files: `group: <name>` or `client: <name of an output>`, and `statements`.

    Raises:  Refused, naming the file, for the first fault that `examine` finds
    """
    files: list[PolicyFile] = []
    for result in examine(folder, outputs):
        if isinstance(result, Refused):
            raise result
        files.append(result)
    return files


def template_outputs(template: Mapping[str, Any]) -> dict[str, str]:
    """Stand-ins for a stack's outputs, so that files can be read before there is a stack."""
    return {name: name for name in template["Outputs"]}


def examine(folder: Path, outputs: Mapping[str, str]) -> Iterator[PolicyFile | Refused]:
    """Read every policy file and report the fault of each file that cannot be stored.

    Raises:  Refused if there is no such folder: applying it would delete every policy that came from a file
    """
    if not folder.is_dir():
        raise Refused(f"{folder.name}/: there is no such folder. Keep it, even without a file in it")
    names: dict[str, str] = {}
    for path in sorted(path for pattern in ("*.yaml", "*.yml") for path in folder.rglob(pattern)):
        try:
            file = _read(folder, path, outputs)
            if file.subject in names:
                raise Refused(f"{file.name}: {file.subject} has a file already: {names[file.subject]}")
        except Refused as refused:
            yield refused
        else:
            names[file.subject] = file.name
            yield file


def _read(folder: Path, path: Path, outputs: Mapping[str, str]) -> PolicyFile:
    name = path.relative_to(folder.parent).as_posix()
    if path.parent != folder or path.suffix != ".yaml":
        raise Refused(f"{name}: move it to {folder.name}/{path.stem}.yaml. Other policy files are not applied")
    policy = read_yaml(folder.parent, name)
    try:
        kind, holder = next((kind, policy[kind]) for kind in ("group", "client") if set(policy) == {kind, "statements"})
        subject = check_subject(f"{kind}:{holder if kind == 'group' else _client_id(name, holder, outputs)}")
        check_size(parse_statements(policy["statements"]))
    except (StopIteration, KeyError, TypeError) as error:
        expected = "expected `group`, or `client` with the name of an output, and `statements`, and nothing else"
        raise Refused(f"{name}: {expected}") from error
    except InvalidInput as error:
        raise Refused(f"{name}: {error.message}") from error
    return PolicyFile(name, subject, policy["statements"])


def _client_id(name: str, output: str, outputs: Mapping[str, str]) -> str:
    clients = sorted(known for known in outputs if known.endswith("ClientId"))
    if output not in clients:
        raise Refused(f"{name}: client: {output!r} is not an app client's output. Use one of {', '.join(clients)}")
    return outputs[output]


class PolicyFiles:
    """Applies the files to one stage's tables. Raises Refused as `read_policies` does.

    outputs  of the identity stack
    """

    def __init__(self, folder: Path, outputs: Mapping[str, str], dynamodb: Any) -> None:
        self.files = read_policies(folder, outputs)
        self._policies = PolicyTable(dynamodb, outputs["PolicyTableName"], check_size=check_size)
        self._administer = administer_with(dynamodb, outputs["PolicyTableName"], outputs["StateTableName"])

    def apply(self, overwrite: bool) -> Applied:
        """Write what differs, and take away what has no file any more.

        overwrite  also what somebody else wrote or deleted last
        """
        applied = Applied()
        stored = {policy.subject: policy for policy in self._policies.list_stored()}
        for file in self.files:
            self._write(applied, file.subject, file.statements, stored.get(file.subject), overwrite)
        for subject in sorted(stored.keys() - {file.subject for file in self.files}):
            if not isinstance(stored[subject], DeletedPolicy) and stored[subject].updated_by == AUTHOR:
                self._administer.delete_policy(subject, AUTHOR)
                applied.removed.append(subject)
        return applied

    def _write(
        self, applied: Applied, subject: str, statements: Any, stored: StoredPolicy | None, overwrite: bool
    ) -> None:
        if isinstance(stored, Policy) and stored.statements == parse_statements(statements):
            return
        if stored and stored.updated_by != AUTHOR and not overwrite:
            fate = "deleted" if isinstance(stored, DeletedPolicy) else "written"
            author, when = stored.updated_by or "another tool", stored.updated_at or "some time"
            applied.kept.append(f"{subject} ({fate} by {author} at {when})")
            return
        self._administer.put_policy(subject, parse_statements(statements), AUTHOR, _version(stored))
        applied.written.append(subject)


def _version(stored: StoredPolicy | None) -> int | None:
    """The version to be replaced, so that nobody is overwritten who writes at this moment."""
    if stored is None or isinstance(stored, DeletedPolicy):
        return 0
    return stored.version if stored.updated_by == AUTHOR else None
