"""Changes one answer of the emulator on its way to the caller, for states that the emulator cannot produce."""

from __future__ import annotations

import copy
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from infra.clients import Client

Change = Callable[[dict[str, Any]], object]


@dataclass(frozen=True)
class Doctored:
    """A boto3 client that changes the answers of one operation, with or without pages."""

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
    """A paginator that changes its pages."""

    paginator: Any
    changed: Callable[[dict[str, Any]], dict[str, Any]]

    def paginate(self, **arguments: Any) -> Iterator[dict[str, Any]]:
        return map(self.changed, self.paginator.paginate(**arguments))


def doctored(client: Client, service: str, operation: str, change: Change) -> Client:
    return lambda name: Doctored(client(name), operation, change) if name == service else client(name)


def denied(_: dict[str, Any]) -> None:
    """Denies access instead of changing the answer."""
    raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "who are you?"}}, "Anything")


def set_in(*path: Any) -> Change:
    """Returns a change that sets the value at a path of keys. The last part is the value."""
    *parents, key, value = path

    def change(answer: dict[str, Any]) -> None:
        here: Any = answer
        for step in parents:
            here = here[step]
        here[key] = value

    return change


def parameter(name: str, value: str) -> Change:
    """Returns a change of a parameter in the description of the stack that has it."""

    def change(answer: dict[str, Any]) -> None:
        for item in answer["Stacks"][0]["Parameters"]:
            if item["ParameterKey"] == name:
                item["ParameterValue"] = value

    return change


def _other_description(answer: dict[str, Any]) -> None:
    if isinstance(answer["TemplateBody"], str):  # the identity template
        answer["TemplateBody"] = answer["TemplateBody"].replace("Description: Identities", "Description: Heroes")


def _secret(answer: dict[str, Any]) -> None:
    answer["UserPoolClient"].setdefault("ClientSecret", "whispered")


def _other_code(answer: dict[str, Any]) -> None:
    if answer["FunctionName"].endswith("pre_token"):
        answer["CodeSha256"] = "another"


def _additional_response(answer: dict[str, Any]) -> None:
    _in_snapshot(answer, lambda served: served["x-amazon-apigateway-gateway-responses"].update(THROTTLED={}))


def _caching_snapshot(answer: dict[str, Any]) -> None:
    scheme = ("securityDefinitions", "policy_authorizer", "x-amazon-apigateway-authorizer")
    _in_snapshot(answer, set_in(*scheme, "authorizerResultTtlInSeconds", 300))


def _snapshot_without_responses(answer: dict[str, Any]) -> None:
    _in_snapshot(answer, lambda served: served.pop("x-amazon-apigateway-gateway-responses"))


def _open_snapshot(answer: dict[str, Any]) -> None:
    _in_snapshot(answer, lambda served: served["paths"]["/admin/policies"]["get"].pop("security"))


def _in_snapshot(answer: dict[str, Any], change: Change) -> None:
    """Changes the snapshot that the API's stage serves, not the API's resources."""
    served = json.loads(answer["body"].read())
    change(served)
    answer["body"] = io.BytesIO(json.dumps(served).encode())


_DEVICES = {"ChallengeRequiredOnNewDevice": True, "DeviceOnlyRememberedOnUserPrompt": False}
_FIRST_FACTORS = {"AllowedFirstAuthFactors": ["PASSWORD", "EMAIL_OTP"]}
_PASSKEYS = {"AllowedFirstAuthFactors": ["PASSWORD", "WEB_AUTHN"]}

DOCTORED: dict[str, tuple[str, tuple[str, str, Change]]] = {
    "the stack has a failed rollback": (
        "stack-status",
        ("cloudformation", "describe_stacks", set_in("Stacks", 0, "StackStatus", "UPDATE_ROLLBACK_FAILED")),
    ),
    "the stack has another template": (
        "stack-template",
        ("cloudformation", "get_template", _other_description),
    ),
    "the stack has another parameter": (
        "stack-parameters",
        # The template uses it only if there is no SamlMetadataUrl.
        ("cloudformation", "describe_stacks", parameter("SamlMetadataDocument", "<EntityDescriptor/>")),
    ),
    "the user pool has another domain": (
        "pool-domain",
        ("cognito-idp", "describe_user_pool", set_in("UserPool", "Domain", "troy")),
    ),
    "a client has a default redirect URI": (
        "clients-redirects",
        (
            "cognito-idp",
            "describe_user_pool_client",
            set_in("UserPoolClient", "DefaultRedirectURI", "https://troy.example"),
        ),
    ),
    "the user pool is encrypted with AWS's key": (
        "pool-encryption",
        ("cognito-idp", "describe_user_pool", set_in("UserPool", "KeyConfiguration", {"KeyType": "AWS_OWNED_KEY"})),
    ),
    "the user pool has another issuer": (
        "pool-issuer",
        ("cognito-idp", "describe_user_pool", set_in("UserPool", "IssuerConfiguration", {"Type": "UPDATED"})),
    ),
    "e-mail codes are a second factor": (
        "pool-mfa",
        ("cognito-idp", "get_user_pool_mfa_config", set_in("EmailMfaConfiguration", {"Message": "{####}"})),
    ),
    "the user pool remembers devices": (
        "pool-mfa",
        ("cognito-idp", "describe_user_pool", set_in("UserPool", "DeviceConfiguration", _DEVICES)),
    ),
    "e-mail codes are a first factor": (
        "pool-mfa",
        ("cognito-idp", "describe_user_pool", set_in("UserPool", "Policies", "SignInPolicy", _FIRST_FACTORS)),
    ),
    "passkeys are a first factor": (
        "pool-mfa",
        ("cognito-idp", "describe_user_pool", set_in("UserPool", "Policies", "SignInPolicy", _PASSKEYS)),
    ),
    "a public client has a secret": ("clients-secrets", ("cognito-idp", "describe_user_pool_client", _secret)),
    "a table has provisioned capacity": (
        "tables-keys",
        ("dynamodb", "describe_table", set_in("Table", "BillingModeSummary", {"BillingMode": "PROVISIONED"})),
    ),
    "a function runs other code": ("functions-code", ("lambda", "get_function_configuration", _other_code)),
    "an alias sends requests to two versions": (
        "functions-versions",
        ("lambda", "get_alias", set_in("RoutingConfig", {"AdditionalVersionWeights": {"2": 0.5}})),
    ),
    "a function has failed": ("functions-code", ("lambda", "get_function_configuration", set_in("State", "Failed"))),
    "a role has an unexpected permissions boundary": (
        "roles-trust",
        (
            "iam",
            "get_role",
            set_in("Role", "PermissionsBoundary", {"PermissionsBoundaryArn": "arn:aws:iam::aws:policy/Troy"}),
        ),
    ),
    "the stream handler has no event source mapping": (
        "stream-mapping",
        ("lambda", "list_event_source_mappings", set_in("EventSourceMappings", [])),
    ),
    "the API's stage has a response cache": (
        "api-replay",
        ("apigateway", "get_stage", set_in("cacheClusterEnabled", True)),
    ),
    "an authorizer has a token validation expression": (
        "api-authorizers",
        ("apigateway", "get_authorizers", set_in("items", 0, "identityValidationExpression", "troy")),
    ),
    "only the served authorizer caches results": (
        "api-authorizers",
        ("apigateway", "get_export", _caching_snapshot),
    ),
    "an additional gateway response is served": (
        "api-responses",
        ("apigateway", "get_export", _additional_response),
    ),
    "no gateway response is served": (
        "api-responses",
        ("apigateway", "get_export", _snapshot_without_responses),
    ),
    "the API's stage has a canary release": (
        "api-replay",
        ("apigateway", "get_stage", set_in("canarySettings", {"percentTraffic": 10.0, "deploymentId": "troy"})),
    ),
    "only the served method needs no token": (
        "api-deployed",
        ("apigateway", "get_export", _open_snapshot),
    ),
    "the key is scheduled for deletion": (
        "data-key",
        ("kms", "describe_key", set_in("KeyMetadata", "KeyState", "PendingDeletion")),
    ),
    "the key policy is changed": ("data-key", ("kms", "get_key_policy", set_in("Policy", '{"Statement": []}'))),
}
