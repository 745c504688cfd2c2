"""The real wiring, for tests that want it: what is built for one must not be found by the next."""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def fresh_wiring() -> Iterator[None]:
    """Let everything be built anew within, and forget it afterwards."""
    _forget()
    try:
        yield
    finally:
        _forget()


def _forget() -> None:
    modules = [module for name, module in sys.modules.items() if re.fullmatch(r"chalicelib\.(\w+\.)?wiring", name)]
    for made in [made for module in modules for made in vars(module).values()]:
        if hasattr(made, "cache_clear"):
            made.cache_clear()
