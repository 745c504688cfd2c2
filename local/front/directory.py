"""The directory: what the front reads, and the little it corrects, of the user pools in ministack's memory.

ministack offers no other way to most of it, and is pinned to one version: its private names are spelled here only.
"""

from __future__ import annotations

import secrets
import string
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from ministack.services import cognito

Record = dict[str, Any]


@dataclass(frozen=True)
class AppClient:
    """An app client, and the pool it belongs to."""

    id: str
    pool: Record
    settings: Record

    def knows(self, secret: str) -> bool:
        """Whether this is the client's secret; a public client has none to know."""
        return self.settings.get("ClientSecret") in (None, "", secret)

    def may_use(self, flow: str) -> bool:
        return flow in (self.settings.get("AllowedOAuthFlows") or [])

    @property
    def session_seconds(self) -> int:
        return int(self.settings.get("AuthSessionValidity") or 3) * 60


def client(client_id: object) -> AppClient | None:
    """Find an app client in any pool, as `pool` does."""
    if not isinstance(client_id, str):
        return None
    _pool_id, pool, settings = cognito._find_pool_by_client_id(client_id)
    return AppClient(client_id, pool, settings) if pool else None


def pool(pool_id: object) -> Record | None:
    """Find a pool in any account, and make its account and region those of this request."""
    return cognito._get_pool_unscoped(pool_id)


def user(pool: Record, name: object) -> Record | None:
    """Find a user by whatever may name them: username, sub or alias."""
    return cognito._resolve_user(pool, name)[0] if isinstance(name, str) else None


def attributes(user: Record) -> dict[str, str]:
    return cognito._attr_list_to_dict(user.get("Attributes", []))


def claims(token: object) -> Record:
    """The claims of a token, unverified; none if it is no token."""
    return cognito._token_claims(token)


def token_user(token: str) -> tuple[Record, Record] | None:
    """The pool and the user whom a token just issued is about."""
    issued = claims(token)
    home = pool(str(issued.get("iss", "")).rsplit("/", 1)[-1])
    owner = user(home, issued.get("username")) if home else None
    return (home, owner) if home and owner else None


def password_faults(pool: Record, password: str) -> list[str]:
    return cognito._password_policy_errors(pool, password)


def mfa_challenge(pool: Record, user: Record) -> Record | None:
    """The MFA challenge a user owes after their password: their authenticator's code, or setting one up."""
    owed = cognito._mfa_challenge_for_user(pool, user, pool["Id"], user["Username"])
    if owed or pool.get("MfaConfiguration") != "ON":
        return owed
    return {
        "ChallengeName": "MFA_SETUP",
        "Session": secrets.token_urlsafe(32),
        "ChallengeParameters": {"USER_ID_FOR_SRP": user["Username"], "MFAS_CAN_SETUP": '["SOFTWARE_TOKEN_MFA"]'},
    }


def pending_authenticator(session: object) -> str:
    """The secret that AssociateSoftwareToken gave out with a session."""
    return cognito._totp_session_secrets.get(session, "")


def enrol(user: Record, authenticator: str) -> None:
    """Make a verified authenticator the user's own."""
    user["_totp_secret"] = authenticator
    cognito._apply_mfa_preference(user, {"SoftwareTokenMfaSettings": {"Enabled": True, "PreferredMfa": True}})


def local_code(code: str) -> Record:
    """What ministack remembers about a code of its own sign-in page; empty for any other."""
    return cognito._authorization_codes.get(code, {})


def forget_code(code: str) -> None:
    cognito._authorization_codes.pop(code, None)


def federation(key: str) -> Record:
    """What ministack remembers about a federated sign-in, by its relay state and then by its code; may be written."""
    return cognito._auth_codes.get(key, {})


def basic_or_posted(authorization: str, form: dict[str, str]) -> tuple[str, str]:
    """The client id and secret of a token request."""
    return cognito._authenticate_client({"authorization": authorization}, form)


def is_expired(token: object, now: float) -> bool:
    """Whether a token is past its time, or has none."""
    expires_at = claims(token).get("exp")
    return not isinstance(expires_at, int | float) or expires_at <= now


def refreshable(app: AppClient, token: str, now: float) -> bool:
    """Whether this client may use this refresh token now; ministack itself never looks at the expiry."""
    _user, error = cognito._refresh_auth_user(app.pool, app.pool["Id"], app.id, token)
    return error is None and not is_expired(token, now)


def refreshed(app: AppClient, token: str) -> Record:
    """New tokens for a refreshable one: its scopes, and the groups of this moment. Runs triggers: blocks."""
    result: Record = cognito._refresh_auth_result(app.pool, app.pool["Id"], app.id, token)[0]
    return result


def owner(app: AppClient, token: str) -> Record | None:
    """The user of the client's pool whom a token is about."""
    found: Record | None = cognito._user_from_token(token, app.pool)
    return found or None


def renewed(app: AppClient, token: str, now: float) -> str:
    """A refresh token of the same sign-in that expires when the given one does."""
    return str(cognito._signed_jwt({**claims(token), "jti": str(uuid4()), "iat": int(now)}, app.pool["Id"], "access"))


def temporary_password(pool: Record) -> str:
    """A password that the pool's policy accepts, whatever it demands."""
    length = int((pool.get("Policies") or {}).get("PasswordPolicy", {}).get("MinimumLength") or 8)
    alphabets = (string.ascii_uppercase, string.ascii_lowercase, string.digits, "!@#$%^&*")
    characters = [secrets.choice(alphabet) for alphabet in alphabets]
    characters += [secrets.choice("".join(alphabets)) for _ in range(max(length, 12) - len(characters))]
    secrets.SystemRandom().shuffle(characters)
    return "".join(characters)


def revoke(token: str) -> None:
    cognito._revoke_token({"Token": token})
