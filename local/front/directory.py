"""Reads and changes the user pools in ministack's memory.

Uses private names of ministack, because it has no public interface for most of this.
"""

from __future__ import annotations

import base64
import hmac
import secrets
import string
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit
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

    @property
    def cookie_minutes(self) -> int | None:
        """For how many minutes after a sign-in its cookie gives new tokens. None: the pool does not track sessions."""
        if self.pool.get("_session_configuration", {}).get("UserSessionTracking") != "ENABLED":
            return None
        session = self.settings.get("_session_configuration", {}).get("SSOSession", {})
        return int(session.get("MaxValidityMinutes", 60))


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


def user_of(pool: Record, subject: str) -> Record | None:
    """Finds a user by the sub alone. Another user can have the sub as username."""
    return next((user for user in pool["_users"].values() if sub(user) == subject), None)


def attributes(user: Record) -> dict[str, str]:
    return cognito._attr_list_to_dict(user.get("Attributes", []))


def sub(user: Record) -> str:
    return attributes(user)["sub"]


def claims(token: object) -> Record:
    """Returns the unverified claims of a token. They are empty if the text is not a token."""
    return cognito._token_claims(token)


def srp_username(fields: Record) -> str:
    """Returns the username of the session that an SRP proof answers, or an empty text."""
    block = (fields.get("ChallengeResponses") or {}).get("PASSWORD_CLAIM_SECRET_BLOCK")
    session = cognito._challenge_sessions.get(block) if isinstance(block, str) else None
    return str(session["username"]) if session else ""


def token_user(token: str) -> tuple[Record, Record] | None:
    """Returns the pool and the user of a token that was just issued."""
    issued = claims(token)
    home = pool(str(issued.get("iss", "")).rsplit("/", 1)[-1])
    owner = user(home, issued.get("username")) if home else None
    return (home, owner) if home and owner else None


def password_faults(pool: Record, password: str) -> list[str]:
    return cognito._password_policy_errors(pool, password)


def has_password(user: Record, password: str) -> bool:
    """Returns whether a user may sign in with this password."""
    stored = user.get("_password") or ""
    same = hmac.compare_digest(stored.encode(), password.encode("utf-8", "replace"))
    return bool(stored) and same and cognito._password_signin_refused(user) is None


def may_sign_in(user: Record) -> bool:
    """Returns whether a user is enabled and needs neither a confirmation nor a new password."""
    return user.get("Enabled", True) and user["UserStatus"] in ("CONFIRMED", "EXTERNAL_PROVIDER")


def set_password(user: Record, password: str) -> None:
    """Replaces a temporary password. The caller has checked the password policy."""
    user["_password"], user["UserStatus"] = password, "CONFIRMED"
    user["UserLastModifiedDate"] = cognito._now_epoch()


def verify_address(pool: Record, user: Record) -> None:
    """Marks the address as verified, as Cognito does at the confirmation of a sign-up."""
    if "email" in (pool.get("AutoVerifiedAttributes") or []) and "email" in attributes(user):
        verified = [{"Name": "email_verified", "Value": "true"}]
        user["Attributes"] = cognito._merge_attributes(user["Attributes"], verified)


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


def new_authenticator() -> str:
    """Returns a new secret of an authenticator, in base 32."""
    return base64.b32encode(secrets.token_bytes(20)).decode()


def authenticator_of(user: Record) -> str:
    """Returns the secret of the user's authenticator, or an empty text."""
    return str(user.get("_totp_secret") or "")


def proves(authenticator: str, code: str) -> bool:
    """Returns whether an authenticator shows this code now, or one step earlier or later."""
    return bool(cognito._totp_matches(authenticator, code))


def pending_authenticator(session: object) -> str:
    """Returns the secret that AssociateSoftwareToken issued for a session."""
    return cognito._totp_session_secrets.get(session, "")


def enrol(user: Record, authenticator: str) -> None:
    """Stores a verified authenticator of a user."""
    user["_totp_secret"] = authenticator
    cognito._apply_mfa_preference(user, {"SoftwareTokenMfaSettings": {"Enabled": True, "PreferredMfa": True}})


def remove_authenticator(user: Record) -> None:
    """Removes the authenticator of a user, and its set-up that is not complete."""
    user.pop("_totp_secret", None)
    user.pop("_totp_pending_secret", None)
    cognito._apply_mfa_preference(user, {"SoftwareTokenMfaSettings": {"Enabled": False}})


def issue_code(app: AppClient, username: str, asked: dict[str, str], signed_in_at: int | None = None) -> str:
    """Issues an authorization code. Returns the address of the client with the code and the state, or an empty text.

    asked         the parameters of the authorization request
    signed_in_at  seconds since 1970, when the browser signed in; None: it has just signed in
    """
    names = ("nonce", "code_challenge", "code_challenge_method", "state")
    status, headers, _body = cognito._issue_auth_code_redirect(
        app.id,
        app.pool["Id"],
        asked["redirect_uri"],
        asked.get("scope", ""),
        username,
        *(asked.get(n, "") for n in names),
    )
    if status != 302:
        return ""
    address = str(headers["Location"])
    (code,) = parse_qs(urlsplit(address).query)["code"]
    cognito._authorization_codes[code]["signed_in_at"] = signed_in_at
    return address


def signed_in_at(code: str) -> object:
    """Returns when the browser of an authorization code signed in, in seconds since 1970. None: unknown."""
    return cognito._authorization_codes.get(code, {}).get("signed_in_at")


def federation(key: str) -> Record:
    """Returns ministack's writable record of a federated sign-in. The key is the relay state, and later the code."""
    return cognito._auth_codes.get(key, {})


def open_federation(record: Record) -> str:
    """Stores a federated sign-in that waits for the provider, and returns its key."""
    cognito._cleanup_expired_relay_codes()
    key = secrets.token_urlsafe(24)
    cognito._auth_codes[key] = {**record, "type": "relay"}
    return key


def delete_federation(key: str) -> None:
    cognito._auth_codes.pop(key, None)


def identity_provider(pool: Record, name: str) -> Record | None:
    return pool.get("_identity_providers", {}).get(name)


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
