"""Checks the external identity providers that the user pool trusts."""

from collections.abc import Iterator

from infra.checks.check import Check
from infra.checks.compare import differing, unexpected
from infra.checks.live import Live

_KIND = "AWS::Cognito::UserPoolIdentityProvider"


def _known(live: Live) -> Iterator[str]:
    listed = live.listed("cognito-idp", "list_identity_providers", "Providers", UserPoolId=live.pool_id)
    expected = {provider["ProviderName"] for provider in live.expected.of(_KIND).values()}
    yield from unexpected("identity provider", {provider["ProviderName"] for provider in listed}, expected)


def _settings(live: Live) -> Iterator[str]:
    for expected in live.expected.of(_KIND).values():
        name = expected["ProviderName"]
        actual = live.ask("cognito-idp", "describe_identity_provider", UserPoolId=live.pool_id, ProviderName=name)
        provider = actual["IdentityProvider"]
        yield from differing(name, provider, {"ProviderType": expected["ProviderType"]})
        # The client secret is not compared: verify has no permission to read it in Secrets Manager.
        details = {key: value for key, value in expected["ProviderDetails"].items() if key != "client_secret"}
        yield from differing(name, provider["ProviderDetails"], details)
        if provider["AttributeMapping"] != expected["AttributeMapping"]:
            yield f"{name}: the attribute mapping differs from infra/identity.yaml."


CHECKS = (
    Check("providers-known", "The user pool trusts exactly the identity providers of the stage file.", _known),
    Check("providers-settings", "The identity providers have the settings of infra/identity.yaml.", _settings),
)
