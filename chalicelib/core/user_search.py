"""The criteria of a search for users. Pure."""

from dataclasses import dataclass
from typing import Literal, get_args

from chalicelib.core.errors import InvalidInput
from chalicelib.core.group_name import EXPECTED, is_group_name

Attribute = Literal["email", "username", "name"]
Status = Literal[
    "UNCONFIRMED",
    "CONFIRMED",
    "ARCHIVED",
    "COMPROMISED",
    "UNKNOWN",
    "RESET_REQUIRED",
    "FORCE_CHANGE_PASSWORD",
    "EXTERNAL_PROVIDER",
]
LONGEST_TEXT = 100  # Cognito accepts filters of 256 characters. An escaped text is at most twice as long


@dataclass(frozen=True, slots=True)
class UserSearch:
    """The users to list. All criteria must apply. Without a criterion: all users.

    attribute    the attribute that begins with `begins_with`
    group        the members of this group
    status       Cognito's UserStatus
    Raises:      InvalidInput for a criterion that Cognito would not accept
    """

    begins_with: str | None = None
    attribute: Attribute = "email"
    group: str | None = None
    status: Status | None = None
    enabled: bool | None = None

    def __post_init__(self) -> None:
        text = self.begins_with
        if text is not None and not (0 < len(text) <= LONGEST_TEXT and text.isprintable()):
            raise InvalidInput("begins_with", f"expected 1 to {LONGEST_TEXT} printable characters")
        for name, value, accepted in (("attribute", self.attribute, Attribute), ("status", self.status, Status)):
            if value is not None and value not in get_args(accepted):
                raise InvalidInput(name, f"expected one of {', '.join(get_args(accepted))}")
        if self.group is not None and not is_group_name(self.group):
            raise InvalidInput("group", f"expected {EXPECTED}")
