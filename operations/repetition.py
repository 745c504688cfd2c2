"""Names the command that completes a change of the authorization state after a failure."""

from collections.abc import Iterator
from contextlib import contextmanager

from chalicelib.core.errors import Conflict, InternalError
from infra.errors import StepFailed


@contextmanager
def repeatable(what: str, *words: str) -> Iterator[None]:
    """Raises a failure to write the state as StepFailed, with the command to run again.

    what   what the command changes
    words  the command that can be repeated
    """
    try:
        yield
    except (Conflict, InternalError) as failure:
        from infra.differing_copies import command

        partly = failure.code == "state_partly_written"
        effect = " Authorizers that read the other copies do not know the change yet." if partly else ""
        raise StepFailed(f"{what}: {failure}.{effect} Run again: `{command(*words)}`") from failure
