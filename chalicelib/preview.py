"""Use case: preview a policy before it is stored: its mistakes, and the routes that its subject gains and loses."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from chalicelib.core.policy import Policy, check_subject
from chalicelib.core.route import Route
from chalicelib.core.route_paths import TooManyPatterns
from chalicelib.core.statement import Statement
from chalicelib.policy_lint import Surroundings, lint_statements
from chalicelib.policy_reach import reach
from chalicelib.ports import PolicyCatalog
from chalicelib.stage_rules import NO_RULES, StageRules

_TOO_MANY = "The statements overlap in too many ways to check them and to name the routes. Use fewer *, ? and scopes."


@dataclass(frozen=True, slots=True)
class PolicyPreview:
    """What a policy would change.

    findings      mistakes, each with its remedy. The policy can be stored nevertheless
    gains, loses  one line for each route, such as "clerks gain DELETE /orders/{id}"
    """

    findings: tuple[str, ...]
    gains: tuple[str, ...] = ()
    loses: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Returns the JSON form."""
        return {name: list(lines) for name, lines in asdict(self).items()}


@dataclass(frozen=True, slots=True)
class Preview:
    """Previews policies.

    check_size    raises InvalidInput for statements that are too large
    group_exists  whether the user pool has a group
    clients       returns the app clients whose tokens are accepted
    rules         of the stage
    """

    policies: PolicyCatalog
    check_size: Callable[[Sequence[Statement]], None]
    group_exists: Callable[[str], bool]
    clients: Callable[[], frozenset[str]]
    rules: StageRules = NO_RULES

    def __call__(self, subject: str, statements: tuple[Statement, ...], routes: Sequence[Route]) -> PolicyPreview:
        """Compares the statements with the routes and with the stored policy. Stores nothing.

        Raises:  InvalidInput for statements that cannot be stored; InternalError
        """
        check_subject(subject)
        self.check_size(statements)
        findings = self._unknown_subject(subject)
        after = Policy(subject, 0, statements, "", "")
        try:
            findings += lint_statements(subject, statements, Surroundings(routes))
            stored = self._stored(subject)
            changes = reach(stored, after, routes, self.rules)
        except TooManyPatterns:
            return PolicyPreview((*findings, _TOO_MANY))
        return PolicyPreview(
            tuple(findings),
            gains=tuple(str(change) for change in changes if change.gains),
            loses=tuple(str(change) for change in changes if not change.gains),
        )

    def _stored(self, subject: str) -> Policy:
        """Returns the stored policy. A policy that is missing or corrupt permits nothing."""
        stored = (policy for policy in self.policies.list_stored() if policy.subject == subject)
        return next((policy for policy in stored if isinstance(policy, Policy)), Policy(subject, 0, (), "", ""))

    def _unknown_subject(self, subject: str) -> list[str]:
        kind, _, name = subject.partition(":")
        if kind == "group" and not self.group_exists(name):
            return [f"The user pool has no group {name!r}. Create the group, or correct the name."]
        if kind == "client" and name not in self.clients():
            return [f"{name!r} is not an app client of this application (CLIENT_IDS). Correct the name."]
        return []
