"""The errors of Gatehouse. A denial is not an error: see `decision.Decision`.

GatehouseError
├── CallerError             the caller's fault
│   ├── TokenRejected       401: no valid token
│   ├── InvalidInput        400: a field is invalid; nothing was stored
│   │   └── TooLarge        413
│   ├── NotFound            404
│   ├── Conflict            409: the state of the item does not allow the change
│   ├── VersionConflict     409: another writer changed the item in the meantime
│   └── LastAdministrator   409: nobody could administer policies any more
└── InternalError           500: our fault
    └── CannotDecide        no authorization; never an Allow, and never a Deny, which API Gateway would cache
"""


class GatehouseError(Exception):
    """A request that failed. `code` is stable and safe to log; `message` is for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class CallerError(GatehouseError):
    """The caller must change the request before sending it again."""


class TokenRejected(CallerError):
    """The token is not valid. The message never quotes the token."""


class InvalidInput(CallerError):
    """A field is invalid. The message begins with the name of the field."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__("invalid_input", f"{field}: {message}")
        self.field = field


class TooLarge(InvalidInput):
    """A field is valid except for its size."""


class NotFound(CallerError):
    """The item does not exist. The message ends with the remedy, if there is one."""

    def __init__(self, what: str, remedy: str = "") -> None:
        super().__init__("not_found", f"{what} does not exist{remedy and f'. {remedy}'}")


class VersionConflict(CallerError):
    """Another writer changed the item after the caller read it."""

    def __init__(self, what: str, expected: int) -> None:
        super().__init__("version_conflict", f"{what} is no longer at version {expected}: read it again")


class Conflict(CallerError):
    """The state of the item does not allow the change."""


class LastAdministrator(CallerError):
    """The change would leave no administrator. See `core/administrator.py`. `reason` is the message without `force`."""

    def __init__(self, reason: str) -> None:
        super().__init__("last_administrator", f'{reason} To proceed anyway, send "force": true')
        self.reason = reason


class InternalError(GatehouseError):
    """A component of ours or of AWS failed. The caller can send the same request again."""


class CannotDecide(InternalError):
    """The authorization failed: there is neither an Allow nor a Deny."""
