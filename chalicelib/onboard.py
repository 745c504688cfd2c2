"""Use case: a new user gets the default groups, once."""

from dataclasses import dataclass

from chalicelib.core.errors import CannotDecide
from chalicelib.ports import Directory, Marks


@dataclass(frozen=True, slots=True)
class Onboard:
    """Gives the default groups to who has not been given them before.

    A mark remembers who has, so that a repeated event does not bring back a group which an administrator took away.
    """

    directory: Directory
    marks: Marks
    default_groups: tuple[str, ...]
    privileged_groups: frozenset[str]

    def __call__(self, pool_id: str, username: str, subject: str) -> tuple[str, ...]:
        """Name the groups given now. Raises CannotDecide; doing it again finishes what was begun."""
        privileged = self.privileged_groups.intersection(self.default_groups)
        if privileged:
            raise CannotDecide("privileged_default_group", f"{sorted(privileged)} may not be given to everyone")
        if self.marks.is_marked(subject):
            return ()
        for group in self.default_groups:
            self.directory.add_to_group(pool_id, username, group)
        self.marks.mark(subject)
        return self.default_groups
