"""The list of the environment variables. No variable is a secret.

`docs/settings.md` is written from this list: `make docs`.
"""

from collections.abc import Mapping

from chalicelib.environment import (
    Setting,
    custom_claims,
    group_map,
    groups,
    keys_url,
    names,
    number,
    optional_names,
    optional_text,
    origins,
    scope_groups,
    sorted_groups,
    text,
)

_NAMES = "names, separated by commas"
_GROUPS = f"{_NAMES}, or a JSON list"


def _table(name: str, meaning: str) -> Setting[str]:
    return Setting(name, text, "table name", f"the DynamoDB table of {meaning}")


def _number(name: str, unit: str, minimum: int, maximum: int, default: int, meaning: str) -> Setting[int]:
    return Setting(name, number(minimum, maximum), f"{unit}, {minimum} to {maximum}", meaning, str(default))


class Settings:
    """Reads a variable on access, so that each Lambda needs only the variables that it uses.

    Raises:  InternalError for a variable that is missing or invalid
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ

    issuer = Setting("ISSUER", text, "URL", "the user pool's issuer, compared exactly with a token's `iss`")
    jwks_url = Setting(
        "JWKS_URL", keys_url, "https URL", "the user pool's public keys; `http` only on the loopback interface"
    )
    client_ids = Setting("CLIENT_IDS", names, _NAMES, "the app clients whose tokens are accepted and can be revoked")
    policy_table = _table("POLICY_TABLE", "policies")
    state_table = _table("STATE_TABLE", "the generation and the revocations")
    onboarding_table = _table("ONBOARDING_TABLE", "the users who have received the default groups")
    audit_table = _table("AUDIT_TABLE", "the audit log")
    audit_retention_days = _number(
        "AUDIT_RETENTION_DAYS", "days", 1, 3653, 365, "how long an entry of the audit log is kept"
    )
    sample_table = _table("SAMPLE_TABLE", "the sample service's files and reports")
    resource_server = Setting(
        "RESOURCE_SERVER",
        text,
        "URL or name",
        "the part of a custom scope before the slash; read at packaging, and by the enforcement in the service",
        default="https://gatehouse.example",
    )
    user_pool_arn = Setting(
        "USER_POOL_ARN",
        optional_text,
        "ARN",
        "the user pool of the Cognito authorizer; read at packaging; empty: the parameter of the template",
        default="",
    )
    policy_stream_arn = Setting(
        "POLICY_STREAM_ARN",
        optional_text,
        "ARN",
        "the stream of the policy table; read at packaging; empty: the parameter of the template",
        default="",
    )
    allowed_origins = Setting(
        "ALLOWED_ORIGINS",
        origins,
        "origins, separated by commas",
        "the other origins whose web pages can call the API and read its responses; empty: no other origin",
        default="",
    )
    upstream_url = Setting(
        "UPSTREAM_URL",
        optional_text,
        "URL",
        "the server to which API Gateway forwards `/upstream`; the authorizer then refuses ambiguous paths there",
        default="",
    )
    upstream_read_scope = Setting(
        "UPSTREAM_READ_SCOPE",
        optional_text,
        "scope without its resource server",
        "the scope that `GET` and `HEAD` of `/upstream` require, for explanations and the matrix",
        default="",
    )
    upstream_write_scope = Setting(
        "UPSTREAM_WRITE_SCOPE",
        optional_text,
        "scope without its resource server",
        "the scope that other methods of `/upstream` require. If both scopes are empty, policies decide",
        default="",
    )
    authorizer_cache_seconds = _number(
        "AUTHORIZER_CACHE_SECONDS", "seconds", 0, 3600, 0, "how long API Gateway reuses a cached result; 0: never"
    )
    policy_max_staleness_seconds = _number(
        "POLICY_MAX_STALENESS_SECONDS", "seconds", 0, 3600, 0, "how long a reading of the state is reused; 0: never"
    )
    state_shards = _number(
        "STATE_SHARDS",
        "copies",
        1,
        98,  # a lifting writes all copies in one transaction of 100 items (chalicelib/aws/state_lifts.py)
        1,
        "how many copies of the state the authorizers read. Each copy serves 3,000 reads a second; 1: no copies. See"
        " [how to change it](how-to/change-the-number-of-shards.md)",
    )
    jwks_max_age_seconds = _number(
        "JWKS_MAX_AGE_SECONDS", "seconds", 60, 86_400, 3600, "how long the fetched keys are used while fetching fails"
    )
    remembered_tokens = _number(
        "REMEMBERED_TOKENS",
        "tokens",
        0,
        100_000,
        1024,
        "how many verified tokens a Lambda instance caches, about 1 kB each",
    )
    default_groups = Setting("DEFAULT_GROUPS", sorted_groups, _GROUPS, "the groups of a new user", "readers")
    privileged_groups = Setting(
        "PRIVILEGED_GROUPS", groups, _GROUPS, "groups that `DEFAULT_GROUPS` must not list", "admins"
    )
    sso_providers = Setting(
        "SSO_PROVIDERS",
        optional_names,
        _NAMES,
        "the identity providers of companies whose groups are trusted",
        default="",
    )
    group_map = Setting(
        "GROUP_MAP",
        group_map,
        "JSON object",
        "groups of the company → groups of the user pool; other groups of the company have no effect",
        default="{}",
    )
    custom_claims = Setting(
        "CUSTOM_CLAIMS",
        custom_claims,
        "JSON object",
        'the custom claims of access tokens: `{"tenant": {"attribute": "custom:tenant"}, "stage": {"value": "prod"}}`',
        default="{}",
    )
    scope_groups = Setting(
        "SCOPE_GROUPS",
        scope_groups,
        "JSON object",
        "custom scope → the groups whose members keep this scope in their tokens; other scopes remain",
        default="{}",
    )
    rest_api_id = Setting(
        "REST_API_ID",
        text,
        "id",
        "the REST API whose cached results are removed; only needed if `AUTHORIZER_CACHE_SECONDS` is not 0",
    )
    stage = Setting(
        "API_STAGE", text, "name", "the stage of this API; only needed if `AUTHORIZER_CACHE_SECONDS` is not 0"
    )
    function_name = Setting(
        "AWS_LAMBDA_FUNCTION_NAME",
        text,
        "name",
        "the name of the function in logs and metrics; set by Lambda",
        default="local",
    )
    handler = Setting(
        "_HANDLER",
        optional_text,
        "module and name",
        "the handler that Lambda loads. Its module is ready before the first request; set only by Lambda",
        default="",
    )
    initialization_type = Setting(
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        text,
        "name",
        "how Lambda starts the function. With `snap-start`, the function connects at its first request; set by Lambda",
        default="on-demand",
    )
