"""Use case: add a new user to the default groups, once."""

from collections.abc import Callable
from dataclasses import dataclass

from chalicelib.core.errors import InternalError
from chalicelib.ports import Directory, OnboardingLedger


@dataclass(frozen=True, slots=True)
class Onboard:
    """Adds a user to the default groups, unless the ledger has an entry for the user.

    The ledger prevents that a repeated event restores a group that an administrator has removed.

    report_onboarded  is called for each user who was given the default groups
    """

    directory: Directory
    ledger: OnboardingLedger
    default_groups: tuple[str, ...]
    privileged_groups: frozenset[str]
    report_onboarded: Callable[[], object] = lambda: None

    def __call__(self, pool_id: str, username: str, subject: str, holds_groups: bool = False) -> tuple[str, ...]:
        """Returns the groups that were added. Raises InternalError; a retry completes the work.

        holds_groups  the user has groups already: the user gets a ledger entry and no default group
        """
        privileged = self.privileged_groups.intersection(self.default_groups)
        if privileged:
            message = f"PRIVILEGED_GROUPS lists {sorted(privileged)}. Remove them from DEFAULT_GROUPS"
            raise InternalError("privileged_default_group", message)
        if self.ledger.has_entry(subject):
            return ()
        given = () if holds_groups else self.default_groups
        for group in given:
            self.directory.add_to_group(pool_id, username, group)
        self.ledger.add(subject)
        if given:
            self.report_onboarded()
        return given
