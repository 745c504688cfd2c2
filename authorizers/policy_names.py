"""Encodes the names of policies for an authorizer's context, as many as fit. Pure.

Shape:   "group:readers@1, group:editors@4, and 31 more". API Gateway inserts the text unescaped into the JSON of its
         error responses. Therefore characters that would break the JSON are percent-encoded. No name has a space.
"""

import json
from collections.abc import Sequence
from urllib.parse import unquote

_SAFE = str.maketrans({character: f"%{ord(character):02X}" for character in '"\\$%'})


def encode(policies: Sequence[str], max_bytes: int) -> str:
    """Returns names in at most `max_bytes` bytes of JSON. Returns the number of policies if not one name fits."""
    names = [name.translate(_SAFE) for name in policies]
    if _bytes(text := ", ".join(names)) <= max_bytes:
        return text
    best = f"{len(names)} in number"
    for count in range(1, len(names)):
        text = f"{', '.join(names[:count])}, and {len(names) - count} more"
        if _bytes(text) > max_bytes:
            break
        best = text
    return best


def decode(text: str) -> list[str]:
    """Returns the names. The last item is the number of the other names, if there are any: `and 31 more`."""
    return [unquote(name) for name in text.split(", ")]


def _bytes(text: str) -> int:
    return len(json.dumps(text))
