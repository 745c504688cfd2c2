"""Makes Hypothesis play the same stories whatever other modules this process has imported.

Hypothesis draws now and then a constant that it has found in the source of an imported module of the project. A story
would depend on the tests that ran before, and on every number that somebody writes into any file.
Source:  hypothesis.internal.conjecture.providers, of the pinned version
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from hypothesis.internal.conjecture import providers


@contextmanager
def no_constants_of_modules() -> Iterator[None]:
    """Let Hypothesis draw no constant of a module for a while."""
    original = providers._get_local_constants
    providers._get_local_constants = providers.Constants
    providers.CONSTANTS_CACHE.cache.clear()  # it keeps the constants of either kind
    try:
        yield
    finally:
        providers._get_local_constants = original
        providers.CONSTANTS_CACHE.cache.clear()
