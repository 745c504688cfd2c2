"""Every combination of the identity template's choices, and which of them CloudFormation has to refuse."""

import itertools
from collections.abc import Iterator

BOTH = ("true", "false")
CHOICES = {
    "UserPoolTier": ("LITE", "ESSENTIALS", "PLUS"),
    "MfaMode": ("OFF", "OPTIONAL", "ON"),
    "DeployPhase": ("foundation", "complete"),
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
# What goes with a choice.
COMPANIONS = {
    "complete": {"RestApiId": "a1b2c3"},
    "clerk@olympus.example": {
        "SenderArn": "arn:aws:ses:mars-west-1:111122223333:identity/olympus.example",
        "SenderAddress": "gates@olympus.example",
    },
    "https://oidc.example": {
        "OidcClientId": "gatehouse",
        "OidcClientSecretArn": "arn:aws:secretsmanager:mars-west-1:111122223333:secret:oidc",
    },
}


# What may stand in place of a choice.
INSTEAD = {
    "SamlMetadataDocument": "<EntityDescriptor/>",
    "AlarmTopicArn": "arn:aws:sns:mars-west-1:111122223333:on-call",
}


def combinations() -> Iterator[dict[str, str]]:
    """All combinations, senseless ones included, and what may stand in place of a choice: 9,504 sets of parameters."""
    for chosen in itertools.product(*CHOICES.values()):
        given = dict(zip(CHOICES, chosen, strict=True))
        for choice in chosen:
            given |= COMPANIONS.get(choice, {})
        yield given
        # Only with what has to do with it: the rest would be the same thousands once more.
        apart = given["PermissionsBoundaryArn"] == "" and given["SelfSignUp"] == given["DataProtection"] == "true"
        if apart and not given["SamlMetadataUrl"] and not given["AlarmEmail"]:
            yield {**given, **INSTEAD}


def pairs() -> list[dict[str, str]]:
    """Few sets in which every two choices meet that may: enough to notice a fault, not to prove that there is none."""
    expected, few = set(), []
    sensible = [given for given in combinations() if makes_sense(given)]
    for given in sensible:
        expected |= _meetings(given)
    while expected:
        best = max(sensible, key=lambda given: len(_meetings(given) & expected))
        expected -= _meetings(best)
        few.append(best)
    return few


def _meetings(given: dict[str, str]) -> set[tuple[tuple[str, str], ...]]:
    return set(itertools.combinations(((name, given[name]) for name in CHOICES), 2))


def makes_sense(given: dict[str, str]) -> bool:
    """A company's provider needs the sign-in pages, and those a domain."""
    company = given["SamlMetadataUrl"] or given.get("SamlMetadataDocument") or given["OidcIssuer"]
    return bool(given["DomainPrefix"]) or not company


# Parameters that have to be refused one by one, whatever else is given.
SENSELESS = (
    {"DeployPhase": "complete"},
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
