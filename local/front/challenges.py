"""Binds each answer to a sign-in challenge to the Session of that user, client and challenge.

ministack accepts any Session. An invented Session could set the password of any user or skip the MFA.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from local.front import directory, used_codes
from local.front.directory import Record
from local.front.http import Response, aws_error

# ministack binds these challenges itself: by the secret block, and by its own session.
_BOUND_BY_MINISTACK = {"PASSWORD_VERIFIER", "CUSTOM_CHALLENGE"}
_MFA = {"SOFTWARE_TOKEN_MFA", "MFA_SETUP"}
_STARTS = {"InitiateAuth", "AdminInitiateAuth"}
_ANSWERS = {"RespondToAuthChallenge", "AdminRespondToAuthChallenge"}
_AUTHENTICATOR = {"AssociateSoftwareToken", "VerifySoftwareToken"}

Forward = Callable[[], Awaitable[Response]]


@dataclass(frozen=True)
class Challenge:
    """A challenge for one user of one client.

    sub  of the user: another user can have the name after the deletion of the first one
    """

    name: str
    client_id: str
    sub: str
    expires_at: float
    authenticator_verified: bool = False


class Challenges:
    """The open challenges, by session. They are in memory, so a restart interrupts the current sign-ins."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._open: dict[str, Challenge] = {}

    async def handle(self, operation: str, fields: Record, forward: Forward) -> Response:
        """Forwards an operation if its session is open, and opens the session of the response."""
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
            return _invalid_session()  # ministack would accept any code for a user without an authenticator
        if name == "SOFTWARE_TOKEN_MFA" and not self._use(user, answers.get("SOFTWARE_TOKEN_MFA_CODE", "")):
            return aws_error("ExpiredCodeException", used_codes.MESSAGE)
        return self._next(fields, await self._spend(session, forward), answered=challenge.name)

    def _use(self, user: Record, code: str) -> bool:
        """Uses a correct code up. Returns False if it was used before. ministack refuses a wrong code."""
        if used_codes.is_used(user, code, self._now()):
            return False
        if directory.proves(directory.authenticator_of(user), code):
            used_codes.use(user, code, self._now())
        return True

    def _fits(self, challenge: Challenge, name: str, client_id: str, user: Record) -> bool:
        asked = (challenge.name, challenge.client_id, challenge.sub)
        ready = challenge.name != "MFA_SETUP" or challenge.authenticator_verified
        return ready and asked == (name, client_id, directory.sub(user)) and self._now() < challenge.expires_at

    async def _spend(self, session: str, forward: Forward) -> Response:
        # Closed before the answer is checked, so that two concurrent answers cannot both use it. Open again on failure.
        challenge = self._open.pop(session)
        response = await forward()
        if response.status != 200:
            self._open[session] = challenge
        return response

    def _next(self, fields: Record, response: Response, answered: str = "", refreshing: bool = False) -> Response:
        """Opens the session of the next challenge. Adds the MFA challenge that ministack omits."""
        if response.status != 200:
            return response
        content = response.content
        result = content.get("AuthenticationResult")
        if result and answered not in _MFA and not refreshing:
            signed_in = directory.token_user(result["AccessToken"])
            challenge_due = directory.mfa_challenge(*signed_in) if signed_in else None
            if challenge_due:
                content, response = (
                    challenge_due,
                    Response.json(200, challenge_due, content_type="application/x-amz-json-1.1"),
                )
        app = directory.client(fields["ClientId"])
        if app and content.get("Session") and content["ChallengeName"] not in _BOUND_BY_MINISTACK:
            # The user of the response and not of the request: an SRP proof can come with another USERNAME.
            user = directory.user(app.pool, content["ChallengeParameters"]["USER_ID_FOR_SRP"])
            if user:
                expires_at = self._now() + app.session_seconds
                challenge = Challenge(content["ChallengeName"], app.id, directory.sub(user), expires_at)
                self._open_session(content["Session"], challenge)
        return response

    async def _set_up(self, fields: Record, forward: Forward) -> Response:
        """Handles AssociateSoftwareToken and VerifySoftwareToken for a user without tokens."""
        session = fields.get("Session") or ""
        challenge = self._open.get(session)
        if not challenge or challenge.name != "MFA_SETUP" or self._now() >= challenge.expires_at:
            return _invalid_session()
        app, secret = directory.client(challenge.client_id), directory.pending_authenticator(session)
        response = await self._spend(session, forward)
        if response.status == 200:
            verified = response.content.get("Status") == "SUCCESS"
            user = directory.user_of(app.pool, challenge.sub) if app and verified else None
            if user:
                directory.enrol(user, secret)
                used_codes.use(user, fields["UserCode"], self._now())
            self._open_session(response.content["Session"], replace(challenge, authenticator_verified=verified))
        return response

    def _open_session(self, session: str, challenge: Challenge) -> None:
        self._open = {s: c for s, c in self._open.items() if self._now() < c.expires_at} | {session: challenge}


def _invalid_session() -> Response:
    return aws_error("NotAuthorizedException", "Invalid session for the user.")
