"""The claim auth_time in the tokens of the local cloud."""

from typing import Any

from local.front.sign_in_times import time_of


def test_the_first_token_of_a_sign_in_sets_its_time_and_a_refresh_keeps_it() -> None:
    user: dict[str, Any] = {"_origin_jtis": ["first", "second"]}
    assert [time_of(user, "first", now) for now in (100, 160)] == [100, 100]
    assert time_of(user, "second", 200) == 200
    assert time_of(user, "first", 300) == 100


def test_a_sign_in_that_has_ended_is_forgotten() -> None:
    user: dict[str, Any] = {"_origin_jtis": ["first"]}
    time_of(user, "first", 100)
    user["_origin_jtis"] = []
    time_of(user, "second", 200)
    assert time_of(user, "first", 300) == 300
