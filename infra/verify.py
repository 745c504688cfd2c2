"""Compares a deployed stage with the templates that were deployed, and these templates with the repository.

Changes nothing. The physical names of resources are taken from the stacks. The code of the functions is compared with
the bundle that the deployed template names.
"""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from infra.checks import (
    account,
    artifacts,
    authorizers,
    clients,
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

__all__ = ["CHECKS", "Finding", "line", "table", "total", "verify"]

PROJECT = Path(__file__).resolve().parents[1]
CHECKS: Sequence[Check] = (
    *stack.CHECKS,
    *pool.CHECKS,
    *clients.CHECKS,
    *providers.CHECKS,
    *tables.CHECKS,
    *artifacts.CHECKS,
    *functions.CHECKS,
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
    """Runs the checks and returns one finding for each. A check that does not complete has failed."""
    live = Live(stage, client, project)
    return [check(live) for check in checks]


def line(finding: Finding) -> str:
    """Formats a finding as one line."""
    return f"{'ok  ' if finding.ok else 'FAIL'} {finding.name}: {finding.detail}"


def table(findings: Sequence[Finding]) -> str:
    """Formats all findings, the failed ones last, and their number."""
    lines = [line(finding) for finding in sorted(findings, key=lambda finding: not finding.ok)]
    return "\n".join([*lines, total(findings)])


def total(findings: Sequence[Finding]) -> str:
    """Says how many checks passed."""
    return f"{sum(finding.ok for finding in findings)} of {len(findings)} checks passed"
