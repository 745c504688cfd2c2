"""The companies whose word the user pool takes for who somebody is."""

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
        # The secret is not compared: it stands in Secrets Manager, and is nobody's to read here.
        details = {key: value for key, value in expected["ProviderDetails"].items() if key != "client_secret"}
        yield from differing(name, provider["ProviderDetails"], details)
        if provider["AttributeMapping"] != expected["AttributeMapping"]:
            yield f"{name}: its attributes are mapped otherwise"


CHECKS = (
    Check("providers-known", "The user pool trusts the stage's identity providers, and no others", _known),
    Check("providers-settings", "The identity providers are trusted as far as the template says", _settings),
)
