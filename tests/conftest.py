"""What all tests share: a clean environment, the distribution over the workers, and the end of what was started."""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from tests import processes
from tests.environment import isolate


def pytest_configure(config: pytest.Config) -> None:
    isolate(os.environ)
    # A shell starts a background job with SIGINT ignored, and a child of the tests would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    processes.watch(config)


@pytest.hookimpl(tryfirst=True)  # before pytest selects by the mark
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    from tests.scheduling import is_slow, longest_first

    for item in filter(is_slow, items):
        item.add_marker("slow")
    items.sort(key=longest_first)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """Lets the garbage collector pass over what the tests of one file have left for those of another.

    Imported modules and cached templates are hundreds of thousands of objects. Each full collection of a proof that
    makes many objects would visit all of them.
    """
    result = yield
    if nextitem is not None and nextitem.path != item.path:
        gc.freeze()
    return result


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    from tests.scheduling import GroupScheduling

    return GroupScheduling(config, log)
