"""Registers the company in the user pool: the parameters that docs/runbook/company-sign-in.md describes."""

import json
from collections.abc import Mapping
from typing import Any

from local.company.people import as_users, employees, group_map
from local.company.provider import CLIENT_ID, CLIENT_SECRET, RunningCompany

_HTTPS_ONLY = 'AllowedPattern: "^(https://.+)?$"'
_OR_THIS_MACHINE = 'AllowedPattern: "^(https://.+|http://localhost:[0-9]+)?$"'


def accept_this_machine(identity_template: str) -> str:
    """Returns the template with providers on this machine allowed. Cognito needs https, and the company has none."""
    return identity_template.replace(_HTTPS_ONLY, _OR_THIS_MACHINE)


def identity_parameters(company: RunningCompany, secrets_manager: Any, name: str) -> dict[str, str]:
    """Returns the parameters of the identity stack. Stores the client secret first, under this name."""
    return {
        "DomainPrefix": "local",  # required with a provider; local/front/federation serves the domain on this machine
        "SamlMetadataDocument": company.metadata(),
        "SamlEmailAttribute": "email",
        "SamlGroupsAttribute": "groups",
        "OidcIssuer": company.url,
        "OidcClientId": CLIENT_ID,
        "OidcClientSecretArn": _stored(secrets_manager, name, {"client_secret": CLIENT_SECRET}),
        "OidcGroupsClaim": "groups",
    }


def application_parameters() -> dict[str, str]:
    """Returns the parameters of the application stack."""
    return {"GroupMap": json.dumps(group_map())}


def outputs(stacks: Mapping[str, str]) -> dict[str, Any]:
    """Returns the company's part of `outputs.json`: the app client, and for each provider its name and its users."""
    providers = zip(("saml", "oidc"), stacks["SsoProviders"].split(","), strict=True)
    users = as_users(employees())
    return {
        "client_id": stacks["SsoClientId"],
        **{kind: {"provider": provider, "users": users} for kind, provider in providers},
    }


def _stored(secrets_manager: Any, name: str, content: Mapping[str, str]) -> str:
    text = json.dumps(content)
    try:
        return str(secrets_manager.create_secret(Name=name, SecretString=text)["ARN"])
    except secrets_manager.exceptions.ResourceExistsException:
        return str(secrets_manager.put_secret_value(SecretId=name, SecretString=text)["ARN"])
