"""Sets up all tests: a clean environment, the distribution over workers, and the end of started processes."""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Iterator
from functools import cache
from typing import Any

import botocore.session
import pytest

from tests import processes
from tests.environment import isolate


def pytest_configure(config: pytest.Config) -> None:
    isolate(os.environ)
    gc.set_threshold(100_000)  # the default of 700 costs a sixth of the time, because templates are many small objects
    # Each session of the SDK reads the descriptions of AWS's services again. Hundreds of tests make a session.
    vars(botocore.session)["create_loader"] = cache(botocore.session.create_loader)
    # A shell starts background jobs with SIGINT ignored, and child processes would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    processes.watch(config)


@pytest.hookimpl(tryfirst=True)  # before pytest selects by marker
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    from tests.scheduling import is_slow, longest_first

    for item in filter(is_slow, items):
        item.add_marker("slow")
    items.sort(key=longest_first)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """Excludes existing objects from garbage collection after each test file.

    Imported modules and cached templates are hundreds of thousands of objects. Each full collection in a later test
    would visit all of them.
    """
    result = yield
    if nextitem is not None and nextitem.path != item.path:
        gc.freeze()
    return result


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    from tests.scheduling import GroupScheduling

    return GroupScheduling(config, log)
