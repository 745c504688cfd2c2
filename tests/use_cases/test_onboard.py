"""A new user gets the default groups once, and never again what an administrator took away."""

import pytest

from chalicelib.core.errors import CannotDecide
from chalicelib.onboard import Onboard
from tests.fakes import FakeDirectory, FakeLedger, Journal

POOL = "mars-west-1_Olympus"


def onboarding(directory: FakeDirectory, marks: FakeLedger, *groups: str) -> Onboard:
    return Onboard(directory, marks, groups or ("readers",), frozenset({"admins"}))


def test_a_new_user_gets_the_default_groups():
    directory, marks = FakeDirectory(), FakeLedger()
    assert onboarding(directory, marks, "readers", "visitors")(POOL, "clerk", "c1e7") == ("readers", "visitors")
    assert directory.groups == [(POOL, "clerk", "readers"), (POOL, "clerk", "visitors")]


def test_an_event_that_comes_again_gives_no_group_again():
    directory, marks = FakeDirectory(), FakeLedger()
    onboard = onboarding(directory, marks)
    onboard(POOL, "clerk", "c1e7")
    directory.groups.clear()
    assert onboard(POOL, "clerk", "c1e7") == ()
    assert directory.groups == []


def test_who_holds_groups_already_is_given_none_now_or_later():
    directory, marks = FakeDirectory(), FakeLedger()
    onboard = onboarding(directory, marks)
    assert onboard(POOL, "clerk", "c1e7", holds_groups=True) == ()
    assert onboard(POOL, "clerk", "c1e7") == ()
    assert directory.groups == []


def test_users_are_told_apart_by_what_never_changes_and_not_by_their_name():
    directory, marks = FakeDirectory(), FakeLedger()
    onboard = onboarding(directory, marks)
    onboard(POOL, "clerk", "c1e7")
    assert onboard(POOL, "clerk", "another-clerk") == ("readers",)


def test_a_user_is_marked_only_when_all_groups_were_given():
    journal, marks = Journal(), FakeLedger()
    Onboard(journal.of("directory", FakeDirectory()), journal.of("marks", marks), ("a", "b"), frozenset())(
        POOL, "clerk", "c1e7"
    )
    assert journal.calls == ["marks.has_entry", "directory.add_to_group", "directory.add_to_group", "marks.mark"]


def test_doing_it_again_finishes_what_was_begun():
    directory, marks = FakeDirectory(fails_at="visitors"), FakeLedger()
    onboard = onboarding(directory, marks, "readers", "visitors")
    with pytest.raises(CannotDecide):
        onboard(POOL, "clerk", "c1e7")
    assert marks.marked == set()
    directory.fails_at = None
    assert onboard(POOL, "clerk", "c1e7") == ("readers", "visitors")
    assert (POOL, "clerk", "visitors") in directory.groups


@pytest.mark.parametrize("groups", [("admins",), ("readers", "admins")], ids=["alone", "among others"])
def test_a_privileged_group_is_given_to_nobody_and_neither_are_the_others(groups):
    directory, marks = FakeDirectory(), FakeLedger()
    with pytest.raises(CannotDecide, match="admins") as failed:
        onboarding(directory, marks, *groups)(POOL, "clerk", "c1e7")
    assert failed.value.code == "privileged_default_group"
    assert (directory.groups, marks.marked) == ([], set())
