"""Makes the runs of Hypothesis independent of the other modules that this process has imported.

Hypothesis sometimes draws a constant that it has found in the source of an imported module of the project. A run would
then depend on the tests that ran before it, and on every number in every file.
Source:  hypothesis.internal.conjecture.providers, of the pinned version
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from hypothesis.internal.conjecture import providers


@contextmanager
def no_constants_of_modules() -> Iterator[None]:
    """Prevent Hypothesis from drawing constants of modules in this block."""
    original = providers._get_local_constants
    providers._get_local_constants = providers.Constants  # type: ignore[attr-defined]  # imported there, not exported
    providers.CONSTANTS_CACHE.cache.clear()  # it caches both kinds of constants
    try:
        yield
    finally:
        providers._get_local_constants = original
        providers.CONSTANTS_CACHE.cache.clear()
