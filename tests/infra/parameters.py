"""Checks parameters as CloudFormation does."""

import re
from collections.abc import Mapping
from typing import Any

CHECKED = {"Type", "Default", "AllowedValues", "AllowedPattern", "MinValue", "MaxValue", "MaxLength"}
CHECKED |= {"Description", "ConstraintDescription"}  # these do not constrain the value
TYPES = {"String", "Number", "CommaDelimitedList"}


class Refused(Exception):
    """CloudFormation would refuse these parameters. The message names the parameter."""


Known = dict[tuple[str, Any], Any]  # (parameter, text) → value


def values(declared: Mapping[str, Mapping[str, Any]], given: Mapping[str, str], known: Known) -> dict[str, Any]:
    """Returns the value of every parameter as Ref returns it: text, an integer, or a list of texts. Raises Refused.

    known  the values of earlier calls with the same declarations; this call adds to them
    """
    if unknown := set(given) - set(declared):
        raise Refused(f"the template has no parameter {sorted(unknown)}")
    texts = {name: given.get(name, slot.get("Default")) for name, slot in declared.items()}
    for name, text in texts.items():
        if (name, text) not in known:
            known[name, text] = value(name, declared[name], text)
    return {name: known[name, text] for name, text in texts.items()}


def value(name: str, slot: Mapping[str, Any], text: Any) -> Any:
    assert set(slot) <= CHECKED, f"{name}: unsupported constraints: {set(slot) - CHECKED}"
    assert slot["Type"] in TYPES, f"{name}: type {slot['Type']} is not supported"
    if text is None:
        raise Refused(f"{name} is required")
    items = [item.strip() for item in str(text).split(",")] if slot["Type"] == "CommaDelimitedList" else [str(text)]
    for item in items:  # a constraint applies to each value of a list
        _check(name, slot, item)
    if slot["Type"] == "Number":
        return int(items[0])
    return items if slot["Type"] == "CommaDelimitedList" else items[0]


def _check(name: str, slot: Mapping[str, Any], item: str) -> None:
    if slot["Type"] == "Number" and not re.fullmatch(r"-?[0-9]+", item):
        raise Refused(f"{name} is {item!r}, expected a number")
    if "AllowedValues" in slot and item not in map(str, slot["AllowedValues"]):
        raise Refused(f"{name} is {item!r}, expected one of {slot['AllowedValues']}")
    if not re.fullmatch(slot.get("AllowedPattern", "(?s).*"), item):
        raise Refused(f"{name} is {item!r}, expected a match of {slot['AllowedPattern']}")
    if len(item) > int(slot.get("MaxLength", len(item))):
        raise Refused(f"{name} has {len(item)} characters, more than {slot['MaxLength']}")
    if int(slot.get("MinValue", 0)) > int(item or 0 if slot["Type"] == "Number" else 0):
        raise Refused(f"{name} is {item}, less than {slot['MinValue']}")
    if slot["Type"] == "Number" and int(item) > int(slot.get("MaxValue", item)):
        raise Refused(f"{name} is {item}, more than {slot['MaxValue']}")
