"""Builds every combination of the templates' choices, and names those that CloudFormation must refuse."""

import itertools
import sys
from collections.abc import Iterable, Iterator, Mapping

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
    "https://idp.example/metadata": {
        "SignInDomainName": "sign-in.olympus.example",
        "SignInCertificateArn": "arn:aws:acm:us-east-1:111122223333:certificate/a1",
    },
    "PLUS": {"PreTokenVersion": "V3_0"},  # not required: no set of LITE can have it
    "https://oidc.example": {
        "OidcClientId": "gatehouse",
        "OidcClientSecretArn": "arn:aws:secretsmanager:mars-west-1:111122223333:secret:oidc",
    },
}


# Alternatives to a choice.
INSTEAD = {
    "SamlMetadataDocument": "<EntityDescriptor/>",
    "AlarmTopicArn": "arn:aws:sns:mars-west-1:111122223333:on-call",
    "TriggerQualifier": "",
    "SignInCookieMinutes": "60",
    "ClaimAttribute": "tenant",
}

# Passkeys are combined with the tier, the second factor, the providers and the domains only.
_WITH_PASSKEYS = {
    "UseCustomerKey": "false",
    "EnableWaf": "false",
    "DataProtection": "true",
    "SelfSignUp": "true",
    "AlarmEmail": "",
    "PermissionsBoundaryArn": "",
}


def combinations() -> Iterator[dict[str, str]]:
    """Yields all combinations, also invalid ones, and the alternatives: 4,824 sets of parameters."""
    for chosen in itertools.product(*CHOICES.values()):
        given = {**dict(zip(CHOICES, chosen, strict=True)), "Passkeys": "OFF"}
        for choice in chosen:
            given |= COMPANIONS.get(choice, {})
        yield given
        if all(given[name] == value for name, value in _WITH_PASSKEYS.items()):
            yield {**given, "Passkeys": "ON"}
        # Only with related choices. All combinations would add thousands of equal sets.
        apart = given["PermissionsBoundaryArn"] == "" and given["SelfSignUp"] == given["DataProtection"] == "true"
        if apart and not given["SamlMetadataUrl"] and not given["AlarmEmail"]:
            yield {**given, **INSTEAD}


def pairs() -> list[dict[str, str]]:
    """Returns few sets that contain every valid pair of choices. They are enough to find a fault in most cases."""
    return _few([*CHOICES, "Passkeys"], filter(is_valid, combinations()))


def _few(choices: Iterable[str], sets: Iterable[dict[str, str]]) -> list[dict[str, str]]:
    def pairs_in(given: Mapping[str, str]) -> set[tuple[tuple[str, str], ...]]:
        return set(itertools.combinations(((name, given[name]) for name in choices), 2))

    expected, few, valid = set[tuple[tuple[str, str], ...]](), [], list(sets)
    for given in valid:
        expected |= pairs_in(given)
    while expected:
        best = max(valid, key=lambda given: len(pairs_in(given) & expected))
        expected -= pairs_in(best)
        few.append(best)
    return few


def is_valid(given: dict[str, str]) -> bool:
    """Returns whether a set is valid: external providers and passkeys need a sign-in domain. LITE has no passkeys."""
    company = given["SamlMetadataUrl"] or given.get("SamlMetadataDocument") or given["OidcIssuer"]
    passkeys, domain = given["Passkeys"] == "ON", given["DomainPrefix"] or given.get("SignInDomainName")
    return bool(domain or not (company or passkeys)) and not (passkeys and given["UserPoolTier"] == "LITE")


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
    {"SignInDomainName": "sign-in.olympus.example"},
    {"SignInCertificateArn": "arn:aws:acm:us-east-1:111122223333:certificate/a1"},
    {"TriggerQualifier": ":beta"},
    {"UserPoolTier": "GOLD"},
    {"MfaMode": "MAYBE"},
    {"Passkeys": "ON"},
    {"Passkeys": "ON", "DomainPrefix": "olympus", "UserPoolTier": "LITE"},
    {"Passkeys": "MAYBE", "DomainPrefix": "olympus"},
    {"Stage": "Prod"},
    {"AppName": "Gate_house"},
    {"AccessTokenMinutes": "4"},
    {"AccessTokenMinutes": "1441"},
    {"RefreshTokenHours": "0"},
    {"UserPoolTier": "LITE", "PreTokenVersion": "V2_0"},
    {"UserPoolTier": "LITE", "PreTokenVersion": "V3_0"},
    {"PreTokenVersion": "V4_0"},
    {"ClaimAttribute": "custom:tenant"},
    {"ClaimAttribute": "t" * 21},
    {"SignInCookieMinutes": "-1"},
    {"SignInCookieMinutes": "129601"},
    {"LogRetentionDays": "0"},
    {"ResourceServerIdentifier": "https://gatehouse.example/"},
)

# --- the application's template ---

_CERTIFICATE = "arn:aws:acm:us-east-1:111122223333:certificate/a1"
APPLICATION_CHOICES = {
    "TrafficShiftType": ("AllAtOnce", "Canary10Percent5Minutes", "Linear10PercentEvery1Minute"),
    "AuthorizerProvisionedConcurrency": ("0", "2"),
    "AuthorizerSnapStart": BOTH,
    "PreTokenProvisionedConcurrency": ("0", "2"),
    "PreTokenSnapStart": BOTH,
    "ApiDomainName": ("", "api.olympus.example"),
    "ApiCertificateArn": ("", _CERTIFICATE.replace("us-east-1", "mars-west-1")),
    "ApiEdgeCertificateArn": ("", _CERTIFICATE),
    "ApiBasePath": ("", "reports"),
    "ApiTlsPolicy": ("TLS_1_2", "SecurityPolicy_TLS13_1_3_2025_09"),
    "PermissionsBoundaryArn": ("", "arn:aws:iam::111122223333:policy/boundary"),
}


def application_combinations() -> Iterator[dict[str, str]]:
    """Yields all combinations, also invalid ones: 3,072 sets of parameters."""
    for chosen in itertools.product(*APPLICATION_CHOICES.values()):
        yield dict(zip(APPLICATION_CHOICES, chosen, strict=True))


def application_pairs() -> list[dict[str, str]]:
    """Returns few sets that contain every valid pair of choices."""
    return _few(APPLICATION_CHOICES, filter(is_valid_application, application_combinations()))


def is_valid_application(given: Mapping[str, str], version: tuple[int, ...] = sys.version_info[:2]) -> bool:
    """Returns whether a set is valid.

    version  of the Python that packages the application; SnapStart needs 3.12
    """
    certificates = [given[name] for name in ("ApiCertificateArn", "ApiEdgeCertificateArn") if given[name]]
    with_snapshots = [name for name in ("Authorizer", "PreToken") if given[f"{name}SnapStart"] == "true"]
    return (
        len(certificates) == bool(given["ApiDomainName"])
        and bool(given["ApiDomainName"] or not given["ApiBasePath"])
        and (given["ApiTlsPolicy"] == "TLS_1_2" or not given["ApiEdgeCertificateArn"])
        and (not with_snapshots or version >= (3, 12))
        and all(given[f"{name}ProvisionedConcurrency"] == "0" for name in with_snapshots)
    )


# Each of these sets must be refused.
INVALID_APPLICATION = (
    {"TrafficShiftType": "Sometimes"},
    {"AuthorizerProvisionedConcurrency": "-1"},
    {"ApiDomainName": "https://api.olympus.example"},
    {"ApiDomainName": "olympus"},
    {"ApiDomainName": "api.olympus.example", "ApiCertificateArn": "certificate"},
    {"ApiDomainName": "api.olympus.example", "ApiEdgeCertificateArn": _CERTIFICATE.replace("us-east-1", "eu-west-1")},
    {"ApiDomainName": "api.olympus.example", "ApiCertificateArn": _CERTIFICATE, "ApiBasePath": "v1/reports"},
    {"ApiDomainName": "api.olympus.example", "ApiCertificateArn": _CERTIFICATE, "ApiBasePath": "/v1"},
    {"ApiDomainName": "api.olympus.example", "ApiCertificateArn": _CERTIFICATE, "ApiBasePath": "(none)"},
    {"ApiTlsPolicy": "TLS_1_0"},
    {"CustomClaims": '{"tenant": {"attribute": "custom:tenant"}}'},
    {"ScopeGroups": '{"https://gatehouse.example/file.write": ["editors"]}'},
    {"AllowedOrigins": "*"},
    {"AllowedOrigins": "https://app.olympus.example/"},
    {"UpstreamUrl": "https://backend.olympus.example"},
    {"UpstreamUrl": "http://backend.olympus.example"},
    {"UpstreamSecretArn": "arn:aws:secretsmanager:mars-west-1:111122223333:secret:backend"},
    {"UpstreamReadScope": "file.read"},
    {"UpstreamReceivesToken": "true"},
)
