"""The shipped code keeps its promises, whatever goes wrong: a sample, the same at every run.

`python -m tests.proofs.invalidation_machine MINUTES` plays other stories, for as long as wanted.
"""

import pytest

from tests.proofs.invalidation_machine import SETTINGS, Setting, Shipped, explore


@pytest.mark.parametrize("where", SETTINGS.values(), ids=SETTINGS.keys())
def test_no_promise_is_broken_under(where: Setting) -> None:
    deeds = explore(Shipped(), where, stories=80, moves=20)
    assert deeds["answered"] > 1000, "the stories are about answers"
    assert deeds["failed, and gave no answer"] > 50, "and about failures"
