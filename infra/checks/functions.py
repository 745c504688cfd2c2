"""Checks the Lambda functions: roles, environment variables, limits, code and permitted callers."""

import json
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from infra.application import Function
from infra.checks.check import RESTORE, Check
from infra.checks.compare import differing, shown, unexpected
from infra.checks.live import Live
from infra.checks.routes import expected_handlers
from infra.templates import read_json

_RUNTIMES = ("python3.11", "python3.12", "python3.13")  # the versions that the tests run on


def _configurations(live: Live) -> Iterator[tuple[Function, dict[str, Any]]]:
    for function in live.application.functions:
        name = live.stage.function(function.name)
        yield function, live.ask("lambda", "get_function_configuration", FunctionName=name)


def _roles(live: Live) -> Iterator[str]:
    for function, actual in _configurations(live):
        yield from differing(function.name, actual, {"Role": function.role})


def _environments(live: Live) -> Iterator[str]:
    for function, actual in _configurations(live):
        variables = actual.get("Environment", {}).get("Variables", {})
        expected = dict(function.environment)
        optional = _only_by_chalice(live) - variables.keys() if function.name == "api_handler" else set()
        yield from differing(function.name, variables, {name: expected[name] for name in expected.keys() - optional})
        # The value can be a secret, so only the name is shown.
        unknown = sorted(variables.keys() - expected.keys())
        yield from (f"{function.name}: the environment variable {name} is unexpected." for name in unknown)


def _only_by_chalice(live: Live) -> set[str]:
    """The API function's variables that only `chalice deploy` sets, because it imports app.py with them."""
    api = read_json(live.project, ".chalice/package.json")["Resources"]["APIHandler"]["Properties"]
    handler = next(function for function in live.application.functions if function.name == "api_handler")
    return set(handler.environment) - set(api["Environment"]["Variables"])


def _limits(live: Live) -> Iterator[str]:
    config = read_json(live.project, ".chalice/config.json")
    for function, actual in _configurations(live):
        own = config["stages"]["package"]["lambda_functions"].get(function.name, {})
        timeout, memory = ((own.get(key) or config[key]) for key in ("lambda_timeout", "lambda_memory_size"))
        yield from differing(function.name, actual, {"Timeout": timeout, "MemorySize": memory})


def _concurrency(live: Live) -> Iterator[str]:
    for function in live.application.functions:
        name = live.stage.function(function.name)
        reserved = live.ask("lambda", "get_function_concurrency", FunctionName=name).get("ReservedConcurrentExecutions")
        if reserved is not None:
            yield f"{name} has reserved concurrency {reserved}. Expected: not set."


def _code(live: Live) -> Iterator[str]:
    configurations = list(_configurations(live))
    for key in ("CodeSha256", "Runtime"):
        found = {str(actual.get(key)) for _, actual in configurations}
        if len(found) > 1:
            yield f"The functions differ in {key}: {', '.join(sorted(found))}."
    handlers = expected_handlers(live.packaged, live.stage)
    for function, actual in configurations:
        yield from differing(function.name, actual, {"Handler": handlers[live.stage.function(function.name)]})
        if actual.get("Runtime") not in _RUNTIMES:
            yield f"{function.name} runs on {shown(actual.get('Runtime'))}. Expected: one of {', '.join(_RUNTIMES)}."
        if actual.get("Layers"):
            yield f"{function.name} has a layer, which can run other code in the function. Expected: no layer."
        for key in ("State", "LastUpdateStatus"):
            if actual.get(key) == "Failed":
                yield f"{function.name} cannot run: its {key} is Failed."


def _callers(live: Live) -> Iterator[str]:
    for function in live.application.functions:
        name = live.stage.function(function.name)
        yield from unexpected("permitted caller", _allowed(live, name), _expected_callers(live, function.name), of=name)


def _expected_callers(live: Live, name: str) -> set[str]:
    if name in ("api_handler", "policy_authorizer"):
        return {f"apigateway.amazonaws.com for {live.arn('execute-api', live.api_id)}/*"}
    permissions = live.expected.of("AWS::Lambda::Permission").values()
    return {
        f"{item['Principal']} for {item['SourceArn']} of {item['SourceAccount']}"
        for item in permissions
        if item["FunctionName"] == live.stage.function(name)
    }


def _allowed(live: Live, name: str) -> set[str]:
    try:
        policy = json.loads(live.ask("lambda", "get_policy", FunctionName=name)["Policy"])
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
    return f"{who} for {arn or 'anything'}{f' of {account}' if account else ''}"


def _addresses(live: Live) -> Iterator[str]:
    for function in live.application.functions:
        name = live.stage.function(function.name)
        if live.listed("lambda", "list_function_url_configs", "FunctionUrlConfigs", FunctionName=name):
            yield f"{name} has a function URL, which avoids the API and its authorizers."


CHECKS = (
    Check("functions-roles", "Each function has its own role.", _roles),
    Check(
        "functions-environment",
        "Each function has exactly the environment variables of .chalice/package.json.",
        _environments,
    ),
    Check("functions-limits", "Each function has the timeout and memory of .chalice/config.json.", _limits),
    Check(
        "functions-concurrency",
        "No function has reserved concurrency.",
        _concurrency,
        "Remove it with `aws lambda delete-function-concurrency`, unless an alarm still needs it.",
    ),
    Check(
        "functions-code",
        "All functions run the same code on a tested Python version, with the handlers of app.py and no layer.",
        _code,
    ),
    Check(
        "functions-callers",
        "Only this stage's REST API and user pool are permitted to invoke the functions.",
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
