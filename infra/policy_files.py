"""Reads `policies/*.yaml` and writes them to the policy table. Does not overwrite the changes of other authors."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from authorizers.policy_document import check_size
from chalicelib.aws.policies import PolicyTable
from chalicelib.core.errors import InvalidInput
from chalicelib.core.policy import DeletedPolicy, Policy, StoredPolicy, check_subject
from chalicelib.core.policy_json import parse_statements
from chalicelib.core.statement import Statement
from chalicelib.wiring import administer_with
from infra.errors import Refused
from infra.policy_patterns import mistake
from infra.templates import read_yaml

EXPECTED = "expected.yaml"  # the table of who may do what, which is not a policy
AUTHOR = "policies/"  # the author in the policy table of every policy that comes from a file

_STATEMENT = re.compile(r"statements\[(\d+)\](?:\.(\w+))?(?:\[(\d+)\])?: (.*)", re.DOTALL)
_REMEDY = {
    "effect": "Write Allow or Deny.",
    "methods": "Write methods such as GET in capitals, or *.",
    "scopes": "Write a list of scopes, or remove the field.",
    "sid": "Correct it, or remove the field.",
}


@dataclass
class Applied:
    """The subjects of the changed policies. `kept` describes policies that another author wrote or deleted last."""

    written: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)

    @property
    def changed(self) -> bool:
        return bool(self.written or self.removed)

    def notes(self, overwrite: str = "--overwrite-policies") -> list[str]:
        """Returns one line for each policy that changed, or that differs from its file.

        overwrite  the option or the command that replaces the policies of other authors
        """
        return [
            *(f"written: {subject}" for subject in self.written),
            *(f"deleted, because its file no longer exists: {subject}" for subject in self.removed),
            *(f"not changed: {kept}. To replace it, use {overwrite}" for kept in self.kept),
        ]


@dataclass(frozen=True)
class PolicyFile:
    """One reviewed file: its name, its subject, and its statements."""

    name: str
    subject: str
    statements: Any

    @property
    def parsed(self) -> tuple[Statement, ...]:
        return parse_statements(self.statements)

    @property
    def group(self) -> str | None:
        kind, _, name = self.subject.partition(":")
        return name if kind == "group" else None


def read_policies(folder: Path, outputs: Mapping[str, str]) -> list[PolicyFile]:
    """Reads the policy files. A file has `group: <name>` or `client: <name of an output>`, and `statements`.

    Raises:  Refused for the first fault that `examine` finds; the message names the file
    """
    files: list[PolicyFile] = []
    for result in examine(folder, outputs):
        if isinstance(result, Refused):
            raise result
        files.append(result)
    return files


def template_outputs(template: Mapping[str, Any]) -> dict[str, str]:
    """Returns placeholders for the outputs of a stack, so that files can be read before the stack exists."""
    return {name: name for name in template["Outputs"]}


def examine(folder: Path, outputs: Mapping[str, str]) -> Iterator[PolicyFile | Refused]:
    """Reads every policy file. Yields the policy, or the fault of a file that cannot be stored.

    Raises:  Refused if the folder is missing: applying it would delete every policy that came from a file
    """
    if not folder.is_dir():
        raise Refused(
            f"{folder.name}/: this folder is missing. Create it. An empty folder deletes all policies that came from a"
            " file."
        )
    names: dict[str, str] = {}
    found = {path for pattern in ("*.yaml", "*.yml") for path in folder.rglob(pattern)} - {folder / EXPECTED}
    for path in sorted(found):
        try:
            file = _read(folder, path, outputs)
            if file.subject in names:
                raise Refused(
                    f"{file.name}: {file.subject} already has the file {names[file.subject]}. Merge the two files."
                )
        except Refused as refused:
            yield refused
        else:
            names[file.subject] = file.name
            yield file


def _read(folder: Path, path: Path, outputs: Mapping[str, str]) -> PolicyFile:
    name = path.relative_to(folder.parent).as_posix()
    if path.parent != folder or path.suffix != ".yaml":
        raise Refused(
            f"{name}: this file would not be applied. Move it to {folder.name}/{path.stem}.yaml, or delete it."
        )
    policy = read_yaml(folder.parent, name)
    try:
        kind, holder = next((kind, policy[kind]) for kind in ("group", "client") if set(policy) == {kind, "statements"})
        subject = check_subject(f"{kind}:{holder if kind == 'group' else _client_id(name, holder, outputs)}")
        check_size(parse_statements(policy["statements"]))
    except (StopIteration, KeyError, TypeError) as error:
        expected = "expected two fields: `group` or `client` (the name of an output), and `statements`"
        raise Refused(f"{name}: {expected}.") from error
    except InvalidInput as error:
        raise Refused(f"{name}: {_explained(error, policy['statements'])}") from error
    return PolicyFile(name, subject, policy["statements"])


def _explained(error: InvalidInput, statements: Any) -> str:
    """Returns the message with the statement's number and sid as people count and name them."""
    found = _STATEMENT.fullmatch(error.message)
    if not found:
        return f"{error.message}. Correct it."
    number, field, index, text = int(found[1]), found[2], found[3], found[4]
    statement = statements[number] if isinstance(statements[number], dict) else {}
    sid = statement.get("sid", f"statement{number + 1}")
    if field == "paths" and index and (hint := mistake(str(statement["paths"][int(index)]))):
        return f'statement {number + 1} ("{sid}"): paths: {hint}'
    where = f'statement {number + 1} ("{sid}"): ' + (f"{field}: " if field else "")
    return f"{where}{text.rstrip('.')}. {_REMEDY.get(field, 'Correct it.')}"


def _client_id(name: str, output: str, outputs: Mapping[str, str]) -> str:
    clients = sorted(known for known in outputs if known.endswith("ClientId"))
    if output not in clients:
        raise Refused(f"{name}: client: got {output!r}, expected one of the outputs {', '.join(clients)}.")
    return outputs[output]


class PolicyFiles:
    """Applies the files to the tables of one stage. Raises Refused, as `read_policies` does.

    outputs  of the identity stack
    """

    def __init__(self, folder: Path, outputs: Mapping[str, str], dynamodb: Any) -> None:
        self.files = read_policies(folder, outputs)
        self._policies = PolicyTable(dynamodb, outputs["PolicyTableName"], check_size=check_size)
        self._administer = administer_with(dynamodb, outputs["PolicyTableName"], outputs["StateTableName"])

    def apply(self, overwrite: bool) -> Applied:
        """Writes the policies that differ from their files. Deletes policies whose file no longer exists.

        overwrite  also replace policies that another author wrote or deleted last
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
            change = "deleted" if isinstance(stored, DeletedPolicy) else "written"
            author, when = stored.updated_by or "another tool", stored.updated_at or "an unknown time"
            applied.kept.append(f"{subject} ({change} by {author} at {when})")
            return
        self._administer.put_policy(subject, parse_statements(statements), AUTHOR, _version(stored))
        applied.written.append(subject)


def _version(stored: StoredPolicy | None) -> int | None:
    """Returns the version to replace, so that a concurrent change of another author is not overwritten."""
    if stored is None or isinstance(stored, DeletedPolicy):
        return 0
    return stored.version if stored.updated_by == AUTHOR else None
