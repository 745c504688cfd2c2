"""Defines one check of a deployed stage, and the finding that it returns."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.core.errors import GatehouseError
from infra.checks.deployed_stack import Missing
from infra.checks.live import Live
from infra.errors import PackagingFailed, Refused

RESTORE = "Run `manage.py deploy --revert-drift`. If this check still fails, restore the expected value by hand."
_NO_ANSWER = (ClientError, BotoCoreError, Missing, PackagingFailed, Refused, GatehouseError)


@dataclass(frozen=True)
class Finding:
    """The result of one check.

    name    of the check
    ok      whether the check passed
    detail  sentences for the operator; they contain no secret
    """

    name: str
    ok: bool
    detail: str


@dataclass(frozen=True)
class Check:
    """Compares one part of a deployed stage with the repository.

    name         identifies the check and never changes
    title        states what is true when the check passes
    differences  yields one sentence for each difference; nothing when the check passes
    remedy       tells the operator what to do about a difference
    informs      whether a difference is only a note: the check passes nevertheless
    """

    name: str
    title: str
    differences: Callable[[Live], Iterable[str]]
    remedy: str = RESTORE
    informs: bool = False

    def __call__(self, live: Live) -> Finding:
        """Returns the finding. A check that does not complete has failed."""
        try:
            found = list(self.differences(live))
        except _NO_ANSWER as error:
            return self._incomplete(str(error))
        except (LookupError, TypeError, ValueError) as error:
            return self._incomplete(f"an answer had an unexpected form: {error!r}")
        return Finding(self.name, self.informs or not found, self._detail(found))

    def _detail(self, found: list[str]) -> str:
        if not found:
            return self.title
        return " ".join((*(("Note:",) if self.informs else ()), *found, self.remedy)).strip()

    def _incomplete(self, reason: str) -> Finding:
        return Finding(self.name, False, f"The check did not complete: {reason}")
