"""A new user gets the default groups once. A group that an administrator removed is not restored."""

import pytest

from chalicelib.core.errors import InternalError
from chalicelib.onboard import Onboard
from tests.fakes import FakeDirectory, FakeLedger, Journal

POOL = "mars-west-1_Olympus"


def onboarding(directory: FakeDirectory, ledger: FakeLedger, *groups: str) -> Onboard:
    return Onboard(directory, ledger, groups or ("readers",), frozenset({"admins"}))


def test_a_new_user_gets_the_default_groups() -> None:
    directory, ledger = FakeDirectory(), FakeLedger()
    assert onboarding(directory, ledger, "readers", "visitors")(POOL, "clerk", "c1e7") == ("readers", "visitors")
    assert directory.groups == [(POOL, "clerk", "readers"), (POOL, "clerk", "visitors")]


def test_a_repeated_event_adds_no_group_again() -> None:
    directory, ledger = FakeDirectory(), FakeLedger()
    onboard = onboarding(directory, ledger)
    onboard(POOL, "clerk", "c1e7")
    directory.groups.clear()
    assert onboard(POOL, "clerk", "c1e7") == ()
    assert directory.groups == []


def test_a_user_with_groups_never_gets_default_groups() -> None:
    directory, ledger = FakeDirectory(), FakeLedger()
    onboard = onboarding(directory, ledger)
    assert onboard(POOL, "clerk", "c1e7", holds_groups=True) == ()
    assert onboard(POOL, "clerk", "c1e7") == ()
    assert directory.groups == []


def test_the_ledger_identifies_users_by_sub_and_not_by_username() -> None:
    directory, ledger = FakeDirectory(), FakeLedger()
    onboard = onboarding(directory, ledger)
    onboard(POOL, "clerk", "c1e7")
    assert onboard(POOL, "clerk", "another-clerk") == ("readers",)


def test_the_ledger_entry_is_written_after_all_groups() -> None:
    journal, ledger = Journal(), FakeLedger()
    Onboard(journal.of("directory", FakeDirectory()), journal.of("ledger", ledger), ("a", "b"), frozenset())(
        POOL, "clerk", "c1e7"
    )
    assert journal.calls == ["ledger.has_entry", "directory.add_to_group", "directory.add_to_group", "ledger.add"]


def test_a_retry_completes_a_partial_onboarding() -> None:
    directory, ledger = FakeDirectory(fails_at="visitors"), FakeLedger()
    onboard = onboarding(directory, ledger, "readers", "visitors")
    with pytest.raises(InternalError):
        onboard(POOL, "clerk", "c1e7")
    assert ledger.marked == set()
    directory.fails_at = None
    assert onboard(POOL, "clerk", "c1e7") == ("readers", "visitors")
    assert (POOL, "clerk", "visitors") in directory.groups


@pytest.mark.parametrize("groups", [("admins",), ("readers", "admins")], ids=["the only group", "with another group"])
def test_a_privileged_default_group_raises_before_any_group_is_added(groups: tuple[str, ...]) -> None:
    directory, ledger = FakeDirectory(), FakeLedger()
    with pytest.raises(InternalError, match="admins") as failed:
        onboarding(directory, ledger, *groups)(POOL, "clerk", "c1e7")
    assert failed.value.code == "privileged_default_group"
    assert (directory.groups, ledger.marked) == ([], set())
