"""`python -m tests.infra.score` counts the faults that the rules and cfn-lint report, and writes docs/controls.md.

It takes ten minutes or more, nearly all of them for cfn-lint.
"""

import tempfile
from collections.abc import Callable, Iterable, Mapping
from multiprocessing import Pool
from pathlib import Path
from typing import Any

from infra.package import PROJECT
from tests.infra.application_faults import APPLICATION_FAULTS
from tests.infra.controls import IDENTITY, application_findings, identity_findings
from tests.infra.faults import Fault, deletions
from tests.infra.identity_faults import IDENTITY_FAULTS
from tests.infra.intrinsics import Unresolvable
from tests.infra.linter import complaints
from tests.infra.matrix import pairs
from tests.infra.packaged import packaged, translated
from tests.infra.resolve import Template, load
from tests.infra.rules import Sets

PAGE = PROJECT / "docs/controls.md"
BEGIN, END = "<!-- written by python -m tests.infra.score -->\n", "<!-- until here -->"
# The errors of a rule that does not find its subject. The test of the rule then fails.
MISSING = (Unresolvable, AttributeError, IndexError, KeyError, TypeError, ValueError)
ByRules = Callable[[Fault, Mapping[str, Any]], bool]


def main() -> None:
    """Counts the faults, and writes the lines into the page."""
    source = load(PROJECT / "infra/identity.yaml")
    with tempfile.TemporaryDirectory() as folder:
        application = packaged(Path(folder))
    few, identity = list(pairs()), Template(source)

    def by_control(fault: Fault, planted: Mapping[str, Any]) -> bool:
        return any(True for _ in identity_findings(fault.control, Template(planted), few))

    def by_control_of_application(fault: Fault, planted: Mapping[str, Any]) -> bool:
        return any(True for _ in application_findings(fault.control, translated(planted), identity))

    def by_any(_fault: Fault, planted: Mapping[str, Any]) -> bool:
        return noticed(Template(planted), few)

    lines = [
        _line("Faults in the identity template", IDENTITY_FAULTS, source, by_control),
        _line(
            "Faults in the packaged application template", APPLICATION_FAULTS, application, by_control_of_application
        ),
        _rest("Removed keys and list items of the identity template", deletions(source["Resources"]), source, by_any),
    ]
    _write("\n".join(lines) + "\n")


def noticed(template: Template, sets: Sets) -> bool:
    """Returns whether any control is broken or cannot be evaluated."""
    try:
        return any(True for control in IDENTITY for _ in identity_findings(control, template, sets))
    except MISSING:
        return True


def _line(what: str, faults: Iterable[Fault], source: Mapping[str, Any], by_rules: ByRules) -> str:
    """Counts what the rules, cfn-lint, and both together report."""
    templates = [(fault, fault.planted(source)) for fault in faults]
    rules = [by_rules(fault, planted) for fault, planted in templates]
    linter = _linted([planted for _, planted in templates])
    together = sum(map(any, zip(rules, linter, strict=True)))
    found = f"The rules report {sum(rules)} of them, cfn-lint reports {sum(linter)}. Together, they report {together}"
    return f"- {what}: {len(templates)}. {found}."


def _rest(what: str, faults: Iterable[Fault], source: Mapping[str, Any], by_rules: ByRules) -> str:
    """Counts what the rules report, and what cfn-lint reports of the rest. cfn-lint is too slow for all faults."""
    templates = [(fault, fault.planted(source)) for fault in faults]
    left = [planted for fault, planted in templates if not by_rules(fault, planted)]
    noticed_by_rules, linter = len(templates) - len(left), sum(_linted(left))
    found = f"The rules report {noticed_by_rules} of them, and cfn-lint reports {linter} of the other {len(left)}"
    return f"- {what}: {len(templates)}. {found}. Together, they report {noticed_by_rules + linter}."


def _linted(templates: list[dict[str, Any]]) -> list[bool]:
    with Pool(2) as processes:
        return [bool(found) for found in processes.map(complaints, templates, 8)]


def _write(lines: str) -> None:
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    PAGE.write_text(before + BEGIN + lines + END + rest.partition(END)[2], encoding="utf-8")
    print(lines, end="")


if __name__ == "__main__":
    main()
