"""One line for each step: what it is, and whether it changed anything; and which one failed."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.core.errors import GatehouseError
from infra.errors import DeploymentFailed, StepFailed


@dataclass
class Step:
    """A step says itself whether it changed something; `notes` are for the reader."""

    changed: bool = False
    notes: list[str] = field(default_factory=list)


class Progress:
    """Tells of the steps while they are done, and sums up whether any of them changed something.

    write  takes text that may be a part of a line
    """

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write = write
        self.changed = False

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """Raises StepFailed for whatever AWS, CloudFormation, Chalice or a use case had against it."""
        self._write(f"{name} ".ljust(58, ".") + " ")
        step = Step()
        try:
            yield step
        except BaseException as error:
            self._write("failed\n")
            if not isinstance(error, BotoCoreError | ClientError | DeploymentFailed | GatehouseError):
                raise
            sentence = str(error).strip().rstrip(".")
            raise StepFailed(f"The step “{name}” failed: {sentence}. Give the same command again to go on.") from error
        self.changed |= step.changed
        self._write("changed\n" if step.changed else "unchanged\n")
        for note in step.notes:
            self._write(f"    {note}\n")
