"""What CloudFormation accepts for a template's parameters."""

import re
from collections.abc import Mapping
from typing import Any

CHECKED = {"Type", "Default", "AllowedValues", "AllowedPattern", "MinValue", "MaxValue", "MaxLength"}
CHECKED |= {"Description", "ConstraintDescription"}  # constrain nothing
TYPES = {"String", "Number", "CommaDelimitedList"}


class Refused(Exception):
    """CloudFormation would not take these parameters; the message names the one."""


Known = dict[tuple[str, Any], Any]  # (parameter, text) → value


def values(declared: Mapping[str, Mapping[str, Any]], given: Mapping[str, str], known: Known) -> dict[str, Any]:
    """Give every parameter its value, as Ref gives it: text, a whole number, or a list of texts. Raises Refused.

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
    assert set(slot) <= CHECKED, f"{name}: constraints that are not checked here: {set(slot) - CHECKED}"
    assert slot["Type"] in TYPES, f"{name}: type {slot['Type']} is not known here"
    if text is None:
        raise Refused(f"{name} is required")
    items = [item.strip() for item in str(text).split(",")] if slot["Type"] == "CommaDelimitedList" else [str(text)]
    for item in items:  # a pattern or a choice has to fit each value of a list
        _check(name, slot, item)
    if slot["Type"] == "Number":
        return int(items[0])
    return items if slot["Type"] == "CommaDelimitedList" else items[0]


def _check(name: str, slot: Mapping[str, Any], item: str) -> None:
    if slot["Type"] == "Number" and not re.fullmatch(r"-?[0-9]+", item):
        raise Refused(f"{name} is {item!r}, and not a number")
    if "AllowedValues" in slot and item not in map(str, slot["AllowedValues"]):
        raise Refused(f"{name} is {item!r}, and not one of {slot['AllowedValues']}")
    if not re.fullmatch(slot.get("AllowedPattern", "(?s).*"), item):
        raise Refused(f"{name} is {item!r}, which does not fit {slot['AllowedPattern']}")
    if len(item) > int(slot.get("MaxLength", len(item))):
        raise Refused(f"{name} has {len(item)} characters, more than {slot['MaxLength']}")
    if int(slot.get("MinValue", 0)) > int(item or 0 if slot["Type"] == "Number" else 0):
        raise Refused(f"{name} is {item}, less than {slot['MinValue']}")
    if slot["Type"] == "Number" and int(item) > int(slot.get("MaxValue", item)):
        raise Refused(f"{name} is {item}, more than {slot['MaxValue']}")
