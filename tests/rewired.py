"""The real wiring, for tests that want it: what is built for one must not be found by the next."""

from collections.abc import Iterator
from contextlib import contextmanager

from chalicelib import wiring


@contextmanager
def fresh_wiring() -> Iterator[None]:
    """Let everything be built anew within, and forget it afterwards."""
    _forget()
    try:
        yield
    finally:
        _forget()


def _forget() -> None:
    for made in vars(wiring).values():
        if hasattr(made, "cache_clear"):
            made.cache_clear()
