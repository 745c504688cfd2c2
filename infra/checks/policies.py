"""Checks the policy table: every policy is readable, and the policies are those of policies/."""

from collections.abc import Iterator

from chalicelib.core.errors import InternalError
from chalicelib.core.policy import DeletedPolicy
from chalicelib.core.policy_json import parse_statements
from infra.checks.check import Check
from infra.checks.live import Live
from infra.policy_files import read_policies


def _subjects(live: Live) -> list[str]:
    return [stored.subject for stored in live.stored_policies if not isinstance(stored, DeletedPolicy)]


def _readable(live: Live) -> Iterator[str]:
    for subject in _subjects(live):
        try:
            live.policies.get(subject)
        except InternalError as error:
            yield f"{subject}: {error}. Callers with this policy get HTTP 500 until it is repaired."


def _reviewed(live: Live) -> Iterator[str]:
    files = read_policies(live.project / "policies", live.outputs)
    subjects, expected = _subjects(live), {file.subject: file.statements for file in files}
    for subject in sorted(expected.keys() | set(subjects)):
        if subject not in subjects:
            yield f"{subject} is in policies/, but not in the table."
        elif subject not in expected:
            yield f"{subject} is in the table, but not in policies/."
        elif (stored := live.policies.get(subject)).statements != parse_statements(expected[subject]):
            yield f"{subject} differs from policies/. {stored.updated_by} changed it last."


READABLE = Check(
    "policies-readable",
    "Every stored policy is readable.",
    _readable,
    "Write the policy again with `PUT /admin/policies/{kind}/{name}` or `manage.py policies apply`.",
)
CHECKS = (
    READABLE,
    Check(
        "policies-reviewed",
        "The stored policies are those of policies/.",
        _reviewed,
        "Update policies/, or run `manage.py policies apply`.",
        informs=True,
    ),
)
