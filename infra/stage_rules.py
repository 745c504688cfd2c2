"""Reads the rules of a stage: from the parameters of its application stack, or from its reviewed file."""

from collections.abc import Mapping
from dataclasses import dataclass

from chalicelib.settings import Settings
from chalicelib.stage_rules import NO_RULES, StageRules
from chalicelib.wiring import rules_of
from infra.clients import Client
from infra.stacks import Stacks
from infra.stage import Stage

# The parameters that decide, and the variables of the functions that get them (.chalice/package.json).
_VARIABLES = {
    "AuthorizerCacheSeconds": "AUTHORIZER_CACHE_SECONDS",
    "UpstreamUrl": "UPSTREAM_URL",
    "UpstreamReadScope": "UPSTREAM_READ_SCOPE",
    "UpstreamWriteScope": "UPSTREAM_WRITE_SCOPE",
    "ResourceServerIdentifier": "RESOURCE_SERVER",
}


@dataclass(frozen=True)
class ReadRules:
    """The rules of a stage. `assumed` says what was assumed and why; it is empty if the stage was read."""

    rules: StageRules
    assumed: str = ""


def rules_of_parameters(parameters: Mapping[str, str]) -> StageRules:
    """Returns the rules of a stage with these parameters of the application stack. The others have their defaults."""
    return rules_of(Settings({_VARIABLES[name]: parameters[name] for name in _VARIABLES if name in parameters}))


def planned_rules(stage: Stage) -> StageRules:
    """Returns the rules of a stage as its reviewed file describes them."""
    return rules_of_parameters({**stage.identity, **stage.application})


def read_rules(client: Client, stack: str, stage: Stage | None) -> ReadRules:
    """Returns the rules of a deployed stage.

    stack  the name of the application stack
    stage  the reviewed file, if there is one; it is used if the stack does not exist
    """
    described = Stacks(client("cloudformation")).describe(stack)
    if described is not None:
        given = {item["ParameterKey"]: item["ParameterValue"] for item in described.get("Parameters", [])}
        return ReadRules(rules_of_parameters(given))
    rules = planned_rules(stage) if stage else NO_RULES
    source = f", as in infra/stages/{stage.name}.yaml" if stage else ""
    return ReadRules(rules, f"The stack {stack} does not exist. Assumed: {values(rules)}{source}.")


def assumed_offline() -> ReadRules:
    return ReadRules(NO_RULES, f"Assumed: {values(NO_RULES)}. To use the values of a stage, pass --stage.")


def values(rules: StageRules) -> str:
    """Returns the values that decide, for a message."""
    upstream = "an upstream" if rules.upstream_routes else "no upstream"
    return f"AuthorizerCacheSeconds {rules.reused_for:.0f}, {upstream}"
