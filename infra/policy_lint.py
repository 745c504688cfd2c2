"""Finds mistakes in the policy files: each file alone, and the files together. Pure."""

from collections.abc import Sequence

from chalicelib.core.policy import Policy
from chalicelib.matrix import Access, cell
from chalicelib.policy_lint import Surroundings, lint_statements
from chalicelib.stage_rules import NO_RULES, StageRules
from infra.policy_files import PolicyFile

_FOLDER = "policies/"


def lint_file(file: PolicyFile, around: Surroundings) -> list[str]:
    """Returns the mistakes of one file, each with its place and the remedy. Raises TooManyPatterns."""
    return [f"{file.name}: {fault}" for fault in lint_statements(file.subject, file.parsed, around)]


def lint_together(files: Sequence[PolicyFile], around: Surroundings, rules: StageRules = NO_RULES) -> list[str]:
    """Returns the mistakes of the policies as a whole, on a stage with these rules."""
    found = [
        f"{_FOLDER}: {route}: no policy allows this route. Add a statement to a file, or remove the route."
        for route in around.decided
        if all(cell(as_policy(file), route, rules).access is Access.DENIED for file in files)
    ]
    if not any(rules.administers(file.subject, file.parsed) for file in files):
        found.append(
            f"{_FOLDER}: no group could change policies through the API. Allow PUT on /admin/policies/* to one group,"
            " without a scope."
        )
    return found


def as_policy(file: PolicyFile) -> Policy:
    return Policy(file.subject, 0, file.parsed, file.name, "")
