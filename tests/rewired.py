"""Isolates tests that use the real wiring: no object of one test is reused in another."""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def fresh_wiring() -> Iterator[None]:
    """Clears the cached objects of the wiring, before and after the block."""
    _clear()
    try:
        yield
    finally:
        _clear()


def _clear() -> None:
    modules = [
        module
        for name, module in sys.modules.items()
        if re.fullmatch(r"chalicelib\.((\w+\.)?wiring|aws_clients)", name)
    ]
    for function in [function for module in modules for function in vars(module).values()]:
        if hasattr(function, "cache_clear"):
            function.cache_clear()
