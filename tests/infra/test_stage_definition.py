"""The API of one stage: routes of the upstream and headers for other origins, only if the stage asks for them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from authorizers.cognito import requires
from chalicelib.core.errors import InternalError
from chalicelib.core.origin import METHODS
from chalicelib.core.upstream_paths import is_upstream
from chalicelib.settings import Settings
from infra import packaged_routes
from infra.application import stage_template
from infra.checks.routes import expected_authorizers, forwarding, forwarding_faults
from infra.errors import Refused
from infra.stage import read_stage
from infra.stage_rules import rules_of_parameters
from infra.templates import read_json
from tests.configured import RESOURCE_SERVER, SCOPES
from tests.infra.packaged import translated
from tests.infra.resolve import Template
from tests.infra.stages import OUTPUTS, PROJECT, project_in
from tests.infra.test_redeployment import deployment

Source = dict[str, Any]
SECRET = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:backend-a1b2c3"
UPSTREAM = {"UpstreamUrl": "https://backend.example", "UpstreamSecretArn": SECRET}
ORIGINS = {"AllowedOrigins": "https://app.example,https://shop.example"}
BY_SCOPE = {**UPSTREAM, "UpstreamReadScope": SCOPES[0]}
PATHS = ("/upstream", "/upstream/{proxy+}")
_RESPONSES, _INTEGRATION = "x-amazon-apigateway-gateway-responses", "x-amazon-apigateway-integration"


def template(source: Source, **given: str) -> Source:
    written: Source = json.loads(stage_template(json.dumps(source), "s3://bundles/code.zip", RESOURCE_SERVER, given))
    return written


def definition(source: Source, **given: str) -> Source:
    written: Source = template(source, **given)["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]
    return written


def forwarded(described: Source) -> Iterator[tuple[str, str, Source]]:
    for path in PATHS:
        for method, operation in described["paths"].get(path, {}).items():
            if method != "options":
                yield method.upper(), path, operation


def test_by_default_there_is_no_upstream_and_no_other_origin(application_source: Source) -> None:
    described = definition(application_source)
    assert not any(path.startswith("/upstream") or "options" in item for path, item in described["paths"].items())
    assert "Access-Control" not in json.dumps(described)
    assert "*/*" not in json.dumps(described)


# --- other origins ---


def test_gateway_responses_name_the_first_origin_and_never_the_origin_of_the_request(
    application_source: Source,
) -> None:
    responses = definition(application_source, **ORIGINS)[_RESPONSES]
    for response in responses.values():
        parameters = response["responseParameters"]
        assert parameters["gatewayresponse.header.Access-Control-Allow-Origin"] == "'https://app.example'"
        assert parameters["gatewayresponse.header.Vary"] == "'Origin'"
        assert all(value.startswith("'") for value in parameters.values())
        assert "gatewayresponse.header.Access-Control-Allow-Credentials" not in parameters
    assert responses["UNAUTHORIZED"]["responseParameters"]["gatewayresponse.header.WWW-Authenticate"] == "'Bearer'"


def test_every_path_has_a_preflight_that_needs_no_token_and_reaches_the_service(application_source: Source) -> None:
    described = definition(application_source, **ORIGINS, **UPSTREAM)
    for path, item in described["paths"].items():
        preflight = item["options"]
        assert "security" not in preflight
        assert preflight[_INTEGRATION]["type"] == "aws_proxy"
        assert [parameter["name"] for parameter in preflight.get("parameters", [])] == [
            segment.strip("{}+") for segment in path.split("/") if segment.startswith("{")
        ]


def test_another_origin_and_another_upstream_cause_a_new_deployment_of_the_api(application_source: Source) -> None:
    written = [
        deployment(template(application_source, **given))
        for given in ({}, ORIGINS, {"AllowedOrigins": "https://shop.example"}, UPSTREAM, BY_SCOPE)
    ]
    assert len(set(written)) == len(written)


# --- the upstream ---


@pytest.mark.parametrize("given", [UPSTREAM, BY_SCOPE], ids=["policies", "scopes"])
def test_every_route_of_the_upstream_has_one_authorizer(application_source: Source, given: dict[str, str]) -> None:
    described = definition(application_source, **given)
    for method, path, operation in forwarded(described):
        ((name, scopes),) = operation["security"][0].items()
        expected = ("pool", [f"{RESOURCE_SERVER}/{SCOPES[0]}"]) if given is BY_SCOPE else ("policy_authorizer", [])
        assert (name, scopes) == expected, (method, path)


def test_with_scopes_a_method_without_a_scope_does_not_exist(application_source: Source) -> None:
    methods = {method for method, _, _ in forwarded(definition(application_source, **BY_SCOPE))}
    assert methods == {"GET", "HEAD"}
    both = {**BY_SCOPE, "UpstreamWriteScope": SCOPES[-1]}
    assert {method for method, _, _ in forwarded(definition(application_source, **both))} == set(METHODS)


@pytest.mark.parametrize("given", [UPSTREAM, BY_SCOPE], ids=["policies", "scopes"])
def test_no_caller_can_set_an_identity_a_method_or_an_address(
    application_source: Source, given: dict[str, str]
) -> None:
    """An empty value would let the header of the caller pass. A hyphen would give the name a second spelling."""
    for method, path, operation in forwarded(definition(application_source, **given)):
        mapped = operation[_INTEGRATION]["requestParameters"]
        headers = {name.removeprefix("integration.request.header."): value for name, value in mapped.items()}
        identity = {name for name in headers if name.startswith("Gatehouse")}
        assert identity == {f"Gatehouse{what}" for what in ("Subject", "Client", "Groups", "Policies", "Token")}
        assert not [name for name in identity if set(name) & set("-_.")]
        assert not [name for name, value in headers.items() if value in ("", "''")]
        assert headers["X-HTTP-Method-Override"] == headers["X-HTTP-Method"] == f"'{method}'"
        assert headers["X-Original-URL"] == ("method.request.path.proxy" if "{" in path else "'/'")
        assert headers["Authorization"] == f"'Bearer {{{{resolve:secretsmanager:{SECRET}:SecretString}}}}'"
        assert headers["GatehouseToken"] == "'none'"
        assert "method.request.header" not in json.dumps(mapped)


def test_the_token_is_forwarded_only_if_the_stage_asks_for_it(application_source: Source) -> None:
    described = definition(application_source, **UPSTREAM, UpstreamReceivesToken="true")
    for _, _, operation in forwarded(described):
        mapped = operation[_INTEGRATION]["requestParameters"]
        assert mapped["integration.request.header.GatehouseToken"] == "method.request.header.Authorization"
        assert mapped["integration.request.header.Authorization"].startswith("'Bearer {{resolve:")


def test_a_method_is_forwarded_as_itself_to_the_same_path(application_source: Source) -> None:
    described = definition(application_source, **UPSTREAM)
    assert {(method, path) for method, path, _ in forwarded(described)} == {(m, p) for m in METHODS for p in PATHS}
    for method, path, operation in forwarded(described):
        integration = operation[_INTEGRATION]
        assert (integration["type"], integration["httpMethod"]) == ("http_proxy", method)
        assert integration["uri"] == ("https://backend.example/{proxy}" if "{" in path else "https://backend.example/")


def test_an_application_without_scopes_gets_the_cognito_authorizer_of_the_others(application_source: Source) -> None:
    without_pool = json.loads(json.dumps(application_source))
    api = without_pool["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]
    del api["securityDefinitions"]["pool"]
    written = definition(without_pool, **BY_SCOPE)["securityDefinitions"]["pool"]
    assert written == requires("any").to_swagger()


def test_the_transformed_template_is_resolved_and_verify_expects_its_routes(application_source: Source) -> None:
    given = {**UPSTREAM, **ORIGINS}
    written = translated(template(application_source, **given))
    stack = Template(written).resolve({**OUTPUTS, **given, **_rest(written)})
    (api,) = stack.of("AWS::ApiGateway::RestApi")
    routes = expected_authorizers(api.properties["Body"])
    assert routes["PUT", "/upstream/{proxy+}"].name == "policy_authorizer"
    assert forwarding(api.properties["Body"]).keys() == {(method, path) for method in METHODS for path in PATHS}
    functions = {
        it.properties["FunctionName"]: it.properties["Environment"] for it in stack.of("AWS::Lambda::Function")
    }
    known = {
        name: it["Variables"]["UPSTREAM_URL"] for name, it in functions.items() if "UPSTREAM_URL" in it["Variables"]
    }
    assert len(known) == 2  # the authorizer, and the service, which measures policies
    assert set(known.values()) == {"https://backend.example"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, []),
        ({"uri": "https://evil.example/{proxy}"}, ["forwards to another address"]),
        ({"type": "AWS_PROXY"}, ["forwards to another address"]),
        (
            {"GatehouseSubject": "method.request.header.X"},
            ["does not set header.GatehouseSubject as the template says"],
        ),
        ({"GatehouseGroups": None}, ["does not set header.GatehouseGroups as the template says"]),
        ({"Authorization": "method.request.header.X"}, ["does not set header.Authorization as the template says"]),
        ({"Authorization": "'Bearer {{resolve:x}}'"}, ["does not set header.Authorization as the template says"]),
        ({"Authorization": "'Bearer '"}, ["does not set header.Authorization as the template says"]),
        ({"X-Added": "'1'"}, ["sets header.X-Added, which the template does not"]),
    ],
)
def test_verify_compares_what_the_gateway_writes_without_the_secret(
    application_source: Source, change: dict[str, Any], said: list[str]
) -> None:
    expected = forwarding(definition(application_source, **UPSTREAM))["GET", "/upstream/{proxy+}"]
    headers = {f"integration.request.header.{name}": value for name, value in change.items() if name[0].isupper()}
    mapped = {**expected["requestParameters"], "integration.request.header.Authorization": "'Bearer known'", **headers}
    actual = {"uri": expected["uri"], "type": "HTTP_PROXY", **change}
    actual["requestParameters"] = {name: value for name, value in mapped.items() if value is not None}
    found = list(forwarding_faults(actual, expected))
    assert found == said
    assert "known" not in " ".join(found)


def _rest(written: Source) -> dict[str, str]:
    return {name: "x" for name, it in written["Parameters"].items() if "Default" not in it and name not in OUTPUTS}


@pytest.mark.parametrize(
    "given",
    [{}, UPSTREAM, BY_SCOPE, {**UPSTREAM, "UpstreamWriteScope": SCOPES[-1]}],
    ids=["no upstream", "policies", "a scope to read", "a scope to write"],
)
def test_the_rules_of_a_stage_name_the_routes_of_the_upstream_that_its_api_has(
    application_source: Source, given: dict[str, str]
) -> None:
    described = definition(application_source, **given)
    deployed = {route for route in packaged_routes.routes_of(described, RESOURCE_SERVER) if is_upstream(route.path)}
    assert set(rules_of_parameters({**given, "ResourceServerIdentifier": RESOURCE_SERVER}).upstream_routes) == deployed


# --- the file of a stage ---


def refusal(folder: Path, hosts: str, **application: str) -> str:
    lines = "\n".join(f'  {name}: "{value}"' for name, value in application.items())
    project = project_in(folder, f"region: eu-central-1\napplication:\n{lines}\n")
    (project / "infra/upstreams.yaml").write_text(f"hosts: {hosts}\n", encoding="utf-8")
    try:
        read_stage(project, "trial")
    except Refused as refused:
        return str(refused)
    return ""


def test_an_upstream_must_be_on_the_list_of_hosts(tmp_path: Path) -> None:
    assert refusal(tmp_path / "a", "[backend.example]", **UPSTREAM) == ""
    assert "the host backend.example is not in infra/upstreams.yaml" in refusal(tmp_path / "b", "[]", **UPSTREAM)
    assert "expected a list of hosts" in refusal(tmp_path / "c", "backend.example", **UPSTREAM)
    alone = {"UpstreamUrl": UPSTREAM["UpstreamUrl"]}
    assert "UpstreamSecretArn: missing" in refusal(tmp_path / "d", "[backend.example]", **alone)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[
            ("UpstreamUrl", url)
            for url in (
                "http://backend.example",
                "https://backend.example/base",
                "https://backend.example/",
                "https://user@backend.example",
                "https://169.254.169.254",
                "https://localhost",
                "https://backend.example?x",
                "https://backend.example#x",
                "https://{proxy}.example",
            )
        ],
        ("UpstreamSecretArn", "hunter2"),
        ("AllowedOrigins", "*"),
        ("AllowedOrigins", "null"),
        ("AllowedOrigins", "https://app.example/"),
        ("AllowedOrigins", "https://app.example:443"),
        ("AllowedOrigins", "http://app.example"),
    ],
)
def test_a_value_that_would_permit_too_much_is_refused(tmp_path: Path, name: str, value: str) -> None:
    found = refusal(tmp_path, "[backend.example, localhost, 169.254.169.254]", **{name: value})
    assert f"application.{name}: " in found


LABEL = "a" * 63
ACCEPTED = [
    *(
        "",
        "https://app.example",
        "https://app.example:8443",
        "https://app.example:4430",
        "https://a",
        "http://localhost",
    ),
    *("http://localhost:5173", "http://127.0.0.1:443", "https://app.example:80", f"https://{LABEL}.example"),
    *("https://app.example,https://shop.example:8443", "http://localhost:8080,https://app.example"),
]
NOT_ACCEPTED = [
    *("*", "null", "http://app.example", "https://app.example/", "https://APP.example", "https://user@app.example"),
    *("https://app.example:443", "http://localhost:80", "http://127.0.0.1:80", "https://app.example:0", "https://-a"),
    *(f"https://{LABEL}a.example", "https://app..example", "https://app.example:", "https://a-.example", "https://"),
    *("https://app.example:443,https://b", "https://b,https://app.example:443", "https://b,http://localhost:80"),
    *("https://a, https://b", " https://a", "https://a,", ",https://a", "https://a,,https://b", "https://a\n", ","),
]


@pytest.mark.parametrize("text", [*ACCEPTED, *NOT_ACCEPTED])
def test_the_template_accepts_the_origins_that_the_functions_accept(text: str) -> None:
    pattern = read_json(PROJECT, ".chalice/package.json")["Parameters"]["AllowedOrigins"]["AllowedPattern"]
    assert (re.fullmatch(pattern, text) is not None) == (text in ACCEPTED)
    try:
        found = Settings({"ALLOWED_ORIGINS": text}).allowed_origins
    except InternalError:
        assert text not in ACCEPTED
    else:
        assert (text in ACCEPTED, ",".join(found)) == (True, text)
