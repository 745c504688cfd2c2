"""Reports each step of a command on one line: its name, and whether it changed anything or failed."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.core.errors import GatehouseError
from infra.errors import DeploymentFailed, StepFailed


@dataclass
class Step:
    """The result of a step. The step itself sets `changed` and appends `notes` for the operator."""

    changed: bool = False
    notes: list[str] = field(default_factory=list)


class Progress:
    """Writes one line for each step. `changed` says whether any step changed something.

    write  writes text, which can be a part of a line
    """

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write = write
        self.changed = False

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """Runs the body as a step.

        name  begins with a verb

        Raises:  StepFailed for an error of AWS, CloudFormation or a use case; other errors as they are
        """
        self._write(f"{name} ".ljust(58, ".") + " ")
        step = Step()
        try:
            yield step
        except BaseException as error:
            self._write("failed\n")
            if not isinstance(error, BotoCoreError | ClientError | DeploymentFailed | GatehouseError):
                raise
            sentence = str(error).strip().rstrip(".")
            raise StepFailed(f"The step “{name}” failed: {sentence}. To retry, run the same command again.") from error
        self.changed |= step.changed
        self._write("changed\n" if step.changed else "unchanged\n")
        for note in step.notes:
            self._write(f"    {note}\n")
