"""Rules about the app clients: flows, redirects, scopes, attributes and lifetimes."""

import re
from collections.abc import Iterator
from typing import Any

from tests.infra.resolve import Resource, Stack, Template
from tests.infra.rules import Sets, for_each_stack

IDENTITY_SCOPES = {"openid", "email"}
GROUPS = "custom:idp_groups"
POOL = "AWS::Cognito::UserPool"
# Redirect URLs that the template must refuse.
HOSTILE_REDIRECTS = (
    "http://gatehouse.example/callback",
    "http://localhost.evil.example/",
    "http://localhost:4566@evil.example/",
    "http://localhost",
    "https://*.gatehouse.example/callback",
    "https://gatehouse.example/#fragment",
    "https://gatehouse.example/ callback",
    "javascript:alert(1)",
    "gatehouse://callback",
    "",
    "https://gatehouse.example/callback,http://gatehouse.example/callback",
)


def clients(stack: Stack) -> list[Resource]:
    return stack.of("AWS::Cognito::UserPoolClient")


def for_machines(properties: dict[str, Any]) -> bool:
    return "client_credentials" in properties.get("AllowedOAuthFlows", [])


def for_local_people(properties: dict[str, Any]) -> bool:
    return "COGNITO" in properties.get("SupportedIdentityProviders", ["COGNITO"])


def allowed_sign_ins(properties: dict[str, Any], passkeys: str) -> set[str]:
    """Returns the allowed flows of Cognito's own API for a client. An empty list would allow SRP.

    passkeys  of the stage: ON or OFF
    """
    if for_machines(properties):
        return {"ALLOW_REFRESH_TOKEN_AUTH"}
    if for_local_people(properties):
        choice = {"ALLOW_USER_AUTH"} if passkeys == "ON" else set()
        return {"ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"} | choice
    return {"ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"}  # with AWS credentials only


@for_each_stack
def grants(stack: Stack) -> Iterator[str]:
    for client in clients(stack):
        properties = client.properties
        flows, sign_ins = properties.get("AllowedOAuthFlows"), set(properties.get("ExplicitAuthFlows", []))
        if flows not in (["code"], ["client_credentials"]) or not properties.get("AllowedOAuthFlowsUserPoolClient"):
            yield f"{client.name} has the OAuth flows {flows}"
        if properties.get("GenerateSecret", False) is not for_machines(properties):
            yield f"{client.name} is public and has a secret, or is confidential and has none"
        if not sign_ins or not sign_ins <= allowed_sign_ins(properties, stack.parameters["Passkeys"]):
            yield f"{client.name} has the authentication flows {sorted(sign_ins)}"


@for_each_stack
def redirects(stack: Stack) -> Iterator[str]:
    for client in clients(stack):
        properties = client.properties
        addresses = properties.get("CallbackURLs", []) + properties.get("LogoutURLs", [])
        if bool(properties.get("CallbackURLs")) is for_machines(properties):
            yield f"{client.name} has the callback URLs {addresses}"
        for address in addresses:
            exact = address.startswith(("https://", "http://localhost:")) and not set(address) & set("*# ")
            if not exact:
                yield f"{client.name} redirects users to {address}"


def refused_redirects(template: Template, sets: Sets) -> Iterator[str]:
    for name in ("CallbackUrls", "LogoutUrls"):
        for address in HOSTILE_REDIRECTS:
            if template.accepts(name, address):
                yield f"{name} may be {address!r}"


@for_each_stack
def refreshing(stack: Stack) -> Iterator[str]:
    for client in clients(stack):
        properties = client.properties
        rotation = properties.get("RefreshTokenRotation", {})
        if properties.get("EnableTokenRevocation") is not True:
            yield f"{client.name} has no token revocation"
        if for_machines(properties):
            continue
        if rotation.get("Feature") != "ENABLED" and stack.parameters["UserPoolTier"] != "LITE":
            yield f"{client.name} has no refresh token rotation"
        if not 0 <= rotation.get("RetryGracePeriodSeconds", 0) <= 60:
            yield f"{client.name} has a long grace period after rotation"
        if not 0 < _hours(properties, "RefreshToken") <= 24:
            yield f"{client.name} has refresh tokens for {_hours(properties, 'RefreshToken')} hours"


@for_each_stack
def cookies(stack: Stack) -> Iterator[str]:
    """Each client of people accepts the cookie of the sign-in pages for the time of the stage. LITE has no setting.

    The default of Cognito, 60 minutes, cannot be declared.
    """
    minutes, lite = str(stack.parameters["SignInCookieMinutes"]), stack.parameters["UserPoolTier"] == "LITE"
    tracked = [it.properties.get("UserSessionTracking") for it in stack.of(f"{POOL}SessionConfigurationAttachment")]
    if tracked != ([] if lite else ["ENABLED"]):
        yield f"session tracking is {tracked}"
    set_to = {
        it.properties["ClientId"]: str(it.properties.get("SSOSession", {}).get("MaxValidityMinutes"))
        for it in stack.of(f"{POOL}ClientSessionConfigurationAttachment")
    }
    people = [f"<{client.name}>" for client in clients(stack) if not for_machines(client.properties)]
    if set_to != ({} if lite or minutes == "60" else dict.fromkeys(people, minutes)):
        yield f"the clients accept the cookie for {set_to} minutes"


def cookies_by_default(template: Template, sets: Sets) -> Iterator[str]:
    if str(template.resolve({}).parameters["SignInCookieMinutes"]) != "0":
        yield "by default, a cookie replaces the password"


@for_each_stack
def least_scopes(stack: Stack) -> Iterator[str]:
    servers = stack.of("AWS::Cognito::UserPoolResourceServer")
    ours = {f"<{server.name}>/{scope['ScopeName']}" for server in servers for scope in server.properties["Scopes"]}
    for client in clients(stack):
        scopes = set(client.properties.get("AllowedOAuthScopes", []))
        allowed = {scope for scope in ours if re.search(r"[./]read$", scope)}
        if not for_machines(client.properties):
            allowed = ours | IDENTITY_SCOPES
        if not scopes or not scopes <= allowed:
            yield f"{client.name} can request {sorted(scopes - allowed)}"


@for_each_stack
def short_lives(stack: Stack) -> Iterator[str]:
    for client in clients(stack):
        for token in ("AccessToken",) if for_machines(client.properties) else ("AccessToken", "IdToken"):
            if not 0 < _hours(client.properties, token) <= 0.25:
                yield f"{client.name} has an {token} for {_hours(client.properties, token)} hours"


@for_each_stack
def least_reading(stack: Stack) -> Iterator[str]:
    for client in clients(stack):
        read = client.properties.get("ReadAttributes")
        if not for_machines(client.properties) and not read:  # without this list, all attributes are allowed
            yield f"{client.name} can read every attribute"


def _hours(properties: dict[str, Any], token: str) -> float:
    """Returns the lifetime of a token in hours, or 0 for Cognito's default. The default unit is hours or days."""
    unit = properties.get("TokenValidityUnits", {}).get(token, "days" if token == "RefreshToken" else "hours")
    return float(properties.get(f"{token}Validity", 0)) * {"minutes": 1 / 60, "hours": 1, "days": 24}[unit]


@for_each_stack
def accounts_are_not_revealed(stack: Stack) -> Iterator[str]:
    for client in clients(stack):
        if client.properties.get("PreventUserExistenceErrors") != "ENABLED":
            yield f"{client.name} reveals which accounts exist"


@for_each_stack
def groups_of_the_company(stack: Stack) -> Iterator[str]:
    """A user can write each attribute that their client can write: neither the groups attribute nor that of a claim."""
    for client in clients(stack):
        properties = client.properties
        written = properties.get("WriteAttributes")
        if for_machines(properties):
            continue
        if not written:  # without this list, all attributes are allowed
            yield f"{client.name} can write every attribute"
        elif GROUPS in written and for_local_people(properties):
            yield f"{client.name} lets local users write the groups attribute"
        elif GROUPS in written and "ALLOW_USER_SRP_AUTH" in properties.get("ExplicitAuthFlows", []):
            yield f"{client.name} has tokens that can write the groups attribute"
        if f"custom:{stack.parameters['ClaimAttribute']}" in (written or []):
            yield f"{client.name} lets users write the attribute of a claim"
        if "aws.cognito.signin.user.admin" in properties.get("AllowedOAuthScopes", []):
            yield f"{client.name} has tokens that can write attributes"
