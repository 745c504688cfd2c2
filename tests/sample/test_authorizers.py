"""Each route of the sample has the authorizer of its use case."""

import json
from pathlib import Path

import pytest
from chalice.app import ChaliceAuthorizer

from app import app
from authorizers.cognito import PoolAuthorizer
from infra.application import stage_template
from infra.checks.routes import RouteAuthorizer, expected_authorizers
from infra.package import PROJECT, package_without_dependencies
from tests.sample.scopes import READ, WRITE

ROUTES = {(method, path): route for path, methods in app.routes.items() for method, route in methods.items()}
FILES = sorted(name for name in ROUTES if name[1] in ("/files", "/files/{name}"))
REPORTS = sorted(name for name in ROUTES if name[1] in ("/reports", "/reports/{id}"))


def test_the_sample_has_four_file_routes_and_five_report_routes() -> None:
    assert (len(FILES), len(REPORTS)) == (4, 5)


@pytest.mark.parametrize(("method", "path"), FILES)
def test_a_file_route_requires_the_read_scope_for_get_and_the_write_scope_otherwise(method: str, path: str) -> None:
    authorizer = ROUTES[method, path].authorizer
    assert isinstance(authorizer, PoolAuthorizer)
    assert authorizer.scopes == [READ if method == "GET" else WRITE]


@pytest.mark.parametrize("name", REPORTS)
def test_every_report_route_has_the_policy_authorizer(name: tuple[str, str]) -> None:
    assert isinstance(ROUTES[name].authorizer, ChaliceAuthorizer)


def test_a_stage_requires_the_scopes_of_its_own_resource_server(tmp_path: Path) -> None:
    packaged = package_without_dependencies(tmp_path, PROJECT)[0]
    template = json.loads(stage_template(packaged, "s3://bundles/code.zip", "https://olympus.example"))
    definition = template["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]
    expected = expected_authorizers(definition)["PUT", "/files/{name}"]
    assert expected == RouteAuthorizer("COGNITO_USER_POOLS", "pool", ("https://olympus.example/file.write",))
