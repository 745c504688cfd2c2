"""The command that lists administrative actions: audit."""

from collections.abc import Mapping
from typing import Any

from typer import Context

from chalicelib.stage_rules import NO_RULES
from operations.invocation import Invocation
from operations.options import AsJson, Before, Limit, StageOrLocal

_NEWEST = 50
_COLUMNS = ("at", "by", "way", "action", "subject")


def audit(
    context: Context, stage_name: StageOrLocal, before: Before = None, limit: Limit = _NEWEST, as_json: AsJson = False
) -> int:
    """List the actions of administrators, the newest first.

    It lists changes of policies, revocations, changes of users, freezes and lockdowns. A change appears within a few
    seconds.
    """
    from operations.connection import open_outputs
    from operations.stage_access import administer_stage

    invocation: Invocation = context.obj
    page = administer_stage(*open_outputs(invocation, stage_name), NO_RULES).list_audit(limit, before)
    entries = [entry.as_dict() for entry in page.entries]
    if as_json:
        invocation.output.json({"entries": entries, **({"next": page.next} if page.next else {})})
        return 0
    rows = [[*(entry[name] for name in _COLUMNS), _in_words(entry["detail"])] for entry in entries]
    invocation.output.table([*_COLUMNS, "detail"], rows)
    if page.next:
        invocation.output.say(f"There are older entries: --before {page.next}")
    return 0


def _in_words(detail: Mapping[str, Any]) -> str:
    """Returns a detail in one line. A list is shown as words: `added: readers editors`."""
    words = {name: " ".join(map(str, value)) if isinstance(value, list) else value for name, value in detail.items()}
    return ", ".join(f"{name}: {value}" for name, value in words.items())


COMMANDS = (audit,)
