"""The routes of the sample service. They contain no authentication code: each names the authorizer that protects it."""

from typing import Annotated, Any, TypedDict

from chalice.app import Blueprint, Response

from authorizers.cognito import requires
from authorizers.policy import policy_authorizer
from chalicelib.api import no_content
from chalicelib.describe import describe
from chalicelib.request_body import read_json, texts
from chalicelib.sample.wiring import service
from chalicelib.start import in_init_phase
from chalicelib.wiring import settings

sample_blueprint = Blueprint(__name__)


class FileBody(TypedDict):
    content: Annotated[str, {"maxLength": 65_536}]


class File(TypedDict):
    name: str
    content: str


class FileNames(TypedDict):
    files: list[str]


class ReportBody(TypedDict):
    title: Annotated[str, {"maxLength": 200}]
    body: Annotated[str, {"maxLength": 65_536}]


class Report(TypedDict):
    id: str
    title: str
    body: str


class ReportTitle(TypedDict):
    id: str
    title: str


class ReportTitles(TypedDict):
    reports: list[ReportTitle]


# --- use case 1: a valid token with the scope ---


@sample_blueprint.route("/files", authorizer=requires("file.read"))
@describe(answer=FileNames)
def list_files() -> Any:
    return {"files": service().list_files()}


@sample_blueprint.route("/files/{name}", authorizer=requires("file.read"))
@describe(answer=File)
def get_file(name: str) -> Any:
    return service().get_file(name)


@sample_blueprint.route("/files/{name}", methods=["PUT"], authorizer=requires("file.write"))
@describe(body=FileBody, answer=File)
def put_file(name: str) -> Any:
    return service().put_file(name, **_texts(FileBody))


@sample_blueprint.route("/files/{name}", methods=["DELETE"], authorizer=requires("file.write"))
@describe(status=204)
def delete_file(name: str) -> Any:
    service().delete_file(name)
    return no_content()


# --- use case 2: a valid token, and a policy that allows the request ---


@sample_blueprint.route("/reports", authorizer=policy_authorizer)
@describe(answer=ReportTitles)
def list_reports() -> Any:
    return {"reports": service().list_reports()}


@sample_blueprint.route("/reports", methods=["POST"], authorizer=policy_authorizer)
@describe(body=ReportBody, answer=Report, status=201)
def add_report() -> Any:
    return Response(service().add_report(**_texts(ReportBody)), status_code=201)


@sample_blueprint.route("/reports/{id}", authorizer=policy_authorizer)
@describe(answer=Report)
def get_report(id: str) -> Any:
    return service().get_report(id)


@sample_blueprint.route("/reports/{id}", methods=["PUT"], authorizer=policy_authorizer)
@describe(body=ReportBody, answer=Report)
def put_report(id: str) -> Any:
    return service().put_report(id, **_texts(ReportBody))


@sample_blueprint.route("/reports/{id}", methods=["DELETE"], authorizer=policy_authorizer)
@describe(status=204)
def delete_report(id: str) -> Any:
    service().delete_report(id)
    return no_content()


def _texts(form: Any) -> dict[str, str]:
    return texts(read_json(sample_blueprint.current_request), form)


in_init_phase(settings(), "app.app", service)
