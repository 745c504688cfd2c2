"""The routes of the sample service. They contain no authentication code: each names the authorizer that protects it."""

from typing import Any

from chalice.app import Blueprint, Response

from authorizers.cognito import requires
from authorizers.policy import policy_authorizer
from chalicelib.api import no_content
from chalicelib.request_body import read_json, texts
from chalicelib.sample.wiring import service
from chalicelib.start import in_init_phase
from chalicelib.wiring import settings

sample_blueprint = Blueprint(__name__)


# --- use case 1: a valid token with the scope ---


@sample_blueprint.route("/files", authorizer=requires("file.read"))
def list_files() -> Any:
    return {"files": service().list_files()}


@sample_blueprint.route("/files/{name}", authorizer=requires("file.read"))
def get_file(name: str) -> Any:
    return service().get_file(name)


@sample_blueprint.route("/files/{name}", methods=["PUT"], authorizer=requires("file.write"))
def put_file(name: str) -> Any:
    return service().put_file(name, **_texts("content"))


@sample_blueprint.route("/files/{name}", methods=["DELETE"], authorizer=requires("file.write"))
def delete_file(name: str) -> Any:
    service().delete_file(name)
    return no_content()


# --- use case 2: a valid token, and a policy that allows the request ---


@sample_blueprint.route("/reports", authorizer=policy_authorizer)
def list_reports() -> Any:
    return {"reports": service().list_reports()}


@sample_blueprint.route("/reports", methods=["POST"], authorizer=policy_authorizer)
def add_report() -> Any:
    return Response(service().add_report(**_texts("title", "body")), status_code=201)


@sample_blueprint.route("/reports/{id}", authorizer=policy_authorizer)
def get_report(id: str) -> Any:
    return service().get_report(id)


@sample_blueprint.route("/reports/{id}", methods=["PUT"], authorizer=policy_authorizer)
def put_report(id: str) -> Any:
    return service().put_report(id, **_texts("title", "body"))


@sample_blueprint.route("/reports/{id}", methods=["DELETE"], authorizer=policy_authorizer)
def delete_report(id: str) -> Any:
    service().delete_report(id)
    return no_content()


def _texts(*names: str) -> dict[str, str]:
    return texts(read_json(sample_blueprint.current_request), *names)


in_init_phase(settings(), "app.app", service)
