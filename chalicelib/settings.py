"""Reads the environment variables: name, unit, default and meaning of each. No variable is a secret.

A test compares them with `docs/settings.md`.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from chalicelib.core import group_name
from chalicelib.core.errors import InternalError


class Settings:
    """Reads a variable on access, so that each Lambda needs only the variables that it uses.

    Raises:  InternalError for a variable that is missing or invalid
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    @property
    def issuer(self) -> str:
        """ISSUER: the user pool's issuer, compared exactly with a token's `iss`."""
        return self._text("ISSUER")

    @property
    def jwks_url(self) -> str:
        """JWKS_URL: the address of the user pool's public keys; https, or http on the loopback interface."""
        url = self._text("JWKS_URL")
        try:
            scheme, host = urlsplit(url).scheme, urlsplit(url).hostname
        except ValueError:
            scheme, host = "", None
        if scheme != "https" and not (scheme == "http" and host in ("localhost", "127.0.0.1")):
            raise InternalError("bad_setting", "JWKS_URL must begin with https")
        return url

    @property
    def client_ids(self) -> frozenset[str]:
        """CLIENT_IDS: the app clients whose tokens are accepted and can be revoked, separated by commas."""
        return self._texts("CLIENT_IDS")

    @property
    def policy_table(self) -> str:
        """POLICY_TABLE: the DynamoDB table of policies."""
        return self._text("POLICY_TABLE")

    @property
    def state_table(self) -> str:
        """STATE_TABLE: the DynamoDB table of the generation and the revocations."""
        return self._text("STATE_TABLE")

    @property
    def onboarding_table(self) -> str:
        """ONBOARDING_TABLE: the DynamoDB table of the users who have received the default groups."""
        return self._text("ONBOARDING_TABLE")

    @property
    def sample_table(self) -> str:
        """SAMPLE_TABLE: the DynamoDB table of the sample service's files and reports."""
        return self._text("SAMPLE_TABLE")

    @property
    def resource_server(self) -> str:
        """RESOURCE_SERVER: the identifier before the slash in a custom scope (default https://gatehouse.example)."""
        return self._text("RESOURCE_SERVER", "https://gatehouse.example")

    @property
    def user_pool_arn(self) -> str | None:
        """USER_POOL_ARN: the user pool of the Cognito authorizer; read when the API is deployed."""
        return self._environ.get("USER_POOL_ARN")

    @property
    def policy_stream_arn(self) -> str | None:
        """POLICY_STREAM_ARN: the stream of the policy table; read when the stream handler is deployed."""
        return self._environ.get("POLICY_STREAM_ARN")

    @property
    def authorizer_cache_seconds(self) -> int:
        """AUTHORIZER_CACHE_SECONDS: how long API Gateway reuses a cached result, 0 to 3600 (default 0: never)."""
        return self._number("AUTHORIZER_CACHE_SECONDS", 0, most=3600)

    @property
    def policy_max_staleness_seconds(self) -> int:
        """POLICY_MAX_STALENESS_SECONDS: how long a state reading is reused, 0 to 3600 (default 0: never)."""
        return self._number("POLICY_MAX_STALENESS_SECONDS", 0, most=3600)

    @property
    def jwks_max_age_seconds(self) -> int:
        """JWKS_MAX_AGE_SECONDS: how long keys are used while fetching fails, 60 to 86400 (default 3600)."""
        return self._number("JWKS_MAX_AGE_SECONDS", 3600, least=60, most=86_400)

    @property
    def remembered_tokens(self) -> int:
        """REMEMBERED_TOKENS: how many verified tokens a Lambda caches, 0 to 100000 (default 1024)."""
        return self._number("REMEMBERED_TOKENS", 1024, most=100_000)

    @property
    def default_groups(self) -> tuple[str, ...]:
        """DEFAULT_GROUPS: the groups of a new user, separated by commas or as a JSON list (default readers)."""
        return tuple(sorted(self._groups("DEFAULT_GROUPS", "readers")))

    @property
    def privileged_groups(self) -> frozenset[str]:
        """PRIVILEGED_GROUPS: groups that DEFAULT_GROUPS must not list; same form (default admins)."""
        return self._groups("PRIVILEGED_GROUPS", "admins")

    @property
    def sso_providers(self) -> frozenset[str]:
        """SSO_PROVIDERS: the identity providers whose groups are trusted, separated by commas (default: none)."""
        return _parts(self._environ.get("SSO_PROVIDERS", ""))

    @property
    def group_map(self) -> Mapping[str, str]:
        """GROUP_MAP: a JSON object from provider groups to user pool groups; others are dropped (default {}).

        A name with a comma is refused, because it could be two names.
        """
        try:
            read: Any = json.loads(self._text("GROUP_MAP", "{}"))
        except ValueError:
            read = None
        if not isinstance(read, dict) or not all(isinstance(group, str) and group for group in read.values()):
            raise InternalError("bad_setting", "GROUP_MAP must be a JSON object whose values are names")
        if not all(name.strip() and "," not in name for name in read):
            raise InternalError("bad_setting", "GROUP_MAP must not map an empty name or a name with a comma")
        _check_groups("GROUP_MAP", read.values())
        return read

    @property
    def rest_api_id(self) -> str:
        """REST_API_ID: the REST API whose authorizer cache is flushed; needed if AUTHORIZER_CACHE_SECONDS is not 0."""
        return self._text("REST_API_ID")

    @property
    def stage(self) -> str:
        """API_STAGE: the stage of that API; needed if AUTHORIZER_CACHE_SECONDS is not 0."""
        return self._text("API_STAGE")

    @property
    def function_name(self) -> str:
        """AWS_LAMBDA_FUNCTION_NAME: the name of the Lambda in logs and metrics; set by Lambda (default local)."""
        return self._text("AWS_LAMBDA_FUNCTION_NAME", "local")

    def _text(self, name: str, default: str | None = None) -> str:
        value = self._environ.get(name, default)
        if not value:
            raise InternalError("missing_setting", f"the environment variable {name} is not set")
        return value

    def _texts(self, name: str, default: str | None = None) -> frozenset[str]:
        return _parts(self._text(name, default))

    def _groups(self, name: str, default: str) -> frozenset[str]:
        """Return names of groups. Only a JSON list can hold a name with a comma."""
        text = self._text(name, default)
        try:
            listed: Any = json.loads(text)
        except ValueError:
            listed = None
        is_list = isinstance(listed, list) and all(isinstance(group, str) for group in listed)
        groups = frozenset(listed) if is_list else _parts(text)
        _check_groups(name, groups)
        return groups

    def _number(self, name: str, default: int, most: int, least: int = 0) -> int:
        text = self._environ.get(name, str(default))
        if not text.isdecimal() or not least <= int(text) <= most:
            raise InternalError("bad_setting", f"{name} must be a whole number from {least} to {most}")
        return int(text)


def _check_groups(setting: str, groups: Iterable[str]) -> None:
    for group in groups:
        if not group_name.is_group_name(group):
            expected = group_name.EXPECTED
            raise InternalError("bad_setting", f"{setting}: {group[:80]!r} does not name a group: expected {expected}")


def _parts(text: str) -> frozenset[str]:
    return frozenset(part.strip() for part in text.split(",") if part.strip())
