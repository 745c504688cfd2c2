"""Who calls: a person or a machine, as a verified token describes them. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller.

    subject     Cognito's `sub`; for a machine, its app client
    client_id   the app client through which the token was obtained
    username    empty for a machine
    session     `origin_jti`, the sign-in that this token descends from; empty for a machine
    issued_at   seconds since 1970, as is `expires_at`
    """

    subject: str
    client_id: str
    username: str
    groups: tuple[str, ...]
    scopes: frozenset[str]
    session: str
    issued_at: int
    expires_at: int

    @property
    def is_machine(self) -> bool:
        return not self.username

    @property
    def policy_subjects(self) -> tuple[str, ...]:
        """Whose policies apply: a person's groups, or a machine's app client.

        A machine's groups are ignored, and a person does not inherit what the machine behind a client may do.
        """
        if self.is_machine:
            return (f"client:{self.client_id}",)
        return tuple(f"group:{name}" for name in self.groups)
