"""Reads and changes the user pools in ministack's memory.

Uses private names of ministack, because it has no public interface for most of this.
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
    """An app client, and its pool."""

    id: str
    pool: Record
    settings: Record

    def knows(self, secret: str) -> bool:
        """Returns whether this is the secret of the client. True for a client without a secret."""
        return self.settings.get("ClientSecret") in (None, "", secret)

    def may_use(self, flow: str) -> bool:
        return flow in (self.settings.get("AllowedOAuthFlows") or [])

    @property
    def session_seconds(self) -> int:
        return int(self.settings.get("AuthSessionValidity") or 3) * 60


def client(client_id: object) -> AppClient | None:
    """Finds an app client in any pool. Selects the pool's account and region for this request."""
    if not isinstance(client_id, str):
        return None
    _pool_id, pool, settings = cognito._find_pool_by_client_id(client_id)
    return AppClient(client_id, pool, settings) if pool else None


def pool(pool_id: object) -> Record | None:
    """Finds a pool in any account. Selects its account and region for this request."""
    return cognito._get_pool_unscoped(pool_id)


def user(pool: Record, name: object) -> Record | None:
    """Finds a user by username, sub or alias."""
    return cognito._resolve_user(pool, name)[0] if isinstance(name, str) else None


def attributes(user: Record) -> dict[str, str]:
    return cognito._attr_list_to_dict(user.get("Attributes", []))


def claims(token: object) -> Record:
    """Returns the unverified claims of a token. They are empty if the text is not a token."""
    return cognito._token_claims(token)


def token_user(token: str) -> tuple[Record, Record] | None:
    """Returns the pool and the user of a token that was just issued."""
    issued = claims(token)
    home = pool(str(issued.get("iss", "")).rsplit("/", 1)[-1])
    owner = user(home, issued.get("username")) if home else None
    return (home, owner) if home and owner else None


def password_faults(pool: Record, password: str) -> list[str]:
    return cognito._password_policy_errors(pool, password)


def mfa_challenge(pool: Record, user: Record) -> Record | None:
    """Returns the MFA challenge after the password: the code of the authenticator, or the set-up of one."""
    challenge = cognito._mfa_challenge_for_user(pool, user, pool["Id"], user["Username"])
    if challenge or pool.get("MfaConfiguration") != "ON":
        return challenge
    return {
        "ChallengeName": "MFA_SETUP",
        "Session": secrets.token_urlsafe(32),
        "ChallengeParameters": {"USER_ID_FOR_SRP": user["Username"], "MFAS_CAN_SETUP": '["SOFTWARE_TOKEN_MFA"]'},
    }


def pending_authenticator(session: object) -> str:
    """Returns the secret that AssociateSoftwareToken issued for a session."""
    return cognito._totp_session_secrets.get(session, "")


def enrol(user: Record, authenticator: str) -> None:
    """Stores a verified authenticator of a user."""
    user["_totp_secret"] = authenticator
    cognito._apply_mfa_preference(user, {"SoftwareTokenMfaSettings": {"Enabled": True, "PreferredMfa": True}})


def local_code(code: str) -> Record:
    """Returns ministack's record of a code from its own sign-in page, or an empty record."""
    return cognito._authorization_codes.get(code, {})


def delete_code(code: str) -> None:
    cognito._authorization_codes.pop(code, None)


def federation(key: str) -> Record:
    """Returns ministack's writable record of a federated sign-in. The key is the relay state, and later the code."""
    return cognito._auth_codes.get(key, {})


def basic_or_posted(authorization: str, form: dict[str, str]) -> tuple[str, str]:
    """Returns the client id and secret of a token request."""
    return cognito._authenticate_client({"authorization": authorization}, form)


def is_expired(token: object, now: float) -> bool:
    """Returns whether a token has expired or has no expiry."""
    expires_at = claims(token).get("exp")
    return not isinstance(expires_at, int | float) or expires_at <= now


def refreshable(app: AppClient, token: str, now: float) -> bool:
    """Returns whether this client can use this refresh token now. ministack does not check the expiry."""
    _user, error = cognito._refresh_auth_user(app.pool, app.pool["Id"], app.id, token)
    return error is None and not is_expired(token, now)


def refreshed(app: AppClient, token: str) -> Record:
    """Returns new tokens for a refresh token, with its scopes and the current groups. Runs triggers, so it blocks."""
    result: Record = cognito._refresh_auth_result(app.pool, app.pool["Id"], app.id, token)[0]
    return result


def owner(app: AppClient, token: str) -> Record | None:
    """Returns the user of a token, in the pool of the client."""
    found: Record | None = cognito._user_from_token(token, app.pool)
    return found or None


def renewed(app: AppClient, token: str, now: float) -> str:
    """Returns a refresh token of the same sign-in with the same expiry."""
    return str(cognito._signed_jwt({**claims(token), "jti": str(uuid4()), "iat": int(now)}, app.pool["Id"], "access"))


def temporary_password(pool: Record) -> str:
    """Returns a password that the password policy of the pool accepts."""
    length = int((pool.get("Policies") or {}).get("PasswordPolicy", {}).get("MinimumLength") or 8)
    alphabets = (string.ascii_uppercase, string.ascii_lowercase, string.digits, "!@#$%^&*")
    characters = [secrets.choice(alphabet) for alphabet in alphabets]
    characters += [secrets.choice("".join(alphabets)) for _ in range(max(length, 12) - len(characters))]
    secrets.SystemRandom().shuffle(characters)
    return "".join(characters)


def revoke(token: str) -> None:
    cognito._revoke_token({"Token": token})
