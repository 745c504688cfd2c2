"""Checks the Lambda functions: roles, environment variables, limits, code, versions and permitted callers."""

import json
from base64 import b64encode
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from infra.alias_calls import LIVE
from infra.checks.check import RESTORE, Check
from infra.checks.compare import differing, shown, unexpected
from infra.checks.live import Live

_RUNTIMES = ("python3.11", "python3.12", "python3.13", "python3.14")  # the versions that the CI matrix tests


def _configurations(live: Live) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Yields each function: its name, its expected properties and its actual configuration.

    Requests reach the version of the alias. The next release publishes the function itself, so it counts, too.
    """
    for name, expected in live.functions.items():
        yield name, expected, live.ask("lambda", "get_function_configuration", FunctionName=name)
        called = live.ask("lambda", "get_function_configuration", FunctionName=name, Qualifier=LIVE)
        yield f"{name}:{LIVE}", expected, called


def _roles(live: Live) -> Iterator[str]:
    for name, expected, actual in _configurations(live):
        yield from differing(name, actual, {"Role": expected["Role"]})


def _environments(live: Live) -> Iterator[str]:
    for name, properties, actual in _configurations(live):
        variables = actual.get("Environment", {}).get("Variables", {})
        expected = properties["Environment"]["Variables"]
        yield from differing(name, variables, expected)
        # The value can be a secret, so only the name is shown.
        unknown = sorted(variables.keys() - expected.keys())
        yield from (f"{name}: the environment variable {variable} is unexpected." for variable in unknown)


def _limits(live: Live) -> Iterator[str]:
    for name, expected, actual in _configurations(live):
        yield from differing(name, actual, {key: expected[key] for key in ("Timeout", "MemorySize")})


def _concurrency(live: Live) -> Iterator[str]:
    for name in live.functions:
        reserved = live.ask("lambda", "get_function_concurrency", FunctionName=name).get("ReservedConcurrentExecutions")
        if reserved is not None:
            yield f"{name} has reserved concurrency {reserved}. Expected: not set."


def _code(live: Live) -> Iterator[str]:
    for name, expected, actual in _configurations(live):
        bundle = expected["CodeUri"].rpartition("/")[2].removesuffix(".zip")
        if actual.get("CodeSha256") != b64encode(bytes.fromhex(bundle)).decode():
            yield f"{name} does not run the bundle of the deployed template, {bundle}."
        yield from differing(name, actual, {key: expected[key] for key in ("Handler", "Runtime")})
        if actual.get("Runtime") not in _RUNTIMES:
            yield f"{name} runs on {shown(actual.get('Runtime'))}. Expected: one of {', '.join(_RUNTIMES)}."
        if actual.get("Layers"):
            yield f"{name} has a layer, which can run other code in the function. Expected: no layer."
        for key in ("State", "LastUpdateStatus"):
            if actual.get(key) == "Failed":
                yield f"{name} cannot run: its {key} is Failed."


def _versions(live: Live) -> Iterator[str]:
    for alias in live.application.expected.of("AWS::Lambda::Alias").values():
        name = f"{alias['FunctionName']}:{alias['Name']}"
        actual = live.ask("lambda", "get_alias", FunctionName=alias["FunctionName"], Name=alias["Name"])
        yield from differing(name, actual, {"FunctionVersion": alias["FunctionVersion"]})
        if actual.get("RoutingConfig", {}).get("AdditionalVersionWeights"):
            yield f"{name} sends requests to two versions. Expected: one version."


def _callers(live: Live) -> Iterator[str]:
    for name in live.functions:
        alias = f"{name}:{LIVE}"
        yield from unexpected("permitted caller", _allowed(live, FunctionName=name), set(), of=name)
        allowed = _allowed(live, FunctionName=name, Qualifier=LIVE)
        yield from unexpected("permitted caller", allowed, _expected_callers(live, name), of=alias)


def _expected_callers(live: Live, name: str) -> set[str]:
    permissions = live.application.expected.of("AWS::Lambda::Permission").values()
    return {
        _described(item["Principal"], item["SourceArn"], item.get("SourceAccount"))
        for item in permissions
        if item["FunctionName"].endswith(f":{name}:{LIVE}")  # the ARN of the alias
    }


def _allowed(live: Live, **function: str) -> set[str]:
    try:
        policy = json.loads(live.ask("lambda", "get_policy", **function)["Policy"])
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        return set()  # the function has no policy
    return {_caller(statement) for statement in policy["Statement"]}


def _caller(statement: dict[str, Any]) -> str:
    principal = statement["Principal"]
    who = principal.get("Service") or principal.get("AWS") if isinstance(principal, dict) else principal
    conditions = {
        key.lower(): value for operator in statement.get("Condition", {}).values() for key, value in operator.items()
    }
    arn, account = (conditions.get(f"aws:source{key}") for key in ("arn", "account"))
    return _described(who, arn, account)


def _described(principal: str | None, arn: str | None, account: str | None) -> str:
    return f"{principal} for {arn or 'anything'}{f' of {account}' if account else ''}"


def _addresses(live: Live) -> Iterator[str]:
    for name in live.functions:
        if live.listed("lambda", "list_function_url_configs", "FunctionUrlConfigs", FunctionName=name):
            yield f"{name} has a function URL, which avoids the API and its authorizers."


CHECKS = (
    Check("functions-roles", "Each function has its own role.", _roles),
    Check(
        "functions-environment",
        "Each function has exactly the environment variables of the deployed template.",
        _environments,
    ),
    Check("functions-limits", "Each function has the timeout and memory of the deployed template.", _limits),
    Check(
        "functions-concurrency",
        "No function has reserved concurrency.",
        _concurrency,
        "Remove it with `aws lambda delete-function-concurrency`, unless an alarm still needs it.",
    ),
    Check(
        "functions-code",
        "All functions run the bundle of the deployed template on a tested Python version, with its handlers and no"
        " layer.",
        _code,
    ),
    Check(
        "functions-versions",
        "Each alias sends all requests to the version of the last deployment.",
        _versions,
        "Run `manage.py rollback --undo`, or deploy another release.",
    ),
    Check(
        "functions-callers",
        "Only this stage's REST API and user pool are permitted to invoke the aliases of the functions.",
        _callers,
        f"{RESTORE} Remove an unexpected permission with `aws lambda remove-permission`.",
    ),
    Check(
        "functions-addresses",
        "No function has a function URL.",
        _addresses,
        "Delete it with `aws lambda delete-function-url-config`.",
    ),
)
