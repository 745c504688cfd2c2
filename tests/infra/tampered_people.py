"""Changes of the user pool, its clients and its identity providers, each with the check that reports it."""

from __future__ import annotations

from functools import partial
from typing import Any

from tests.configured import DEFAULT_GROUP, group_settings
from tests.infra.target import Arguments, Tampering, Target, Undo, pair, restored, setting

OTHER_FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:trojan-horse"
_pool = partial(setting, "cognito-idp", "update_user_pool", lambda target: target.pool)
_factors = partial(setting, "cognito-idp", "set_user_pool_mfa_config", lambda target: target.pool)
_PHONE = [{"Name": "verified_phone_number", "Priority": 1}]
_OTHER_SENDER = "arn:aws:ses:us-east-1:123456789012:identity/troy.example"
_MAIL = [{"Name": "verified_email", "Priority": 1}]


def _client(name: str = "WebClient", **bad: Any) -> Tampering:
    def tamper(target: Target) -> Undo:
        cognito = target.client("cognito-idp")
        was = cognito.describe_user_pool_client(**target.pool, ClientId=target.names[name])["UserPoolClient"]
        known = cognito.meta.service_model.operation_model("UpdateUserPoolClient").input_shape.members
        # The emulator returns some numbers as text, and empty texts that AWS would refuse.
        good = {key: int(value) if key.endswith("Validity") else value for key, value in was.items() if key in known}
        good = {key: value for key, value in good.items() if value != ""}
        cognito.update_user_pool_client(**{**good, **bad})
        return lambda: cognito.update_user_pool_client(**good)

    return tamper


def _triggers(**changes: Any) -> Tampering:
    def config(target: Target, /, **changes: Any) -> dict[str, Any]:
        pool = target.client("cognito-idp").describe_user_pool(**target.pool)["UserPool"]
        return {"LambdaConfig": {**pool["LambdaConfig"], **changes}}

    return _pool(partial(config, **changes), config)


def _additional_client(target: Target) -> Undo:
    cognito = target.client("cognito-idp")
    made = cognito.create_user_pool_client(
        **target.pool,
        ClientName="trojan-horse",
        AllowedOAuthFlows=["implicit"],
        AllowedOAuthFlowsUserPoolClient=True,
        AllowedOAuthScopes=["openid"],
        CallbackURLs=["https://troy.example/"],
    )["UserPoolClient"]
    return lambda: cognito.delete_user_pool_client(**target.pool, ClientId=made["ClientId"])


_READERS = {"GroupName": DEFAULT_GROUP}
_ORIGINAL = group_settings(DEFAULT_GROUP)


def _group_with_a_role(target: Target) -> Undo:
    cognito, readers = target.client("cognito-idp"), {**target.pool, **_READERS}

    def recreate(**more: str) -> None:  # the emulator cannot update a group
        cognito.delete_group(**readers)
        cognito.create_group(**readers, **_ORIGINAL, **more)

    recreate(RoleArn=target.outputs["ApiRoleArn"])
    return recreate


def _provider(name: str, kind: str, **bad: str) -> Tampering:
    def tamper(target: Target) -> Undo:
        cognito, provider = target.client("cognito-idp"), {**target.pool, "ProviderName": target.names[name]}
        good = cognito.describe_identity_provider(**provider)["IdentityProvider"][kind]
        cognito.update_identity_provider(**provider, **{kind: {**good, **bad}})
        return lambda: cognito.update_identity_provider(**provider, **{kind: good})

    return tamper


def _passwords(length: int) -> Arguments:
    return {"Policies": {"PasswordPolicy": {"MinimumLength": length, "PasswordHistorySize": 5, **_SIMPLE}}}


_SIMPLE = {
    **dict.fromkeys(("RequireUppercase", "RequireLowercase", "RequireNumbers", "RequireSymbols"), False),
    "TemporaryPasswordValidityDays": 1,
}


def _mfa(mode: str) -> dict[str, Any]:
    return {"MfaConfiguration": mode, "SoftwareTokenMfaConfiguration": {"Enabled": True}}


def _sms(enabled: bool) -> Arguments:
    sms = {"SmsConfiguration": {"SnsCallerArn": "arn:aws:iam::123456789012:role/sms"}}
    return {**_mfa("ON"), "SmsMfaConfiguration": sms if enabled else {}}


def _resource_server(target: Target) -> dict[str, str]:
    return {**target.pool, "Identifier": target.names["ResourceServer"]}


def _scopes(*additional: str) -> Arguments:
    """Returns the present scopes and additional ones."""

    def scopes(target: Target) -> dict[str, Any]:
        server = target.client("cognito-idp").describe_resource_server(**_resource_server(target))["ResourceServer"]
        added = [{"ScopeName": name, "ScopeDescription": name} for name in additional]
        return {"Name": server["Name"], "Scopes": [*server["Scopes"], *added]}

    return scopes


def _stored_secret(target: Target) -> Undo:
    service, secret = target.client("secretsmanager"), {"SecretId": target.outputs["MachineSecretArn"]}
    good = service.get_secret_value(**secret)["SecretString"]
    service.put_secret_value(**secret, SecretString='{"client_id": "troy", "client_secret": "horse"}')
    return lambda: service.put_secret_value(**secret, SecretString=good)


_new_provider = {
    "ProviderType": "OIDC",
    "ProviderDetails": {"client_id": "horse", "oidc_issuer": "https://troy.example", "authorize_scopes": "openid"},
}
_EVERYONE = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}'

TAMPERINGS: dict[str, tuple[str, Tampering]] = {
    "MFA becomes optional": (
        "pool-mfa",
        _factors(_mfa("OPTIONAL"), _mfa("ON")),
    ),
    "SMS codes become a second factor": (
        "pool-mfa",
        _factors(_sms(True), _sms(False)),
    ),
    "passwords become short": ("pool-passwords", _pool(_passwords(8), _passwords(15))),
    "the user pool loses deletion protection": (
        "pool-protection",
        _pool({"DeletionProtection": "INACTIVE"}, {"DeletionProtection": "ACTIVE"}),
    ),
    "self sign-up is switched off": (
        "pool-sign-up",
        _pool(*({"AdminCreateUserConfig": {"AllowAdminCreateUserOnly": only}} for only in (True, False))),
    ),
    "a telephone number recovers an account": (
        "pool-recovery",
        _pool(*({"AccountRecoverySetting": {"RecoveryMechanisms": way}} for way in (_PHONE, _MAIL))),
    ),
    "another identity sends mail": (
        "pool-mail",
        _pool(
            {
                "EmailConfiguration": {
                    "EmailSendingAccount": "DEVELOPER",
                    "SourceArn": _OTHER_SENDER,
                    "From": "a@b.example",
                }
            },
            {"EmailConfiguration": {"EmailSendingAccount": "COGNITO_DEFAULT"}},
        ),
    ),
    "a new e-mail address needs no verification": (
        "pool-attributes",
        _pool(
            *(
                {"UserAttributeUpdateSettings": {"AttributesRequireVerificationBeforeUpdate": needed}}
                for needed in ([], ["email"])
            )
        ),
    ),
    "the user pool calls an additional trigger": ("pool-triggers", _triggers(PreSignUp=OTHER_FUNCTION)),
    "the post-confirmation trigger is replaced": ("pool-triggers", _triggers(PostConfirmation=OTHER_FUNCTION)),
    "the pre-token trigger is replaced": (
        "pool-triggers",
        _triggers(PreTokenGenerationConfig={"LambdaArn": OTHER_FUNCTION, "LambdaVersion": "V1_0"}),
    ),
    "the feature plan is changed": ("pool-plan", _pool({"UserPoolTier": "PLUS"}, {"UserPoolTier": "ESSENTIALS"})),
    "a group is deleted": (
        "pool-groups",
        restored("cognito-idp", "delete_group", "create_group", lambda target: {**target.pool, **_READERS}, _ORIGINAL),
    ),
    "a group gets an IAM role": ("pool-groups", _group_with_a_role),
    "the resource server gets an additional scope": (
        "pool-scopes",
        setting(
            "cognito-idp",
            "update_resource_server",
            _resource_server,
            _scopes("file.burn"),
            _scopes(),
        ),
    ),
    "an additional client with the implicit flow": ("clients-known", _additional_client),
    "a client gets the implicit flow": ("clients-flows", _client(AllowedOAuthFlows=["code", "implicit"])),
    "the web client accepts plain passwords": (
        "clients-flows",
        _client(ExplicitAuthFlows=["ALLOW_USER_SRP_AUTH", "ALLOW_USER_PASSWORD_AUTH"]),
    ),
    "the web client redirects to an additional site": (
        "clients-redirects",
        _client(CallbackURLs=["https://olympus.example/callback", "https://troy.example/"]),
    ),
    "a client gets the scope that changes user attributes": (
        "clients-scopes",
        _client("MachineClient", AllowedOAuthScopes=["aws.cognito.signin.user.admin"]),
    ),
    "the web client can write the groups attribute": (
        "clients-attributes",
        _client(WriteAttributes=["email", "custom:idp_groups"]),
    ),
    "access tokens are valid for a day": ("clients-lifetimes", _client(AccessTokenValidity=1440)),
    "refresh token rotation is switched off": (
        "clients-rotation",
        _client(RefreshTokenRotation={"Feature": "DISABLED"}),
    ),
    "refresh tokens cannot be revoked": ("clients-revocation", _client(EnableTokenRevocation=False)),
    "error messages reveal which accounts exist": ("clients-discretion", _client(PreventUserExistenceErrors="LEGACY")),
    "the web client accepts the company's provider": (
        "clients-providers",
        _client(SupportedIdentityProviders=["COGNITO", "CorporateSSO"]),
    ),
    "other credentials are stored for the machine client": ("machine-secret", _stored_secret),
    "the machine client's secret gets a public resource policy": (
        "machine-secret-sharing",
        pair(
            "secretsmanager",
            "put_resource_policy",
            "delete_resource_policy",
            lambda target: {"SecretId": target.outputs["MachineSecretArn"]},
            {"ResourcePolicy": _EVERYONE},
        ),
    ),
    "the user pool trusts an additional provider": (
        "providers-known",
        pair(
            "cognito-idp",
            "create_identity_provider",
            "delete_identity_provider",
            lambda target: {**target.pool, "ProviderName": "Troy"},
            _new_provider,
        ),
    ),
    "the SAML provider accepts IdP-initiated sign-in": (
        "providers-settings",
        _provider("SamlProvider", "ProviderDetails", IDPInit="true"),
    ),
    "the groups attribute is mapped to another claim": (
        "providers-settings",
        _provider("OidcProvider", "AttributeMapping", **{"custom:idp_groups": "nickname"}),
    ),
}
