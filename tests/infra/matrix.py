"""Builds every combination of the identity template's choices, and names those that CloudFormation must refuse."""

import itertools
from collections.abc import Iterator

BOTH = ("true", "false")
CHOICES = {
    "UserPoolTier": ("LITE", "ESSENTIALS", "PLUS"),
    "MfaMode": ("OFF", "OPTIONAL", "ON"),
    "SamlMetadataUrl": ("", "https://idp.example/metadata"),
    "OidcIssuer": ("", "https://oidc.example"),
    "DomainPrefix": ("", "olympus"),
    "UseCustomerKey": BOTH,
    "EnableWaf": BOTH,
    "DataProtection": BOTH,
    "SelfSignUp": BOTH,
    "AlarmEmail": ("", "clerk@olympus.example"),
    "PermissionsBoundaryArn": ("", "arn:aws:iam::111122223333:policy/boundary"),
}
# Parameters that a choice requires.
COMPANIONS = {
    "clerk@olympus.example": {
        "SenderArn": "arn:aws:ses:mars-west-1:111122223333:identity/olympus.example",
        "SenderAddress": "gates@olympus.example",
    },
    "https://oidc.example": {
        "OidcClientId": "gatehouse",
        "OidcClientSecretArn": "arn:aws:secretsmanager:mars-west-1:111122223333:secret:oidc",
    },
}


# Alternatives to a choice.
INSTEAD = {
    "SamlMetadataDocument": "<EntityDescriptor/>",
    "AlarmTopicArn": "arn:aws:sns:mars-west-1:111122223333:on-call",
}


def combinations() -> Iterator[dict[str, str]]:
    """Yields all combinations, also invalid ones, and the alternatives: 4,752 sets of parameters."""
    for chosen in itertools.product(*CHOICES.values()):
        given = dict(zip(CHOICES, chosen, strict=True))
        for choice in chosen:
            given |= COMPANIONS.get(choice, {})
        yield given
        # Only with related choices. All combinations would add thousands of equal sets.
        apart = given["PermissionsBoundaryArn"] == "" and given["SelfSignUp"] == given["DataProtection"] == "true"
        if apart and not given["SamlMetadataUrl"] and not given["AlarmEmail"]:
            yield {**given, **INSTEAD}


def pairs() -> list[dict[str, str]]:
    """Returns few sets that contain every valid pair of choices. They are enough to find a fault in most cases."""
    expected, few = set(), []
    valid = [given for given in combinations() if is_valid(given)]
    for given in valid:
        expected |= _pairs_in(given)
    while expected:
        best = max(valid, key=lambda given: len(_pairs_in(given) & expected))
        expected -= _pairs_in(best)
        few.append(best)
    return few


def _pairs_in(given: dict[str, str]) -> set[tuple[tuple[str, str], ...]]:
    return set(itertools.combinations(((name, given[name]) for name in CHOICES), 2))


def is_valid(given: dict[str, str]) -> bool:
    """Returns whether a set is valid: an external provider needs a sign-in domain."""
    company = given["SamlMetadataUrl"] or given.get("SamlMetadataDocument") or given["OidcIssuer"]
    return bool(given["DomainPrefix"]) or not company


# Each of these sets must be refused.
INVALID = (
    {"DomainPrefix": "olympus", "OidcIssuer": "https://oidc.example"},
    {"DomainPrefix": "olympus", "OidcIssuer": "https://oidc.example", "OidcClientId": "gatehouse"},
    {"DomainPrefix": "olympus", "OidcIssuer": "https://oidc.example", "OidcClientSecretArn": "arn:aws:secretsmanager"},
    {"SamlMetadataUrl": "https://idp.example/metadata"},
    {"SenderArn": "arn:aws:ses:mars-west-1:111122223333:identity/olympus.example"},
    {"DomainPrefix": "olympus", "SamlMetadataUrl": "https://idp.example/metadata", "SamlMetadataDocument": "<x/>"},
    {"AlarmEmail": "clerk@olympus.example", "AlarmTopicArn": "arn:aws:sns:mars-west-1:111122223333:on-call"},
    {"SamlMetadataDocument": "x" * 4097, "DomainPrefix": "olympus"},
    {"UserPoolTier": "GOLD"},
    {"MfaMode": "MAYBE"},
    {"Stage": "Prod"},
    {"AppName": "Gate_house"},
    {"AccessTokenMinutes": "4"},
    {"AccessTokenMinutes": "1441"},
    {"RefreshTokenHours": "0"},
    {"LogRetentionDays": "0"},
    {"ResourceServerIdentifier": "https://gatehouse.example/"},
)
