"""The principal: the user or the machine that a verified token identifies. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller.

    subject          Cognito's `sub`; for a machine, its app client
    client_id        the app client through which the token was obtained
    username         empty for a machine
    policy_subjects  the subjects whose policies apply
    session          `origin_jti`, the id of the sign-in that the token comes from; empty for a machine
    issued_at        seconds since 1970, like `expires_at`
    signed_in_at     seconds since 1970; 0 if the token does not say when its holder signed in
    """

    subject: str
    client_id: str
    username: str
    policy_subjects: tuple[str, ...]
    scopes: frozenset[str]
    session: str
    issued_at: int
    expires_at: int
    signed_in_at: int = 0

    @property
    def is_machine(self) -> bool:
        return not self.username
