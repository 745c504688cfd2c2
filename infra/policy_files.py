"""Reads the policy files, `policies/*.yaml`, and explains the mistake in an invalid file."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from authorizers.policy_document import check_size
from chalicelib.aws.policy_reads import CheckSize
from chalicelib.core.errors import InvalidInput
from chalicelib.core.policy import check_subject
from chalicelib.core.policy_json import parse_statements
from chalicelib.core.statement import Statement
from chalicelib.policy_patterns import mistake
from infra.errors import Refused
from infra.templates import read_yaml

EXPECTED = "expected.yaml"  # the table of expected permissions, which is not a policy

_STATEMENT = re.compile(r"statements\[(\d+)\](?:\.(\w+))?(?:\[(\d+)\])?: (.*)", re.DOTALL)
_REMEDY = {
    "effect": "Write Allow or Deny.",
    "methods": "Write methods such as GET in capitals, or *.",
    "scopes": "Write a list of scopes, or remove the field.",
    "signed_in_within": "Write a number of seconds such as 900, or remove the field.",
    "sid": "Correct it, or remove the field.",
}


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


def read_policies(folder: Path, outputs: Mapping[str, str], check: CheckSize = check_size) -> list[PolicyFile]:
    """Reads the policy files. A file has `group: <name>` or `client: <name of an output>`, and `statements`.

    check    raises InvalidInput for statements that are too large
    Raises:  Refused for the first fault that `examine` finds; the message names the file
    """
    files: list[PolicyFile] = []
    for result in examine(folder, outputs, check):
        if isinstance(result, Refused):
            raise result
        files.append(result)
    return files


def template_outputs(template: Mapping[str, Any]) -> dict[str, str]:
    """Returns placeholders for the outputs of a stack, so that files can be read before the stack exists."""
    return {name: name for name in template["Outputs"]}


def examine(folder: Path, outputs: Mapping[str, str], check: CheckSize = check_size) -> Iterator[PolicyFile | Refused]:
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
            file = _read(folder, path, outputs, check)
            if file.subject in names:
                raise Refused(
                    f"{file.name}: {file.subject} already has the file {names[file.subject]}. Merge the two files."
                )
        except Refused as refused:
            yield refused
        else:
            names[file.subject] = file.name
            yield file


def _read(folder: Path, path: Path, outputs: Mapping[str, str], check: CheckSize) -> PolicyFile:
    name = path.relative_to(folder.parent).as_posix()
    if path.parent != folder or path.suffix != ".yaml":
        raise Refused(
            f"{name}: this file would not be applied. Move it to {folder.name}/{path.stem}.yaml, or delete it."
        )
    policy = _with_numbers(read_yaml(folder.parent, name))
    try:
        kind, holder = next((kind, policy[kind]) for kind in ("group", "client") if set(policy) == {kind, "statements"})
        subject = check_subject(f"{kind}:{holder if kind == 'group' else _client_id(name, holder, outputs)}")
        check(parse_statements(policy["statements"]))
    except (StopIteration, KeyError, TypeError) as error:
        expected = "expected two fields: `group` or `client` (the name of an output), and `statements`"
        raise Refused(f"{name}: {expected}.") from error
    except InvalidInput as error:
        raise Refused(f"{name}: {_explained(error, policy['statements'])}") from error
    return PolicyFile(name, subject, policy["statements"])


def _with_numbers(policy: Any) -> Any:
    """Returns the content of a file with `signed_in_within` as a number. `read_yaml` reads every value as text."""
    for statement in policy["statements"] if isinstance(policy, dict) and "statements" in policy else ():
        limit = statement.get("signed_in_within") if isinstance(statement, dict) else None
        if isinstance(limit, str) and re.fullmatch("[1-9][0-9]{0,9}", limit):
            statement["signed_in_within"] = int(limit)
    return policy


def _explained(error: InvalidInput, statements: Any) -> str:
    """Returns the message with the statement's number, counted from 1, and its sid."""
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
