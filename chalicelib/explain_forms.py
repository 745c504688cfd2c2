"""The forms of explanations, routes and previews in requests and answers of the administration API."""

from typing import Annotated, Literal, NotRequired, TypedDict

from chalicelib.core.route import Authorizer
from chalicelib.core.statement import METHODS
from chalicelib.policy_forms import StatementForm

CALLERS = ("groups", "username", "client", "token")
MOST_NAMES = 100
_Names = Annotated[list[str], {"maxItems": MOST_NAMES}]


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


class MatrixQuery(TypedDict):
    subject: NotRequired[str]
    path: NotRequired[str]


class SubjectVersion(TypedDict):
    subject: str
    version: int | None


class OutcomeForm(TypedDict):
    path: str
    scopes: list[str]
    allowed: bool
    reason: str
    because: list[str]
    signed_in_within: int | None


class CellForm(TypedDict):
    subject: str
    method: str
    path: str
    access: Literal["allowed", "partly", "denied"]
    allowed: bool
    reason: str
    because: list[str]
    exceptions: list[OutcomeForm]
    signed_in_within: int | None


class MatrixForm(TypedDict):
    subjects: list[SubjectVersion]
    routes: list[RouteForm]
    guards: list[StatementForm]
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
    signed_in_within: int | None


ONE_CALLER = Annotated[Question, {"oneOf": [{"required": [caller]} for caller in CALLERS]}]
