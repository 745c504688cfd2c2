"""Extracts the reason of a failure from the output of Chalice's command line."""

import re


def reason(output: str) -> str:
    """Returns the message in Chalice's output, which is a report or a traceback."""
    report = output.partition("ERROR - ")[2] or output.partition("ERROR: ")[2]
    lines = [line for line in (report or output).splitlines() if line.strip()]
    return re.sub(r"\s+", " ", " ".join(lines if report else lines[-1:])).strip() or "it gave no reason"
