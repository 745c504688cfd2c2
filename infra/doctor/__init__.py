"""Diagnoses a running stage. Changes nothing.

`verify` compares the stage with its templates and finds manual changes. The doctor finds faults that can occur although
the templates are correct: in data, groups, keys, clocks and alarms, and between settings of several functions.
"""

from collections.abc import Sequence

from infra.checks import policies
from infra.checks.check import Check
from infra.doctor import access, answers, data, functions

CHECKS: Sequence[Check] = (
    *answers.CHECKS,
    *functions.CHECKS,
    *data.CHECKS,
    policies.READABLE,
    *access.CHECKS,
)
