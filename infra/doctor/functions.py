"""Checks that the functions can read their settings, and that the settings agree with the stage and each other."""

from collections.abc import Iterator, Mapping
from typing import Any

from chalicelib.core.errors import InternalError
from chalicelib.environment import Setting
from chalicelib.settings import Settings
from infra.alias_calls import LIVE
from infra.checks.check import Check
from infra.checks.live import Live
from infra.checks.pool import pool
from infra.checks.rest_api import served_authorizers

_ATTRIBUTES = {item.name: attribute for attribute, item in vars(Settings).items() if isinstance(item, Setting)}
_GATEWAY_DEFAULT_SECONDS = 300  # of an authorizer without authorizerResultTtlInSeconds
_AUTHORIZER = "policy_authorizer"


def variables(live: Live, function: str) -> Mapping[str, str]:
    """Returns the environment of a function, in the version that its alias calls. `function` is its name in Chalice."""
    return _variables(live, live.stage.function(function))


def _variables(live: Live, name: str) -> Mapping[str, str]:
    found = live.ask("lambda", "get_function_configuration", FunctionName=name, Qualifier=LIVE)
    environment: Mapping[str, str] = found.get("Environment", {}).get("Variables", {})
    return environment


def _by_setting(live: Live) -> dict[str, dict[str, str]]:
    """Returns the values of each setting, by function."""
    values: dict[str, dict[str, str]] = {}
    for function in live.functions:
        for name, value in _variables(live, function).items():
            if name in _ATTRIBUTES:
                values.setdefault(name, {})[function] = value
    return values


def _states(live: Live) -> Iterator[str]:
    for name in live.functions:
        found = live.ask("lambda", "get_function_configuration", FunctionName=name, Qualifier=LIVE)
        for key in ("State", "LastUpdateStatus"):
            if found.get(key) == "Failed":
                yield f"{name} cannot run: {key} is Failed. {found.get(f'{key}Reason', '')}".strip()
        reserved = live.ask("lambda", "get_function_concurrency", FunctionName=name)
        if reserved.get("ReservedConcurrentExecutions") == 0:
            yield f"{name} cannot run: its reserved concurrency is 0."


def _readable(live: Live) -> Iterator[str]:
    for name, expected in live.functions.items():
        found = _variables(live, name)
        for variable in sorted(expected["Environment"]["Variables"].keys() - found.keys()):
            yield f"{name}: {variable} is not set."
        for variable in sorted(found.keys() & _ATTRIBUTES.keys()):
            try:
                getattr(Settings(found), _ATTRIBUTES[variable])
            except InternalError as error:
                yield f"{name}: {error}."


def _agreeing(live: Live) -> Iterator[str]:
    for setting, values in sorted(_by_setting(live).items()):
        if len(set(values.values())) > 1:
            shown = ", ".join(f"{name} has {value or 'an empty text'}" for name, value in sorted(values.items()))
            yield f"{setting} differs between functions: {shown}."
    issuer = variables(live, _AUTHORIZER).get("ISSUER")
    if issuer != live.outputs["Issuer"]:
        yield f"The authorizer expects the issuer {issuer}. The issuer of the user pool is {live.outputs['Issuer']}."


def _clients(live: Live) -> Iterator[str]:
    listed = live.listed("cognito-idp", "list_user_pool_clients", "UserPoolClients", UserPoolId=live.pool_id)
    names = {client["ClientId"]: client["ClientName"] for client in listed}
    accepted = set(filter(None, variables(live, _AUTHORIZER).get("CLIENT_IDS", "").split(",")))
    for client in sorted(accepted - names.keys()):
        yield f"CLIENT_IDS names the app client {client}, which the user pool does not have."
    for client in sorted(names.keys() - accepted):
        yield f"The authorizer refuses the tokens of the app client {names[client]} ({client}): CLIENT_IDS lacks it."


def _triggers(live: Live) -> Iterator[str]:
    triggers = pool(live).get("LambdaConfig") or {}
    if not triggers.get("PostConfirmation"):
        yield "The user pool has no trigger PostConfirmation. Users who sign up get no default groups."
    if not (triggers.get("PreTokenGenerationConfig") or triggers.get("PreTokenGeneration")):
        yield "The user pool has no trigger for tokens. Users of a company and invited users get no groups."


def _cached(live: Live) -> Iterator[str]:
    flushed = variables(live, "policy_changed").get("AUTHORIZER_CACHE_SECONDS", "0")
    for name, settings in served_authorizers(live).items():
        seconds = int(settings.get("authorizerResultTtlInSeconds", _GATEWAY_DEFAULT_SECONDS))
        if settings.get("providerARNs") and seconds:
            yield f"API Gateway accepts a token at {name} for up to {seconds} s after its expiry."
        elif not settings.get("providerARNs") and str(seconds) != flushed:
            yield f"API Gateway caches results of {name} for {seconds} s. AUTHORIZER_CACHE_SECONDS is {flushed}."


def _staleness(live: Live) -> Iterator[str]:
    found: dict[str, Any] = {**variables(live, "policy_changed"), **variables(live, _AUTHORIZER)}
    seconds = sum(int(found.get(name, 0)) for name in ("AUTHORIZER_CACHE_SECONDS", "POLICY_MAX_STALENESS_SECONDS"))
    if seconds:
        yield f"A change of a policy or a revocation is effective after up to {seconds} s."


_DEPLOY = "Run `manage.py deploy --revert-drift`."
CHECKS = (
    Check("functions", "Every function can run.", _states, f"See its reason in Lambda. {_DEPLOY}"),
    Check("settings", "Every function can read its settings (docs/settings.md).", _readable, _DEPLOY),
    Check("settings-agree", "The settings of all functions agree with each other and the pool.", _agreeing, _DEPLOY),
    Check(
        "clients",
        "The authorizer accepts the tokens of exactly the app clients of the user pool.",
        _clients,
        "Delete the app client, or add it to infra/identity.yaml and to CLIENT_IDS in .chalice/package.json.",
    ),
    Check("triggers", "The user pool calls the triggers that give groups to users.", _triggers, _DEPLOY),
    Check(
        "authorizer-cache",
        "API Gateway caches results only as long as the functions expect.",
        _cached,
        f"{_DEPLOY} If API Gateway still serves the old value, deploy the API with `aws apigateway create-deployment`.",
    ),
    Check(
        "staleness",
        "A change of a policy is effective for the next request.",
        _staleness,
        "This is the setting of the stage file. For the next request, set both parameters to 0.",
        informs=True,
    ),
)
