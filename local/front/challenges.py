"""Sign-in challenges: an answer counts only with the Session that was handed out for that user, client and challenge.

ministack hands out sessions and then takes any: a made-up one would set any user's password or skip their MFA.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from local.front import directory
from local.front.directory import Record
from local.front.http import Response, aws_error

# ministack binds these itself: the first by its secret block, the second by a session of its own.
_BOUND_BY_MINISTACK = {"PASSWORD_VERIFIER", "CUSTOM_CHALLENGE"}
_MFA = {"SOFTWARE_TOKEN_MFA", "MFA_SETUP"}
_STARTS = {"InitiateAuth", "AdminInitiateAuth"}
_ANSWERS = {"RespondToAuthChallenge", "AdminRespondToAuthChallenge"}
_AUTHENTICATOR = {"AssociateSoftwareToken", "VerifySoftwareToken"}

Forward = Callable[[], Awaitable[Response]]


@dataclass(frozen=True)
class Challenge:
    """A question that was put to one user of one client."""

    name: str
    client_id: str
    username: str  # as the pool knows them, whatever alias they typed
    expires_at: float
    authenticator_verified: bool = False


class Challenges:
    """The open challenges, by session. In memory: a restart costs whoever is signing in another try."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._open: dict[str, Challenge] = {}

    async def guard(self, operation: str, fields: Record, forward: Forward) -> Response:
        """Pass an operation on if the session it needs is open, and open the session that its answer hands out."""
        if operation in _STARTS:
            return self._next(fields, await forward(), refreshing="REFRESH" in fields["AuthFlow"])
        if operation in _ANSWERS:
            return await self._answer(fields, forward)
        if operation in _AUTHENTICATOR and not fields.get("AccessToken"):
            return await self._set_up(fields, forward)
        return await forward()

    async def _answer(self, fields: Record, forward: Forward) -> Response:
        name, answers = fields["ChallengeName"], fields.get("ChallengeResponses") or {}
        if name in _BOUND_BY_MINISTACK:
            return self._next(fields, await forward())
        session = fields.get("Session") or ""
        challenge, app = self._open.get(session), directory.client(fields["ClientId"])
        user = directory.user(app.pool, answers.get("USERNAME")) if app else None
        if not challenge or not app or not user or not self._fits(challenge, name, app.id, user):
            return _invalid_session()
        if name == "NEW_PASSWORD_REQUIRED":
            faults = directory.password_faults(app.pool, answers.get("NEW_PASSWORD", ""))
            if faults:
                message = f"Password did not conform with policy: {'; '.join(faults)}"
                return aws_error("InvalidPasswordException", message)
        if name == "SOFTWARE_TOKEN_MFA" and not user.get("_totp_secret"):
            return _invalid_session()  # ministack would take any code from a user without an authenticator
        return self._next(fields, await self._spend(session, forward), answered=challenge.name)

    def _fits(self, challenge: Challenge, name: str, client_id: str, user: Record) -> bool:
        asked = (challenge.name, challenge.client_id, challenge.username)
        ready = challenge.name != "MFA_SETUP" or challenge.authenticator_verified
        return ready and asked == (name, client_id, user["Username"]) and self._now() < challenge.expires_at

    async def _spend(self, session: str, forward: Forward) -> Response:
        # Taken before the answer is judged: two answers at once must not both use it. A wrong one may be corrected.
        challenge = self._open.pop(session)
        response = await forward()
        if response.status != 200:
            self._open[session] = challenge
        return response

    def _next(self, fields: Record, response: Response, answered: str = "", refreshing: bool = False) -> Response:
        """Open the session of a further challenge, among them the MFA that ministack forgets to ask for."""
        if response.status != 200:
            return response
        content = response.content
        result = content.get("AuthenticationResult")
        if result and answered not in _MFA and not refreshing:
            signed_in = directory.token_user(result["AccessToken"])
            owed = directory.mfa_challenge(*signed_in) if signed_in else None
            if owed:
                content, response = owed, Response.json(200, owed, content_type="application/x-amz-json-1.1")
        app = directory.client(fields["ClientId"])
        if app and content.get("Session") and content["ChallengeName"] not in _BOUND_BY_MINISTACK:
            # Whom the answer names, not the request: an SRP proof for one user may come with another's USERNAME.
            user = directory.user(app.pool, content["ChallengeParameters"]["USER_ID_FOR_SRP"])
            if user:
                expires_at = self._now() + app.session_seconds
                challenge = Challenge(content["ChallengeName"], app.id, user["Username"], expires_at)
                self._remember(content["Session"], challenge)
        return response

    async def _set_up(self, fields: Record, forward: Forward) -> Response:
        """Lead a user who has no tokens yet through AssociateSoftwareToken and VerifySoftwareToken."""
        session = fields.get("Session") or ""
        challenge = self._open.get(session)
        if not challenge or challenge.name != "MFA_SETUP" or self._now() >= challenge.expires_at:
            return _invalid_session()
        app, secret = directory.client(challenge.client_id), directory.pending_authenticator(session)
        response = await self._spend(session, forward)
        if response.status == 200:
            verified = response.content.get("Status") == "SUCCESS"
            user = directory.user(app.pool, challenge.username) if app and verified else None
            if user:
                directory.enrol(user, secret)
            self._remember(response.content["Session"], replace(challenge, authenticator_verified=verified))
        return response

    def _remember(self, session: str, challenge: Challenge) -> None:
        self._open = {s: c for s, c in self._open.items() if self._now() < c.expires_at} | {session: challenge}


def _invalid_session() -> Response:
    return aws_error("NotAuthorizedException", "Invalid session for the user.")
