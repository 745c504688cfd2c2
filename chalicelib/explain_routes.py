"""The administration API: routes that explain decisions and show permissions. They change nothing.

An answer names policies and statements. It contains no token and no claim.
"""

from collections.abc import Mapping
from typing import Any

from chalice.app import Blueprint

from authorizers.policy import policy_authorizer
from chalicelib import wiring
from chalicelib.core.errors import InvalidInput
from chalicelib.core.policy import check_subject
from chalicelib.core.policy_json import parse_statements
from chalicelib.core.route import Route
from chalicelib.core.statement import METHODS, Statement
from chalicelib.describe import describe
from chalicelib.explain_forms import (
    CALLERS,
    MOST_NAMES,
    ONE_CALLER,
    ExplanationForm,
    MatrixForm,
    MatrixQuery,
    PolicyPreview,
    PreviewBody,
    Question,
    Routes,
)
from chalicelib.policy_forms import MOST_BYTES, PolicySubject
from chalicelib.request_body import fields_of, query_of, read_json
from chalicelib.route_table import read_routes

explain_blueprint = Blueprint(__name__)

_LONGEST = {"path": 2048, "username": 128, "client": 128, "token": 16_384, "subject": 256, "groups": 128, "scopes": 256}


@explain_blueprint.route("/admin/routes", authorizer=policy_authorizer)
@describe(answer=Routes)
def list_routes() -> Any:
    return {"routes": [route.as_dict() for route in _routes()]}


@explain_blueprint.route("/admin/matrix", authorizer=policy_authorizer)
@describe(query=MatrixQuery, answer=MatrixForm, errors=(404,))
def show_matrix() -> Any:
    subjects, path = parse_matrix(explain_blueprint.current_request.query_params)
    return wiring.explain().matrix(_routes(), subjects, path).as_dict()


@explain_blueprint.route("/admin/explain", methods=["POST"], authorizer=policy_authorizer)
@describe(body=ONE_CALLER, answer=ExplanationForm, errors=(404,))
def explain() -> Any:
    question = parse_question(read_json(explain_blueprint.current_request, most_bytes=32_768))
    method, path, scopes = question["method"], question["path"], question.get("scopes", [])
    use_case, routes = wiring.explain(), _routes()
    if "token" in question:
        explanation = use_case.for_token(method, path, question["token"], routes)
    elif "username" in question:
        explanation = use_case.for_user(method, path, question["username"], scopes, routes)
    else:
        explanation = use_case.for_subjects(method, path, _subjects(question), scopes, routes)
    return explanation.as_dict()


@explain_blueprint.route("/admin/policies/{kind}/{name}/preview", methods=["POST"], authorizer=policy_authorizer)
@describe(path=PolicySubject, body=PreviewBody, answer=PolicyPreview)
def preview_policy(kind: str, name: str) -> Any:
    statements = parse_preview(read_json(explain_blueprint.current_request, MOST_BYTES))
    return wiring.preview()(f"{kind}:{name}", statements, _routes()).as_dict()


def parse_matrix(query: Any) -> tuple[tuple[str, ...], str]:
    """Returns the subjects and the beginning of the paths that a matrix shows. Raises InvalidInput.

    Shape:  the query string: subject (optional), path (optional), each at most once
    """
    read = query_of(query, MatrixQuery)
    for name in read:
        _check_text(name, read[name])
    return ((check_subject(read["subject"]),) if "subject" in read else (), read.get("path", ""))


def parse_preview(body: Any) -> tuple[Statement, ...]:
    """Returns the statements of a policy that is not stored yet. Raises InvalidInput.

    Shape:  {"statements": [...]}
    """
    return parse_statements(fields_of(body, PreviewBody)["statements"])


def parse_question(body: Any) -> Mapping[str, Any]:
    """Returns the fields of a question after checking each. Raises InvalidInput.

    Shape:  {"method", "path", exactly one of "groups" (names), "username", "client" and "token", "scopes" (optional)}
    """
    read = fields_of(body, Question)
    if read["method"] not in METHODS:
        raise InvalidInput("method", f"expected one of {', '.join(METHODS)}")
    if len(set(read) & set(CALLERS)) != 1:
        raise InvalidInput("body", f"expected exactly one of {', '.join(CALLERS)}")
    if "token" in read and "scopes" in read:
        raise InvalidInput("scopes", "a token carries its own scopes. Remove this field")
    for name in set(read) - {"method"}:
        (_check_names if name in ("groups", "scopes") else _check_text)(name, read[name])
    for subject in _subjects(read):
        check_subject(subject)
    return read


def _subjects(question: Mapping[str, Any]) -> list[str]:
    groups = [f"group:{name}" for name in question.get("groups", [])]
    return [*groups, f"client:{question['client']}"] if "client" in question else groups


def _check_text(name: str, value: Any) -> None:
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST[name]:
        raise InvalidInput(name, f"expected a text of 1 to {_LONGEST[name]} characters")


def _check_names(name: str, value: Any) -> None:
    if not isinstance(value, list) or len(value) > MOST_NAMES:
        raise InvalidInput(name, f"expected a list of at most {MOST_NAMES} texts")
    for item in value:
        _check_text(name, item)


def _routes() -> tuple[Route, ...]:
    return wiring.rules().with_upstream(read_routes(explain_blueprint.current_app))
