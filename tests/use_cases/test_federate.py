"""A group of an identity provider is mapped only for a user of a trusted provider and only if the map contains it."""

import json
from typing import Any

import pytest

from chalicelib.core.errors import InternalError
from chalicelib.federate import TokenGroups
from chalicelib.onboard import Onboard
from tests.fakes import FakeDirectory, FakeLedger

POOL = "mars-west-1_Olympus"
AUTOMATIC = f"{POOL}_Pantheon"
GROUP_MAP = {
    "8f-gods": "admins",
    "8f-muses": "editors",
    "101": "editors",
    "[IT] Admins": "editors",
    "Ops [EU]": "editors",
}


class System:
    def __init__(self, **directory: Any) -> None:
        self.directory, self.ledger = FakeDirectory(**directory), FakeLedger()
        onboard = Onboard(self.directory, self.ledger, ("readers",), frozenset({"admins"}))
        self._groups = TokenGroups(onboard, frozenset({"Pantheon"}), GROUP_MAP)

    def groups(self, *pool_groups: str, **attributes: str) -> tuple[str, ...]:
        return self._groups(POOL, "clio", {"sub": "c1e7", **attributes}, pool_groups)


def federated(groups: str, provider: str = "Pantheon", status: str = "EXTERNAL_PROVIDER") -> dict[str, str]:
    """The attributes of a user who signed in through a provider."""
    return {
        "cognito:user_status": status,
        "identities": json.dumps([{"providerName": provider, "userId": "clio", "primary": True}]),
        "custom:idp_groups": groups,
    }


@pytest.mark.parametrize(
    "claimed",
    [
        "8f-muses",
        "[8f-muses]",
        '["8f-muses"]',
        "8f-muses,8f-mortals",
        "[8f-mortals, 8f-muses]",
        '["8f-muses","x"]',
        pytest.param("101", id="one number"),
        pytest.param("[101]", id="a list of one number"),
        pytest.param("[101, 102]", id="a list of numbers"),
        pytest.param('[102, "101"]', id="a list of numbers and strings"),
        pytest.param("[1e9999, 101]", id="a number that is too large"),
        pytest.param("[8f-mortals, 101]", id="a list of names without quotes"),
        pytest.param("[IT] Admins", id="one name that begins with a bracket"),
        pytest.param("Ops [EU]", id="one name that ends with a bracket"),
        pytest.param("[[IT] Admins, x]", id="a name that begins with a bracket, in a list"),
        pytest.param("[x, Ops [EU]]", id="a name that ends with a bracket, in a list"),
        pytest.param('["[IT] Admins"]', id="a name that begins with a bracket, in JSON"),
        pytest.param("[IT] Admins,x", id="a name that begins with a bracket, with commas"),
        pytest.param("x, Ops [EU]", id="a name that ends with a bracket, with commas"),
    ],
)
def test_a_mapped_group_of_the_provider_becomes_its_group_of_the_user_pool(claimed: str) -> None:
    assert System().groups(**federated(claimed)) == ("editors",)


def test_several_mapped_groups_are_added_without_duplicates() -> None:
    assert System().groups("editors", **federated("[8f-muses, 8f-gods]")) == ("editors", "admins")


@pytest.mark.parametrize(
    "claimed", ["", "[]", "admins", "8f-GODS", "gods", "8f", "8f-gods8f-muses", "8f-gods;8f-muses"]
)
def test_a_group_of_the_provider_without_a_mapping_is_ignored(claimed: str) -> None:
    assert System().groups("visitors", **federated(claimed)) == ("visitors",)


@pytest.mark.parametrize(
    "attributes",
    [
        pytest.param({"custom:idp_groups": "8f-gods"}, id="no provider in the attributes"),
        pytest.param(federated("8f-gods", status="CONFIRMED"), id="a local user, linked or not"),
        pytest.param(federated("8f-gods", status="external_provider"), id="a status in another case"),
        pytest.param(federated("8f-gods", provider="Underworld"), id="another provider"),
        pytest.param(federated("8f-gods", provider="pantheon"), id="a provider in another case"),
        pytest.param(
            {
                **federated("8f-gods"),
                "identities": '[{"providerName": "Pantheon"}, {"providerName": "Underworld"}]',
            },
            id="two providers, one untrusted",
        ),
        pytest.param({**federated("8f-gods"), "identities": "Pantheon"}, id="identities that are not JSON"),
        pytest.param({**federated("8f-gods"), "identities": "[]"}, id="no identity"),
        pytest.param({**federated("8f-gods"), "identities": '["Pantheon"]'}, id="an identity that is not an object"),
        pytest.param(
            {**federated("8f-gods"), "identities": '{"providerName": "Pantheon"}'}, id="identities that are not a list"
        ),
        pytest.param({**federated("8f-gods"), "identities": '[{"userId": "Pantheon"}]'}, id="an identity without name"),
    ],
)
def test_a_user_of_an_untrusted_provider_gets_no_mapped_group(attributes: dict[str, str]) -> None:
    assert "admins" not in System().groups("visitors", **attributes)


@pytest.mark.parametrize(
    "claimed",
    [
        '["interns, 8f-gods"]',
        '["interns,8f-gods","x"]',
        '[["8f-gods"], {"8f-gods": 1}, 8]',
        '[["interns, 8f-gods, x"]]',
        '[{"interns, 8f-gods, x": 1}, 7]',
        '[7, "interns, 8f-gods, x"]',
        '[true, "interns, 8f-gods, x"]',
        "[" * 5000,
    ],
)
def test_a_name_that_contains_a_mapped_name_is_not_mapped(claimed: str) -> None:
    assert System().groups("visitors", **federated(claimed)) == ("visitors",)


@pytest.mark.parametrize("claimed", ["[IT]", '["[IT]"]'])
def test_a_mapped_name_in_brackets_is_not_parsed_as_a_list(claimed: str) -> None:
    onboard = Onboard(FakeDirectory(), FakeLedger(), (), frozenset())
    groups = TokenGroups(onboard, frozenset({"Pantheon"}), {"[IT]": "editors", "IT": "admins"})
    assert groups(POOL, "clio", {"sub": "c1e7", **federated(claimed)}, ()) == ("editors",)


def test_no_group_is_mapped_without_a_trusted_provider() -> None:
    onboard = Onboard(FakeDirectory(), FakeLedger(), (), frozenset())
    nobody_expected = TokenGroups(onboard, frozenset(), GROUP_MAP)
    assert nobody_expected(POOL, "clio", {"sub": "c1e7", **federated("8f-gods")}, ()) == ()


def test_a_user_without_groups_gets_the_default_groups_in_the_token_and_the_pool() -> None:
    system = System()
    assert system.groups() == ("readers",)
    assert system.directory.groups == [(POOL, "clio", "readers")]


def test_a_user_in_the_automatic_group_of_a_provider_still_gets_the_default_group() -> None:
    assert System().groups(AUTOMATIC, **federated("8f-mortals")) == (AUTOMATIC, "readers")


@pytest.mark.parametrize(
    ("pool_groups", "claimed"), [("editors", ""), (AUTOMATIC, "8f-muses")], ids=["in the user pool", "by the provider"]
)
def test_a_user_with_an_assigned_group_never_gets_a_default_group(pool_groups: str, claimed: str) -> None:
    system = System()
    assert "readers" not in system.groups(pool_groups, **federated(claimed))
    assert system.groups() == ()


def test_a_removed_default_group_is_not_restored() -> None:
    system = System()
    system.groups()
    assert system.groups() == ()


def test_a_failure_to_add_a_default_group_raises() -> None:
    with pytest.raises(InternalError):
        System(fails_at="readers").groups()
