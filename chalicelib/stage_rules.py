"""The settings of a stage that change decisions. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.authorize import Complete
from chalicelib.core.administrator import administers
from chalicelib.core.route import Route
from chalicelib.core.statement import Statement


@dataclass(frozen=True, slots=True)
class StageRules:
    """What a stage adds to its policies. The default is a stage without a cache and without an upstream.

    reused_for       the seconds for which API Gateway reuses a result
    complete         returns the statements in force, for the statements of policies
    upstream_routes  the routes that only the upstream serves
    """

    reused_for: float = 0.0
    complete: Complete = tuple
    upstream_routes: tuple[Route, ...] = ()

    @property
    def guards(self) -> tuple[Statement, ...]:
        """The statements that apply to every caller."""
        return self.complete(())

    def applied(self, statements: Sequence[Statement]) -> tuple[Statement, ...]:
        """Returns the statements of a policy as the stage applies them, without the guards."""
        return self.complete(statements)[: len(statements)]

    def administers(self, subject: str, statements: Sequence[Statement]) -> bool:
        """Returns whether the statements make the members of a group administrators."""
        return administers(subject, self.complete(statements), self.reused_for)

    def with_upstream(self, routes: Sequence[Route]) -> tuple[Route, ...]:
        """Returns the routes of the application and of the upstream, sorted by path and method."""
        return tuple(sorted((*routes, *self.upstream_routes)))


NO_RULES = StageRules()
