"""The employees of the simulated company, and the map from company groups to groups of the user pool."""

from collections.abc import Iterable
from dataclasses import dataclass

from chalicelib.settings import Settings
from local.seed import sample_users

STAFF = "company-staff"  # every employee is a member; the map does not contain it


@dataclass(frozen=True)
class Employee:
    """A person with an account at the company. The password is valid on this machine only."""

    name: str
    password: str
    groups: tuple[str, ...]

    @property
    def address(self) -> str:
        return f"{self.name}@company.example"


def group_map() -> dict[str, str]:
    """Returns the setting GROUP_MAP: one company group for each group of the user pool, without the default groups."""
    default = Settings({}).default_groups
    return {f"company-{user.group}": user.group for user in sample_users().values() if user.group not in default}


def employees() -> tuple[Employee, ...]:
    """Returns one employee for each sample user. Both get the same group of the user pool."""
    companies = {group: company for company, group in group_map().items()}
    return tuple(
        Employee(name, f"{name}-works-here", _named(STAFF, companies.get(user.group)))
        for name, user in sample_users().items()
    )


def _named(*groups: str | None) -> tuple[str, ...]:
    return tuple(group for group in groups if group)


def as_users(people: Iterable[Employee]) -> dict[str, dict[str, str]]:
    """Returns the user names and passwords by name, for `outputs.json`."""
    return {person.name: {"username": person.name, "password": person.password} for person in people}
