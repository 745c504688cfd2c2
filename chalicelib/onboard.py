"""Use case: a new user gets the default groups, once."""

from dataclasses import dataclass

from chalicelib.core.errors import InternalError
from chalicelib.ports import Directory, OnboardingLedger


@dataclass(frozen=True, slots=True)
class Onboard:
    """Gives the default groups to who has not been given them before.

    A mark remembers who has, so that a repeated event does not bring back a group which an administrator took away.
    """

    directory: Directory
    ledger: OnboardingLedger
    default_groups: tuple[str, ...]
    privileged_groups: frozenset[str]

    def __call__(self, pool_id: str, username: str, subject: str, holds_groups: bool = False) -> tuple[str, ...]:
        """Name the groups given now. Raises InternalError; doing it again finishes what was begun.

        holds_groups  somebody has chosen this user's groups already: they are marked, and given nothing
        """
        privileged = self.privileged_groups.intersection(self.default_groups)
        if privileged:
            raise InternalError("privileged_default_group", f"{sorted(privileged)} may not be given to everyone")
        if self.ledger.has_entry(subject):
            return ()
        given = () if holds_groups else self.default_groups
        for group in given:
            self.directory.add_to_group(pool_id, username, group)
        self.ledger.add(subject)
        return given
