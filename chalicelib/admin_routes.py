"""The administration API: routes that write policies, revoke tokens and read the audit log.

Policies decide who may call them.
"""

import re
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, cast

from chalice.app import Blueprint, Response

from authorizers.policy import policy_authorizer
from chalicelib import wiring
from chalicelib.admin_forms import (
    HIGHEST_VERSION,
    LARGEST_PAGE,
    LONGEST_VALUE,
    MOMENT,
    ONE_REVOCATION,
    AuditLog,
    DeletionBody,
    Page,
    PolicyBody,
    PolicyHistory,
    RevocationBody,
    RevocationList,
    RollbackBody,
    StoredPolicies,
    StoredPolicy,
)
from chalicelib.api import no_content
from chalicelib.core.errors import InvalidInput
from chalicelib.core.policy import Policy
from chalicelib.core.policy_json import as_dict, parse_statements
from chalicelib.core.statement import Statement
from chalicelib.describe import describe
from chalicelib.policy_forms import MOST_BYTES, PolicySubject
from chalicelib.ports import Revocation, RevocationKind
from chalicelib.request_body import caller_id, fields_of, flag, page_size, query_of, read_json, read_optional_json
from chalicelib.start import in_init_phase

admin_blueprint = Blueprint(__name__)


@admin_blueprint.route("/admin/policies", authorizer=policy_authorizer)
@describe(answer=StoredPolicies)
def list_policies() -> Any:
    return {"policies": [_shown(policy) for policy in wiring.administer().list_policies()]}


@admin_blueprint.route("/admin/policies/{kind}/{name}", authorizer=policy_authorizer)
@describe(path=PolicySubject, answer=StoredPolicy)
def get_policy(kind: str, name: str) -> Any:
    return _shown(wiring.administer().get_policy(f"{kind}:{name}"))


@admin_blueprint.route("/admin/policies/{kind}/{name}", methods=["PUT"], authorizer=policy_authorizer)
@describe(path=PolicySubject, body=PolicyBody, answer=StoredPolicy, errors=(409,))
def put_policy(kind: str, name: str) -> Any:
    statements, version, force = parse_policy(_body())
    return _shown(wiring.administer().put_policy(f"{kind}:{name}", statements, _caller_id(), version, force))


@admin_blueprint.route("/admin/policies/{kind}/{name}", methods=["DELETE"], authorizer=policy_authorizer)
@describe(path=PolicySubject, body=DeletionBody, optional=True, status=204, errors=(409,))
def delete_policy(kind: str, name: str) -> Any:
    force = parse_deletion(read_optional_json(admin_blueprint.current_request, MOST_BYTES))
    wiring.administer().delete_policy(f"{kind}:{name}", _caller_id(), force=force)
    return no_content()


@admin_blueprint.route("/admin/policies/{kind}/{name}/history", authorizer=policy_authorizer)
@describe(path=PolicySubject, query=Page, answer=PolicyHistory)
def policy_history(kind: str, name: str) -> Any:
    page = wiring.administer().history(f"{kind}:{name}", *_page())
    return _shown_page("history", [entry.change_as_dict() for entry in page.entries], page.next)


@admin_blueprint.route("/admin/policies/{kind}/{name}/rollback", methods=["POST"], authorizer=policy_authorizer)
@describe(path=PolicySubject, body=RollbackBody, answer=StoredPolicy, errors=(404, 409))
def roll_back_policy(kind: str, name: str) -> Any:
    version, expected, force = parse_rollback(_body())
    return _shown(wiring.administer().rollback(f"{kind}:{name}", version, _caller_id(), expected, force))


@admin_blueprint.route("/admin/audit", authorizer=policy_authorizer)
@describe(query=Page, answer=AuditLog)
def list_audit() -> Any:
    page = wiring.administer().list_audit(*_page())
    return _shown_page("entries", [entry.as_dict() for entry in page.entries], page.next)


@admin_blueprint.route("/admin/revocations", authorizer=policy_authorizer)
@describe(answer=RevocationList)
def list_revocations() -> Any:
    return {"revocations": [asdict(revocation) for revocation in wiring.administer().list_revocations()]}


@admin_blueprint.route("/admin/revocations", methods=["POST"], authorizer=policy_authorizer)
@describe(body=ONE_REVOCATION, answer=Revocation, status=201)
def revoke() -> Any:
    kind, value = parse_revocation(_body())
    return Response(asdict(wiring.administer().revoke(kind, value, _caller_id())), status_code=201)


@admin_blueprint.route("/admin/revocations", methods=["DELETE"], authorizer=policy_authorizer)
@describe(body=ONE_REVOCATION, status=204, errors=(404, 409))
def lift_revocation() -> Any:
    wiring.administer().lift(*parse_revocation(_body()), _caller_id())
    return no_content()


def parse_policy(body: Any) -> tuple[tuple[Statement, ...], int | None, bool]:
    """Returns the statements of a policy, the version that they replace, and `force`. Raises InvalidInput.

    Shape:  {"statements": [...], "version": the version that was read (optional), "force": bool (optional)}
    """
    read = fields_of(body, PolicyBody)
    statements, version = parse_statements(read["statements"]), read.get("version")
    if version is not None and (type(version) is not int or version < 0):
        raise InvalidInput("version", "expected the whole number that the policy was read with")
    return statements, version, flag(read, "force")


def parse_rollback(body: Any) -> tuple[int, int | None, bool]:
    """Returns the version to restore, the version that it replaces, and `force`. Raises InvalidInput.

    Shape:  {"version": number, "expected_version": the current version (optional), "force": bool (optional)}
    """
    read = fields_of(body, RollbackBody)
    for name, least in (("version", 1), ("expected_version", 0)):
        if name in read and (type(read[name]) is not int or not least <= read[name] <= HIGHEST_VERSION):
            raise InvalidInput(name, "expected the number of a version, such as 3")
    return read["version"], read.get("expected_version"), flag(read, "force")


def parse_moment(query: Any) -> tuple[int, str | None]:
    """Returns the size of a page, and the moment before which its entries lie. Raises InvalidInput.

    Shape:  the query string: limit (optional), before (optional: a time, or the `next` of a page), each at most once
    """
    read = query_of(query, Page)
    before = read.get("before")
    if before is not None and not re.fullmatch(MOMENT, before):
        raise InvalidInput("before", "expected a time such as 2027-01-15T08:00:00Z, or the next of a page")
    return page_size(read, LARGEST_PAGE // 2, LARGEST_PAGE), before


def parse_deletion(body: Any) -> bool:
    """Returns `force` of a deletion. Raises InvalidInput.

    Shape:  {"force": bool (optional)}
    """
    return flag(fields_of(body, DeletionBody), "force")


def parse_revocation(body: Any) -> tuple[RevocationKind, str]:
    """Returns what a revocation revokes. Raises InvalidInput.

    Shape:  exactly one of {"sub": …}, {"client": …}, {"session": …}
    """
    read = fields_of(body, RevocationBody)
    if len(read) != 1:
        raise InvalidInput("body", "expected exactly one of sub, client and session")
    kind, value = next(iter(read.items()))
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_VALUE or not value.isprintable():
        raise InvalidInput(kind, f"expected a text of 1 to {LONGEST_VALUE} characters")
    return cast(RevocationKind, kind), value


def _body() -> Any:
    return read_json(admin_blueprint.current_request, MOST_BYTES)


def _caller_id() -> str:
    return caller_id(admin_blueprint.current_request)


def _page() -> tuple[int, str | None]:
    return parse_moment(admin_blueprint.current_request.query_params)


def _shown_page(name: str, items: Sequence[Any], next_: str | None) -> dict[str, Any]:
    return {name: items, **({"next": next_} if next_ else {})}


def _shown(policy: Policy) -> dict[str, Any]:
    return {**asdict(policy), "statements": [as_dict(statement) for statement in policy.statements]}


in_init_phase(wiring.settings(), "app.app", wiring.administer)
