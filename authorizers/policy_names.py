"""The names of policies in an authorizer's context: as many as there is room for. Pure.

Shape:   "group:readers@1, group:editors@4, and 31 more". API Gateway puts the text into the JSON of its error responses
         as it is, so that what would end or alter a JSON text is percent-encoded. No name has a space.
"""

import json
from collections.abc import Sequence
from urllib.parse import unquote

_SAFE = str.maketrans({character: f"%{ord(character):02X}" for character in '"\\$%'})


def encode(policies: Sequence[str], room: int) -> str:
    """Name policies in at most `room` bytes of JSON. Where there is no room for one, their number stands instead."""
    names = [name.translate(_SAFE) for name in policies]
    if _bytes(text := ", ".join(names)) <= room:
        return text
    best = f"{len(names)} in number"
    for count in range(1, len(names)):
        text = f"{', '.join(names[:count])}, and {len(names) - count} more"
        if _bytes(text) > room:
            break
        best = text
    return best


def decode(text: str) -> list[str]:
    """List the names, and last, if there were more, their number: `and 31 more`."""
    return [unquote(name) for name in text.split(", ")]


def _bytes(text: str) -> int:
    return len(json.dumps(text))
