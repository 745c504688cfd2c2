"""Builds what a function needs while Lambda initializes it, instead of during the first request.

Lambda initializes a function with a full processor and outside the function's timeout. The first request has only the
share of a processor that belongs to the function's memory.
"""

from collections.abc import Callable
from contextlib import suppress

from chalicelib.settings import Settings


def in_init_phase(settings: Settings, handler: str, *steps: Callable[[], object]) -> None:
    """Runs the steps if Lambda loads this process for that handler. Does nothing in any other process.

    A step that fails does not fail the start. The first request tries it again and reports the failure.
    """
    if settings.handler == handler:
        for step in steps:
            with suppress(Exception):
                step()
