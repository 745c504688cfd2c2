"""Checks that the bundle contains exactly the shipped code, imports on its own, and protects every route."""

from pathlib import Path
from typing import Any

import pytest

from app import app
from chalicelib.environment import Setting
from chalicelib.settings import Settings
from infra.package import package_without_dependencies
from tests.packaging.bundles import Bundle, folder_of, needed_by, required, unzipped
from tests.scoped_route import needs_scoped_route

VARIABLES = {setting.name for setting in vars(Settings).values() if isinstance(setting, Setting)}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    folder = tmp_path_factory.mktemp("bundle")
    return unzipped(package_without_dependencies(folder), folder / "unzipped")


@pytest.fixture(scope="module")
def lambda_runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns the packages besides the bundle: those of requirements.txt, and boto3, which Lambda provides."""
    return folder_of({*required(), *needed_by("boto3")}, tmp_path_factory.mktemp("lambda") / "runtime")


# --- the code ---


def test_the_bundle_contains_only_our_code_and_the_framework(bundle: Bundle) -> None:
    tops = {name.split("/")[0] for name in bundle.files()}
    assert tops == {"__pycache__", "app.py", "authorizers", "chalice", "chalicelib"}
    assert {Path(name).suffix for name in bundle.files()} == {".py", ".pyc"}


def test_the_bundle_contains_every_shipped_module(bundle: Bundle) -> None:
    root = Path(__file__).resolve().parents[2]
    shipped = [root / "app.py", *root.glob("authorizers/**/*.py"), *root.glob("chalicelib/**/*.py")]
    assert {str(path.relative_to(root)) for path in shipped} <= bundle.files()
    for path in shipped:
        assert (bundle.folder / path.relative_to(root)).read_bytes() == path.read_bytes()


def test_every_handler_imports_from_the_bundle_alone(bundle: Bundle, lambda_runtime: Path) -> None:
    assert len(bundle.functions) >= 4
    imported = bundle.imported(lambda_runtime)
    for name in ("app", "authorizers", "authorizers.policy", "chalice", "chalicelib", "chalicelib.wiring"):
        assert Path(imported[name]).is_relative_to(bundle.folder), name
    assert Path(imported["jwt"]).is_relative_to(lambda_runtime)


@pytest.mark.parametrize("handler", ["authorizers.policy.policy_authorizer", "chalicelib.triggers.pre_token.pre_token"])
def test_what_a_request_or_a_sign_in_waits_for_needs_no_sdk(bundle: Bundle, tmp_path: Path, handler: str) -> None:
    without_sdk = folder_of(set(required()), tmp_path / "runtime")
    assert not (without_sdk / "botocore").exists()
    assert "chalicelib.aws.reader" in bundle.imported(without_sdk, only=[handler])


def test_a_bundle_without_the_authorizers_fails_to_import(bundle: Bundle, lambda_runtime: Path, tmp_path: Path) -> None:
    for name in bundle.files():
        if not name.startswith("authorizers/"):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes((bundle.folder / name).read_bytes())
    with pytest.raises(AssertionError, match="No module named 'authorizers'"):
        Bundle(bundle.template, tmp_path, 0).imported(lambda_runtime)


# --- the authorizers ---


def operations(bundle: Bundle) -> dict[tuple[str, str], Any]:
    return {(path, method): it for path, methods in bundle.api["paths"].items() for method, it in methods.items()}


def test_exactly_the_routes_of_the_application_are_deployed(bundle: Bundle) -> None:
    routes = {(path, method.lower()) for path, methods in app.routes.items() for method in methods}
    assert {key for key in operations(bundle) if key[1] != "options"} == routes


def test_every_route_except_the_public_ones_is_deployed_with_an_authorizer(bundle: Bundle) -> None:
    without_authorizer = {key for key, operation in operations(bundle).items() if not operation.get("security")}
    # tests/test_app.py checks that those routes may be public.
    public = {(path, method.lower()) for path, it in app.routes.items() for method in it if not it[method].authorizer}
    assert {key for key in without_authorizer if key[1] != "options"} == public


def test_each_route_is_deployed_with_its_authorizer_and_scopes(bundle: Bundle) -> None:
    for (path, method), operation in operations(bundle).items():
        if method == "options" or (authorizer := app.routes[path][method.upper()].authorizer) is None:
            continue
        assert operation["security"] == [{authorizer.name: authorizer.scopes}]


def test_every_defined_authorizer_is_used_and_every_used_one_is_defined(bundle: Bundle) -> None:
    named = {name for it in operations(bundle).values() for security in it.get("security", []) for name in security}
    assert named == set(bundle.api["securityDefinitions"])


def authorizer(bundle: Bundle, name: str) -> dict[str, Any]:
    definition: dict[str, Any] = bundle.api["securityDefinitions"][name]["x-amazon-apigateway-authorizer"]
    return definition


@needs_scoped_route
def test_the_gateway_does_not_cache_results_of_the_cognito_authorizer(bundle: Bundle) -> None:
    assert authorizer(bundle, "pool")["authorizerResultTtlInSeconds"] == 0


def sam_authorizer(bundle: Bundle) -> dict[str, Any]:
    """Returns the policy authorizer in SAM's form, which replaces that of Chalice."""
    settings: dict[str, Any] = bundle.resources["RestAPI"]["Auth"]["Authorizers"]["policy_authorizer"]
    return settings


def test_the_policy_authorizer_reads_the_header_that_chalice_names(bundle: Bundle) -> None:
    assert (
        sam_authorizer(bundle)["Identity"]["Header"] == bundle.api["securityDefinitions"]["policy_authorizer"]["name"]
    )


def test_the_gateways_cache_time_is_a_parameter_with_default_zero(bundle: Bundle) -> None:
    assert sam_authorizer(bundle)["Identity"]["ReauthorizeEvery"] == {"Ref": "AuthorizerCacheSeconds"}
    assert bundle.template["Parameters"]["AuthorizerCacheSeconds"]["Default"] == 0


def test_the_policy_authorizer_calls_the_alias_of_its_function(bundle: Bundle) -> None:
    assert sam_authorizer(bundle)["FunctionArn"] == {"Ref": "PolicyAuthorizerLive"}
    assert bundle.resources["PolicyAuthorizerLive"]["FunctionName"] == {"Ref": "PolicyAuthorizer"}
    assert bundle.functions["PolicyAuthorizer"]["Handler"] == "authorizers.policy.policy_authorizer"


@needs_scoped_route
def test_the_cognito_authorizer_uses_the_pool_of_the_parameter(bundle: Bundle) -> None:
    assert authorizer(bundle, "pool")["providerARNs"] == [{"Ref": "UserPoolArn"}]


# --- the functions ---


def test_each_function_has_its_own_role_from_the_identity_stack(bundle: Bundle) -> None:
    roles = [function["Role"]["Ref"] for function in bundle.functions.values()]
    assert len(set(roles)) == len(roles)
    assert set(roles) <= set(bundle.template["Parameters"])


def test_a_function_gets_only_variables_of_the_settings(bundle: Bundle) -> None:
    for function in bundle.functions.values():
        assert set(function["Environment"]["Variables"]) <= VARIABLES


def test_the_stream_handler_can_report_failed_records(bundle: Bundle) -> None:
    source = bundle.resources["PolicyChangedPolicyChangedDynamodbEventSource"]
    assert source["FunctionName"] == {"Ref": "PolicyChangedLive"}
    assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert source["StartingPosition"] == "TRIM_HORIZON"
    assert source["DestinationConfig"]["OnFailure"]["Destination"] == {"Ref": "StreamDeadLettersArn"}


def test_the_confirmation_trigger_times_out_within_cognitos_five_seconds(bundle: Bundle) -> None:
    assert bundle.functions["PostConfirmation"]["Timeout"] <= 5
