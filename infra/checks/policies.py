"""Checks the policy table: every policy is readable, and the policies are those of policies/."""

from collections.abc import Iterator

from authorizers.policy_document import check_size
from chalicelib.aws.policies import PolicyTable
from chalicelib.core.errors import InternalError
from chalicelib.core.policy import DeletedPolicy
from chalicelib.core.policy_json import parse_statements
from infra.checks.check import Check
from infra.checks.live import Live
from infra.policy_files import read_policies


def policy_table(live: Live) -> PolicyTable:
    """Returns the policy table of the stage."""
    return PolicyTable(live.client("dynamodb"), live.outputs["PolicyTableName"], check_size=check_size)


def _subjects(table: PolicyTable) -> list[str]:
    return [stored.subject for stored in table.list_stored() if not isinstance(stored, DeletedPolicy)]


def _readable(live: Live) -> Iterator[str]:
    table = policy_table(live)
    for subject in _subjects(table):
        try:
            table.get(subject)
        except InternalError as error:
            yield f"{subject}: {error}. Callers with this policy get HTTP 500 until it is repaired."


def _reviewed(live: Live) -> Iterator[str]:
    table = policy_table(live)
    files = read_policies(live.project / "policies", live.outputs)
    subjects, expected = _subjects(table), {file.subject: file.statements for file in files}
    for subject in sorted(expected.keys() | set(subjects)):
        if subject not in subjects:
            yield f"{subject} is in policies/, but not in the table."
        elif subject not in expected:
            yield f"{subject} is in the table, but not in policies/."
        elif table.get(subject).statements != parse_statements(expected[subject]):
            yield f"{subject} differs from policies/. {table.get(subject).updated_by} changed it last."


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
