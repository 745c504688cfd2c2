"""What is deployed holds our code and nothing else of the repository, runs by itself, and guards every route."""

from pathlib import Path
from typing import Any

import pytest

from app import app
from chalicelib.settings import Settings
from infra.package import package_without_dependencies
from tests.packaging.bundles import Bundle, folder_of, needed_by, required, unzipped

VARIABLES = {made.__doc__.split(":")[0] for made in vars(Settings).values() if isinstance(made, property)}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    folder = tmp_path_factory.mktemp("bundle")
    return unzipped(package_without_dependencies(folder), folder / "unzipped")


@pytest.fixture(scope="module")
def lambda_runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is there besides the bundle: the packages of requirements.txt, and boto3, which Lambda brings."""
    return folder_of({*required(), *needed_by("boto3")}, tmp_path_factory.mktemp("lambda") / "runtime")


# --- the code ---


def test_the_bundle_holds_our_code_and_the_framework_and_nothing_else(bundle: Bundle) -> None:
    tops = {name.split("/")[0] for name in bundle.files()}
    assert tops == {"__pycache__", "app.py", "authorizers", "chalice", "chalicelib"}
    assert {Path(name).suffix for name in bundle.files()} == {".py", ".pyc"}


def test_the_bundle_holds_every_module_of_the_repository_that_ships(bundle: Bundle) -> None:
    root = Path(__file__).resolve().parents[2]
    shipped = [root / "app.py", *root.glob("authorizers/**/*.py"), *root.glob("chalicelib/**/*.py")]
    assert {str(path.relative_to(root)) for path in shipped} <= bundle.files()
    for path in shipped:
        assert (bundle.folder / path.relative_to(root)).read_bytes() == path.read_bytes()


def test_every_handler_is_imported_from_the_bundle_alone(bundle: Bundle, lambda_runtime: Path) -> None:
    assert len(bundle.functions) >= 4
    imported = bundle.imported(lambda_runtime)
    for name in ("app", "authorizers", "authorizers.policy", "chalice", "chalicelib", "chalicelib.wiring"):
        assert Path(imported[name]).is_relative_to(bundle.folder), name
    assert Path(imported["jwt"]).is_relative_to(lambda_runtime)


def test_a_bundle_without_the_guards_would_be_noticed(bundle: Bundle, lambda_runtime: Path, tmp_path: Path) -> None:
    for name in bundle.files():
        if not name.startswith("authorizers/"):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes((bundle.folder / name).read_bytes())
    with pytest.raises(AssertionError, match="No module named 'authorizers'"):
        Bundle(bundle.template, tmp_path, 0).imported(lambda_runtime)


# --- the guards ---


def operations(bundle: Bundle) -> dict[tuple[str, str], Any]:
    return {(path, method): it for path, methods in bundle.api["paths"].items() for method, it in methods.items()}


def test_every_route_of_the_service_is_deployed_and_no_other(bundle: Bundle) -> None:
    routes = {(path, method.lower()) for path, methods in app.routes.items() for method in methods}
    assert {key for key in operations(bundle) if key[1] != "options"} == routes


def test_every_route_is_deployed_with_its_guard_but_for_the_public_ones(bundle: Bundle) -> None:
    unguarded = {key for key, operation in operations(bundle).items() if not operation.get("security")}
    # That those are meant to be public is tests/test_app.py's question.
    public = {(path, method.lower()) for path, it in app.routes.items() for method in it if not it[method].authorizer}
    assert {key for key in unguarded if key[1] != "options"} == public


def test_a_route_is_deployed_with_the_guard_and_scopes_that_it_names(bundle: Bundle) -> None:
    for (path, method), operation in operations(bundle).items():
        if method == "options" or (authorizer := app.routes[path][method.upper()].authorizer) is None:
            continue
        assert operation["security"] == [{authorizer.name: authorizer.scopes}]


def test_only_guards_that_are_defined_are_named(bundle: Bundle) -> None:
    named = {name for it in operations(bundle).values() for guard in it.get("security", []) for name in guard}
    assert named == set(bundle.api["securityDefinitions"])


def authorizer(bundle: Bundle, name: str) -> dict[str, Any]:
    definition: dict[str, Any] = bundle.api["securityDefinitions"][name]["x-amazon-apigateway-authorizer"]
    return definition


def test_the_gateway_remembers_nothing_of_a_token_s_check(bundle: Bundle) -> None:
    assert authorizer(bundle, "pool")["authorizerResultTtlInSeconds"] == 0


def by_sam(bundle: Bundle) -> dict[str, Any]:
    """The policy authorizer in SAM's own form, which SAM puts in place of Chalice's."""
    settings: dict[str, Any] = bundle.resources["RestAPI"]["Auth"]["Authorizers"]["policy_authorizer"]
    return settings


def test_the_policy_authorizer_reads_the_header_that_chalice_names(bundle: Bundle) -> None:
    assert by_sam(bundle)["Identity"]["Header"] == bundle.api["securityDefinitions"]["policy_authorizer"]["name"]


def test_how_long_the_gateway_remembers_a_decision_is_a_parameter_and_by_default_not_at_all(bundle: Bundle) -> None:
    assert by_sam(bundle)["Identity"]["ReauthorizeEvery"] == {"Ref": "AuthorizerCacheSeconds"}
    assert bundle.template["Parameters"]["AuthorizerCacheSeconds"]["Default"] == 0


def test_the_policy_authorizer_asks_the_function_of_that_name(bundle: Bundle) -> None:
    assert by_sam(bundle)["FunctionArn"] == {"Fn::GetAtt": ["PolicyAuthorizer", "Arn"]}
    assert bundle.functions["PolicyAuthorizer"]["Handler"] == "authorizers.policy.policy_authorizer"


def test_the_cognito_authorizer_asks_the_pool_of_the_parameter(bundle: Bundle) -> None:
    assert authorizer(bundle, "pool")["providerARNs"] == [{"Ref": "UserPoolArn"}]


# --- the functions ---


def test_every_function_has_a_role_of_its_own_from_the_identity_stack(bundle: Bundle) -> None:
    roles = [function["Role"]["Ref"] for function in bundle.functions.values()]
    assert len(set(roles)) == len(roles)
    assert set(roles) <= set(bundle.template["Parameters"])


def test_a_function_is_given_no_variable_that_the_settings_do_not_know(bundle: Bundle) -> None:
    for function in bundle.functions.values():
        assert set(function["Environment"]["Variables"]) <= VARIABLES


def test_the_stream_handler_may_report_which_records_failed(bundle: Bundle) -> None:
    (source,) = bundle.functions["PolicyChanged"]["Events"].values()
    assert source["Properties"]["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert source["Properties"]["StartingPosition"] == "TRIM_HORIZON"
    assert source["Properties"]["DestinationConfig"]["OnFailure"]["Destination"] == {"Ref": "StreamDeadLettersArn"}


def test_what_cognito_waits_for_is_over_within_the_five_seconds_that_it_waits(bundle: Bundle) -> None:
    assert bundle.functions["PostConfirmation"]["Timeout"] <= 5
