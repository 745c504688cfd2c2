"""Answers of a stage that the emulator would not give: its own, with one of them changed on the way."""

from __future__ import annotations

import copy
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from infra.discovery import Client

Change = Callable[[dict[str, Any]], object]


@dataclass(frozen=True)
class Doctored:
    """A boto3 client whose one operation, paged or not, answers otherwise."""

    client: Any
    operation: str
    change: Change

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.client, name)
        return (lambda **arguments: self._changed(found(**arguments))) if name == self.operation else found

    def get_paginator(self, name: str) -> Any:
        paginator = self.client.get_paginator(name)
        return Pages(paginator, self._changed) if name == self.operation else paginator

    def _changed(self, answer: dict[str, Any]) -> dict[str, Any]:
        changed = {key: value if hasattr(value, "read") else copy.deepcopy(value) for key, value in answer.items()}
        self.change(changed)
        return changed


@dataclass(frozen=True)
class Pages:
    """A paginator whose pages are changed."""

    paginator: Any
    changed: Callable[[dict[str, Any]], dict[str, Any]]

    def paginate(self, **arguments: Any) -> Iterator[dict[str, Any]]:
        return map(self.changed, self.paginator.paginate(**arguments))


def doctored(client: Client, service: str, operation: str, change: Change) -> Client:
    return lambda name: Doctored(client(name), operation, change) if name == service else client(name)


def denied(_: dict[str, Any]) -> None:
    """A change that is none: the caller may not ask."""
    raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "who are you?"}}, "Anything")


def set_in(*path: Any) -> Change:
    """Replace what a path of keys leads to by its last part."""
    *way, key, value = path

    def change(answer: dict[str, Any]) -> None:
        here: Any = answer
        for step in way:
            here = here[step]
        here[key] = value

    return change


def _self_sign_up(answer: dict[str, Any]) -> None:
    given = {item["ParameterKey"]: item for item in answer["Stacks"][0]["Parameters"]}
    given["SelfSignUp"]["ParameterValue"] = "false"


def _secret(answer: dict[str, Any]) -> None:
    answer["UserPoolClient"].setdefault("ClientSecret", "whispered")


def _other_code(answer: dict[str, Any]) -> None:
    if answer["FunctionName"].endswith("pre_token"):
        answer["CodeSha256"] = "another"


def _further_response(answer: dict[str, Any]) -> None:
    _in_snapshot(answer, lambda served: served["x-amazon-apigateway-gateway-responses"].update(THROTTLED={}))


def _remembering_snapshot(answer: dict[str, Any]) -> None:
    scheme = ("securityDefinitions", "policy_authorizer", "x-amazon-apigateway-authorizer")
    _in_snapshot(answer, set_in(*scheme, "authorizerResultTtlInSeconds", 300))


def _silent_snapshot(answer: dict[str, Any]) -> None:
    _in_snapshot(answer, lambda served: served.pop("x-amazon-apigateway-gateway-responses"))


def _open_snapshot(answer: dict[str, Any]) -> None:
    _in_snapshot(answer, lambda served: served["paths"]["/reports"]["get"].pop("security"))


def _in_snapshot(answer: dict[str, Any], change: Change) -> None:
    """Change what the stage serves, and leave the API's draft as it is."""
    served = json.loads(answer["body"].read())
    change(served)
    answer["body"] = io.BytesIO(json.dumps(served).encode())


_DEVICES = {"ChallengeRequiredOnNewDevice": True, "DeviceOnlyRememberedOnUserPrompt": False}
_FIRST_FACTORS = {"AllowedFirstAuthFactors": ["PASSWORD", "EMAIL_OTP"]}

DOCTORED: dict[str, tuple[str, tuple[str, str, Change]]] = {
    "the stack is stuck": (
        "stack-status",
        ("cloudformation", "describe_stacks", set_in("Stacks", 0, "StackStatus", "UPDATE_ROLLBACK_FAILED")),
    ),
    "the stack was made of another template": (
        "stack-template",
        ("cloudformation", "get_template", set_in("TemplateBody", "Resources: {}")),
    ),
    "the stack was given another parameter": ("stack-parameters", ("cloudformation", "describe_stacks", _self_sign_up)),
    "people sign in at another domain": (
        "pool-domain",
        ("cognito-idp", "describe_user_pool", set_in("UserPool", "Domain", "troy")),
    ),
    "people are sent to an address by default": (
        "clients-redirects",
        (
            "cognito-idp",
            "describe_user_pool_client",
            set_in("UserPoolClient", "DefaultRedirectURI", "https://troy.example"),
        ),
    ),
    "people's data is encrypted with a key of AWS": (
        "pool-encryption",
        ("cognito-idp", "describe_user_pool", set_in("UserPool", "KeyConfiguration", {"KeyType": "AWS_OWNED_KEY"})),
    ),
    "tokens name another issuer": (
        "pool-issuer",
        ("cognito-idp", "describe_user_pool", set_in("UserPool", "IssuerConfiguration", {"Type": "UPDATED"})),
    ),
    "codes by mail are a second factor": (
        "pool-mfa",
        ("cognito-idp", "get_user_pool_mfa_config", set_in("EmailMfaConfiguration", {"Message": "{####}"})),
    ),
    "a device stands in for the second factor": (
        "pool-mfa",
        ("cognito-idp", "describe_user_pool", set_in("UserPool", "DeviceConfiguration", _DEVICES)),
    ),
    "codes by mail are a first factor": (
        "pool-mfa",
        ("cognito-idp", "describe_user_pool", set_in("UserPool", "Policies", "SignInPolicy", _FIRST_FACTORS)),
    ),
    "what runs in browsers has a secret": ("clients-secrets", ("cognito-idp", "describe_user_pool_client", _secret)),
    "a table is paid by the hour": (
        "tables-keys",
        ("dynamodb", "describe_table", set_in("Table", "BillingModeSummary", {"BillingMode": "PROVISIONED"})),
    ),
    "a function runs other code": ("functions-code", ("lambda", "get_function_configuration", _other_code)),
    "a function cannot run": ("functions-code", ("lambda", "get_function_configuration", set_in("State", "Failed"))),
    "a role has a boundary that nobody asked for": (
        "roles-trust",
        (
            "iam",
            "get_role",
            set_in("Role", "PermissionsBoundary", {"PermissionsBoundaryArn": "arn:aws:iam::aws:policy/Troy"}),
        ),
    ),
    "nothing follows up edits": (
        "stream-mapping",
        ("lambda", "list_event_source_mappings", set_in("EventSourceMappings", [])),
    ),
    "responses are kept by the whole stage": (
        "api-replay",
        ("apigateway", "get_stage", set_in("cacheClusterEnabled", True)),
    ),
    "some tokens are refused before anyone looks": (
        "api-authorizers",
        ("apigateway", "get_authorizers", set_in("items", 0, "identityValidationExpression", "troy")),
    ),
    "the stage serves an authorizer that remembers, and the API does not say so": (
        "api-authorizers",
        ("apigateway", "get_export", _remembering_snapshot),
    ),
    "an error is answered in a way of its own": (
        "api-responses",
        ("apigateway", "get_export", _further_response),
    ),
    "the stage serves the gateway's own error responses": (
        "api-responses",
        ("apigateway", "get_export", _silent_snapshot),
    ),
    "a canary is served to a part of the people": (
        "api-replay",
        ("apigateway", "get_stage", set_in("canarySettings", {"percentTraffic": 10.0, "deploymentId": "troy"})),
    ),
    "an open method is served, and the API says that it is guarded": (
        "api-deployed",
        ("apigateway", "get_export", _open_snapshot),
    ),
    "the key is about to be deleted": (
        "data-key",
        ("kms", "describe_key", set_in("KeyMetadata", "KeyState", "PendingDeletion")),
    ),
    "the key is everyone's": ("data-key", ("kms", "get_key_policy", set_in("Policy", '{"Statement": []}'))),
}
