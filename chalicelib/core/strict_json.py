"""Parses strict JSON: UTF-8, no duplicate names, no lone surrogates, no NaN, no infinities. Pure."""

import json
from math import isinf
from typing import Any


def parse(text: bytes) -> Any:
    """Returns the parsed value. Raises ValueError for anything else, including text that is nested too deeply."""
    try:
        written = text.decode("utf-8")
        parsed = _DECODER.decode(written)
        if "\\" in written:  # an escape can be a lone surrogate, which UTF-8 cannot encode
            json.dumps(parsed, ensure_ascii=False).encode("utf-8")
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return parsed


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    parsed = dict(pairs)
    if len(parsed) != len(pairs):
        raise ValueError("an object has the same field twice")
    return parsed


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if isinf(number):
        raise ValueError(f"{text[:20]} is larger than the largest number")
    return number


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_refuse_constant, parse_float=_finite)
