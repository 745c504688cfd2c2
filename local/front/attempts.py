"""Limits the guesses of passwords, authenticator codes and mailed codes, as Cognito does.

Source:  docs.aws.amazon.com/cognito → "Lockout behavior for failed sign-in attempts": five failed attempts lock a user
         for one second, and each further one doubles the time, up to 15 minutes. Wrong MFA codes count as well.
         → "Forgot password behavior": 5 to 20 attempts in an hour to request or enter a code. This limit uses 5.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from local.front import directory
from local.front.directory import Record
from local.front.http import Response, aws_error

_FREE, _LONGEST_SECONDS = 5, 15 * 60
_CODES, _HOUR = 5, 3600
_PASSWORD_FLOWS = {"USER_PASSWORD_AUTH", "ADMIN_USER_PASSWORD_AUTH", "ADMIN_NO_SRP_AUTH"}
_PROOFS = {"PASSWORD_VERIFIER", "SOFTWARE_TOKEN_MFA"}
_SENDS = {"ForgotPassword", "ResendConfirmationCode"}
_ENTERS = {"ConfirmForgotPassword", "ConfirmSignUp"}

LOCKED = "Password attempts exceeded"
TOO_MANY_CODES = "Attempt limit exceeded, please try after some time."

Settle = Callable[[Response], None]
Who = tuple[str, str]  # a pool and a username. Names without a user also count, so that a limit reveals no user


def subject(pool: Record, name: object) -> Who:
    """Returns the key of a user's attempts. All spellings and aliases of one user have the same key."""
    user = directory.user(pool, name)
    return pool["Id"], user["Username"] if user else str(name).casefold()


@dataclass(frozen=True)
class _Failures:
    number: int
    last: float

    @property
    def locked_until(self) -> float:
        beyond = self.number - _FREE
        return self.last + min(2**beyond, _LONGEST_SECONDS) if beyond >= 0 else self.last

    @property
    def remembered_until(self) -> float:
        return self.locked_until + _LONGEST_SECONDS


class Attempts:
    """The failed attempts, in memory."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._failures: dict[Who, _Failures] = {}
        self._codes: dict[tuple[Who, str], list[float]] = {}

    def is_locked(self, who: Who) -> bool:
        """Returns whether a user is locked after failed sign-ins."""
        return self._now() < self._of(who).locked_until

    def failed(self, who: Who) -> None:
        """Counts a wrong password or authenticator code."""
        now = self._now()
        retained = {key: failures for key, failures in self._failures.items() if now < failures.remembered_until}
        self._failures = retained | {who: _Failures(self._of(who).number + 1, now)}

    def succeeded(self, who: Who) -> None:
        """Forgets the failures of a user who has signed in with every factor."""
        self._failures.pop(who, None)

    def begin(self, operation: str, fields: Record) -> Response | Settle:
        """Refuses an operation, or counts it as failed before it runs, so that concurrent guesses count.

        Returns a function that takes the response and corrects the count.
        """
        who = _guesses_for(operation, fields)
        if who:
            if self.is_locked(who):
                return aws_error("NotAuthorizedException", LOCKED)
            self.failed(who)
            return lambda response: self._settle_sign_in(who, response)
        code = _code_of(operation, fields)
        if code and not self._count_code(code):
            return aws_error("LimitExceededException", TOO_MANY_CODES)
        return lambda response: self._settle_code(code, response) if code else None

    def _of(self, who: Who) -> _Failures:
        failures = self._failures.get(who, _Failures(0, 0))
        return failures if self._now() < failures.remembered_until else _Failures(0, 0)

    def _count_code(self, key: tuple[Who, str]) -> bool:
        since = self._now() - _HOUR
        self._codes = {k: recent for k, times in self._codes.items() if (recent := [t for t in times if t > since])}
        times = self._codes.setdefault(key, [])
        if len(times) >= _CODES:
            return False
        times.append(self._now())
        return True

    def _settle_sign_in(self, who: Who, response: Response) -> None:
        error = _error(response)
        if not error and "AuthenticationResult" in response.content:
            self.succeeded(who)
        elif error not in ("NotAuthorizedException", "CodeMismatchException"):
            # If a second factor is required, a correct password is not a failure, and does not reset the failures.
            failures = self._of(who)
            self._failures[who] = replace(failures, number=max(failures.number - 1, 0))

    def _settle_code(self, code: tuple[Who, str], response: Response) -> None:
        # Only a success proves the code: other errors, as of a wrong secret hash, come before the check of the code.
        if code[1] in _ENTERS and not _error(response):
            self._codes.pop(code, None)


def _error(response: Response) -> str:
    return "" if response.status == 200 else str(response.content.get("__type"))


def _guesses_for(operation: str, fields: Record) -> Who | None:
    """Returns the user whose password or authenticator code an operation checks, or None."""
    app = directory.client(fields.get("ClientId"))
    if app is None:
        return None
    if operation in ("InitiateAuth", "AdminInitiateAuth") and fields.get("AuthFlow") in _PASSWORD_FLOWS:
        return subject(app.pool, (fields.get("AuthParameters") or {}).get("USERNAME"))
    answering = operation in ("RespondToAuthChallenge", "AdminRespondToAuthChallenge")
    if answering and fields.get("ChallengeName") in _PROOFS:
        # The user of an SRP proof is the one of its session: a proof can come with another USERNAME.
        claimed = (fields.get("ChallengeResponses") or {}).get("USERNAME")
        return subject(app.pool, directory.srp_username(fields) or claimed)
    return None


def _code_of(operation: str, fields: Record) -> tuple[Who, str] | None:
    app = directory.client(fields.get("ClientId")) if operation in _SENDS | _ENTERS else None
    return (subject(app.pool, fields.get("Username")), operation) if app else None
