"""Encodes the groups of a caller for a header of the upstream. Pure.

Shape:   a JSON list in ASCII, such as ["editors","readers"]. It is never empty text: API Gateway omits a header without
         a value, and the caller's own header of that name would take its place. A list that is too long becomes `null`,
         and never a shorter list.
"""

import json
from collections.abc import Iterable

MAX_BYTES = 1024
_TOO_LONG = "null"
_GROUP = "group:"


def encode(policy_subjects: Iterable[str], max_bytes: int) -> str:
    """Returns the names of the groups among the subjects. A machine has none.

    max_bytes  the room in the authorizer's result, where each quote of the text takes two bytes
    """
    names = [subject.removeprefix(_GROUP) for subject in policy_subjects if subject.startswith(_GROUP)]
    text = json.dumps(names, separators=(",", ":"))
    return text if len(json.dumps(text)) <= min(MAX_BYTES, max_bytes) else _TOO_LONG
