"""Asks the operator before a command changes something."""

import sys

from infra.errors import Refused
from operations.output import Output


def confirmed(output: Output, question: str) -> bool:
    """Asks a question, and returns whether the answer is yes. Raises Refused if standard input has no answer."""
    output.write(f"{question} [y/N] ")
    answer = sys.stdin.readline()
    if not answer:
        output.say("")
        raise Refused("There was no answer, so nothing changed. To run the command without a question, pass --yes.")
    return answer.strip().casefold() in ("y", "yes")
