"""The forms of policies, revocations and the audit log in requests and answers of the administration API."""

from typing import Annotated, Any, NotRequired, TypedDict

from chalicelib.core.audit import Way
from chalicelib.policy_forms import StatementForm
from chalicelib.ports import Revocation

LONGEST_VALUE = 256
LARGEST_PAGE = 100
HIGHEST_VERSION = 10**15
MOMENT = "[0-9]{4}[0-9a-zA-Z:.-]{0,120}"  # a time, in whole or in part, or the `next` of a page

_Revocable = Annotated[str, {"minLength": 1, "maxLength": LONGEST_VALUE}]


class PolicyBody(TypedDict):
    statements: list[StatementForm]
    version: NotRequired[Annotated[int | None, {"minimum": 0}]]
    force: NotRequired[bool]


class DeletionBody(TypedDict):
    force: NotRequired[bool]


class RollbackBody(TypedDict):
    version: Annotated[int, {"minimum": 1, "maximum": HIGHEST_VERSION}]
    expected_version: NotRequired[Annotated[int, {"minimum": 0, "maximum": HIGHEST_VERSION}]]
    force: NotRequired[bool]


class Page(TypedDict):
    limit: NotRequired[Annotated[int, {"minimum": 1, "maximum": LARGEST_PAGE}]]
    before: NotRequired[Annotated[str, {"pattern": f"^{MOMENT}$"}]]


class RevocationBody(TypedDict):
    sub: NotRequired[_Revocable]
    client: NotRequired[_Revocable]
    session: NotRequired[_Revocable]


class StoredPolicy(TypedDict):
    subject: str
    version: int
    statements: list[StatementForm]
    updated_by: str
    updated_at: str


class StoredPolicies(TypedDict):
    policies: list[StoredPolicy]


class RevocationList(TypedDict):
    revocations: list[Revocation]


class PolicyChange(TypedDict):
    version: int | None
    at: str
    by: str
    way: Way
    before: list[StatementForm] | None
    after: list[StatementForm] | None


class PolicyHistory(TypedDict):
    history: list[PolicyChange]
    next: NotRequired[str]


class AuditedAction(TypedDict):
    at: str
    by: str
    way: Way
    action: str
    subject: str
    detail: dict[str, Any]


class AuditLog(TypedDict):
    entries: list[AuditedAction]
    next: NotRequired[str]


ONE_REVOCATION = Annotated[RevocationBody, {"minProperties": 1, "maxProperties": 1}]
