"""Reads one stage back from AWS, and compares it with what the repository says.

The names are taken for granted, and so is the code of a packaged stage, of which only that all functions run the same
is known; of a stage of `manage.py`, what the last deployment remembered is compared.
"""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from infra.checks import (
    account,
    authorizers,
    clients,
    deployment,
    functions,
    policies,
    pool,
    providers,
    rest_api,
    roles,
    stack,
    stream,
    tables,
    watch,
)
from infra.checks.check import Check, Finding
from infra.checks.live import Live
from infra.stage import Stage

__all__ = ["CHECKS", "Finding", "table", "verify"]

PROJECT = Path(__file__).resolve().parents[1]
CHECKS: Sequence[Check] = (
    *stack.CHECKS,
    *pool.CHECKS,
    *clients.CHECKS,
    *providers.CHECKS,
    *tables.CHECKS,
    *functions.CHECKS,
    *deployment.CHECKS,
    *roles.CHECKS,
    *stream.CHECKS,
    *rest_api.CHECKS,
    *authorizers.CHECKS,
    *watch.CHECKS,
    *account.CHECKS,
    *policies.CHECKS,
)


def verify(
    stage: Stage, client: Callable[[str], Any], project: Path = PROJECT, checks: Iterable[Check] = CHECKS
) -> list[Finding]:
    """Give a finding for every check, also for those that could not be made, which are not ok."""
    live = Live(stage, client, project)
    return [check(live) for check in checks]


def table(findings: Sequence[Finding]) -> str:
    """The findings as lines, the bad ones last, and a sum."""
    width = max(len(finding.control) for finding in findings)
    lines = [
        f"{'ok ' if finding.ok else 'NOT'} {finding.control.ljust(width)}  {finding.detail}"
        for finding in sorted(findings, key=lambda finding: not finding.ok)
    ]
    good = sum(finding.ok for finding in findings)
    return "\n".join([*lines, f"{good} of {len(findings)} controls hold"])
