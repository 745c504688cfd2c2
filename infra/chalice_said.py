"""What Chalice's command line says, and the sentence in it for people."""

import re


def reason(said: str) -> str:
    """Find the sentence for people in what Chalice says when it fails, be it a report or a traceback."""
    report = said.partition("ERROR - ")[2] or said.partition("ERROR: ")[2]
    lines = [line for line in (report or said).splitlines() if line.strip()]
    return re.sub(r"\s+", " ", " ".join(lines if report else lines[-1:])).strip() or "it said nothing"
