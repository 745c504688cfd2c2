"""One check of a live stage: its name, what holds if all is well, and how to find what does not."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.core.errors import GatehouseError
from infra.checks.live import Live, NotThere
from infra.templates import Refused


@dataclass(frozen=True)
class Finding:
    """What became of one check; `detail` is a sentence for people, without secrets."""

    control: str
    ok: bool
    detail: str


@dataclass(frozen=True)
class Check:
    """A question to the live system.

    control      its name, which stays the same
    sentence     what is so if all is well
    differences  what is not; nothing if all is well
    informs      whether differences are only worth knowing
    """

    control: str
    sentence: str
    differences: Callable[[Live], Iterable[str]]
    informs: bool = False

    def __call__(self, live: Live) -> Finding:
        """Give the finding; a question without an answer is never a good one."""
        try:
            found = list(self.differences(live))
        except (ClientError, BotoCoreError, NotThere, Refused, GatehouseError) as error:
            return self._unknown(str(error))
        except (LookupError, TypeError, ValueError) as error:
            return self._unknown(f"the answer was not of the kind expected: {error!r}")
        return Finding(self.control, self.informs or not found, self._told(found))

    def _told(self, found: list[str]) -> str:
        between = "; worth knowing:" if self.informs else ": not so:"
        return f"{self.sentence}{between} {'; '.join(found)}" if found else self.sentence

    def _unknown(self, reason: str) -> Finding:
        return Finding(self.control, False, f"{self.sentence}: could not be checked: {reason}")
