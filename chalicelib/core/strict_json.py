"""JSON with one meaning: UTF-8, no duplicate names, no NaN or infinities. Pure."""

import json
from typing import Any


def parse(text: bytes) -> Any:
    """Raises ValueError for anything else, texts nested too deeply included."""
    try:
        return _DECODER.decode(text.decode("utf-8"))
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    parsed = dict(pairs)
    if len(parsed) != len(pairs):
        raise ValueError("an object names a field twice")
    return parsed


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_refuse_constant)
