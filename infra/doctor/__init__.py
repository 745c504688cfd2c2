"""Finds out why a stage does not work: asks the running stage, whatever its templates say. Changes nothing.

`verify` compares settings with the templates and finds changes by hand. The doctor finds faults that a correct template
does not exclude: data, groups, keys, clocks, alarms, and settings that do not agree with each other.
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
