"""The administration API: routes that explain decisions and show permissions. They change nothing.

An answer names policies and statements. It contains no token and no claim.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, NotRequired, TypedDict

from chalice.app import Blueprint

from authorizers.policy import policy_authorizer
from chalicelib import wiring
from chalicelib.core.errors import InvalidInput
from chalicelib.core.policy import check_subject
from chalicelib.core.policy_json import parse_statements
from chalicelib.core.route import Authorizer, Route
from chalicelib.core.statement import METHODS, Statement
from chalicelib.describe import describe
from chalicelib.policy_forms import PolicySubject, StatementForm
from chalicelib.request_body import fields_of, read_json
from chalicelib.route_table import read_routes

explain_blueprint = Blueprint(__name__)

_CALLERS = ("groups", "username", "client", "token")
_MOST_NAMES = 100
_Names = Annotated[list[str], {"maxItems": _MOST_NAMES}]
_LONGEST = {"path": 2048, "username": 128, "client": 128, "token": 16_384, "groups": 128, "scopes": 256}


class Question(TypedDict):
    method: Annotated[str, {"enum": list(METHODS)}]
    path: str
    groups: NotRequired[_Names]
    username: NotRequired[str]
    client: NotRequired[str]
    token: NotRequired[str]
    scopes: NotRequired[_Names]


class RouteForm(TypedDict):
    method: str
    path: str
    authorizer: Authorizer
    scopes: list[str]
    public: bool


class Routes(TypedDict):
    routes: list[RouteForm]


class SubjectVersion(TypedDict):
    subject: str
    version: int | None


class OutcomeForm(TypedDict):
    path: str
    scopes: list[str]
    allowed: bool
    reason: str
    because: list[str]


class CellForm(TypedDict):
    subject: str
    method: str
    path: str
    access: Literal["allowed", "partly", "denied"]
    allowed: bool
    reason: str
    because: list[str]
    exceptions: list[OutcomeForm]


class MatrixForm(TypedDict):
    subjects: list[SubjectVersion]
    routes: list[RouteForm]
    cells: list[CellForm]


class StatementName(TypedDict):
    subject: str
    sid: str
    version: int


class NearestChange(TypedDict):
    subject: str
    sid: str
    version: int
    kind: Literal["scope", "extend", "remove", "join", "sign_in"]
    value: str


class PreviewBody(TypedDict):
    statements: list[StatementForm]


class PolicyPreview(TypedDict):
    findings: list[str]
    gains: list[str]
    loses: list[str]


class ExplanationForm(TypedDict):
    allowed: bool
    reason: str
    because: list[StatementName]
    policies: list[str]
    nearest: NearestChange | None
    route: RouteForm | None


_ONE_CALLER = Annotated[Question, {"oneOf": [{"required": [caller]} for caller in _CALLERS]}]


@explain_blueprint.route("/admin/routes", authorizer=policy_authorizer)
@describe(answer=Routes)
def list_routes() -> Any:
    return {"routes": [route.as_dict() for route in _routes()]}


@explain_blueprint.route("/admin/matrix", authorizer=policy_authorizer)
@describe(answer=MatrixForm)
def show_matrix() -> Any:
    return wiring.explain().matrix(_routes()).as_dict()


@explain_blueprint.route("/admin/explain", methods=["POST"], authorizer=policy_authorizer)
@describe(body=_ONE_CALLER, answer=ExplanationForm, errors=(404,))
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
    statements = parse_preview(read_json(explain_blueprint.current_request, most_bytes=262_144))
    return wiring.preview()(f"{kind}:{name}", statements, _routes()).as_dict()


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
    if len(set(read) & set(_CALLERS)) != 1:
        raise InvalidInput("body", f"expected exactly one of {', '.join(_CALLERS)}")
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
    if not isinstance(value, list) or len(value) > _MOST_NAMES:
        raise InvalidInput(name, f"expected a list of at most {_MOST_NAMES} texts")
    for item in value:
        _check_text(name, item)


def _routes() -> tuple[Route, ...]:
    return read_routes(explain_blueprint.current_app)
