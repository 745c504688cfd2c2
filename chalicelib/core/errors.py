"""Why there is no answer, and whose fault that is.

A denial is not in here: it is an answer, see `decision.Decision`.

GatehouseError
├── CallerError             the caller's fault
│   ├── TokenRejected       401: no valid token
│   ├── InvalidInput        400: a field is wrong; nothing was stored
│   │   └── TooLarge        413
│   ├── NotFound            404
│   └── VersionConflict     409: somebody else wrote in between
└── CannotDecide            500: our fault; never an Allow, and never a Deny, which API Gateway would cache
"""


class GatehouseError(Exception):
    """A request without an answer; `code` is stable and safe to log, `message` is for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class CallerError(GatehouseError):
    """The caller asked for something that cannot be."""


class TokenRejected(CallerError):
    """The token proves nothing. The message never quotes the token."""


class InvalidInput(CallerError):
    """A value is not acceptable; the message begins with the name of its field."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__("invalid_input", f"{field}: {message}")
        self.field = field


class TooLarge(InvalidInput):
    """A value is acceptable but for its size."""


class NotFound(CallerError):
    """There is no such thing."""

    def __init__(self, what: str) -> None:
        super().__init__("not_found", f"{what} does not exist")


class VersionConflict(CallerError):
    """The item has moved on since it was read."""

    def __init__(self, what: str, expected: int) -> None:
        super().__init__("version_conflict", f"{what} is no longer at version {expected}: read it again")


class CannotDecide(GatehouseError):
    """Something of ours failed; the request has to be asked again."""
