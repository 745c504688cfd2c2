"""Gatehouse's own contestants: the shipped code, with the two tables replaced by memory that answers at once."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from chalice.app import AuthRequest, ChaliceAuthorizer

from authorizers.decision_log import DecisionLog
from authorizers.policy import respond
from benchmarks import tokens
from chalicelib.authorize import Authorization, Authorize
from chalicelib.aws.jwks import JwksKeySource
from chalicelib.core.policy import Policy
from chalicelib.core.policy_json import parse_statements
from chalicelib.core.principal import Principal
from chalicelib.core.statement import Statement
from chalicelib.ports import AuthorizationState
from chalicelib.verify import VerifyToken

ARN_BASE = "arn:aws:execute-api:eu-central-1:123456789012:a1b2c3d4e5/live/"
ASKED = ("GET", "/department1/reports/7")
REMEMBERED = 1024  # tokens, the default of REMEMBERED_TOKENS

StatementsOf = Callable[[str], tuple[Statement, ...]]  # by subject


class QuietState:
    """Implements StateReader: nothing has changed, nobody was revoked, and no time passes."""

    _reading = AuthorizationState(generation=1)

    def read(self, principal: Principal) -> AuthorizationState:  # noqa: ARG002
        return self._reading


@dataclass
class Policies:
    """Implements PolicyReader: every subject has the statements that `of` gives it."""

    of: StatementsOf

    def read(self, subjects: Iterable[str]) -> Mapping[str, Policy]:
        return {subject: Policy(subject, 1, self.of(subject), "the mint", "2027-01-15") for subject in subjects}


class NoRecord(DecisionLog):
    """The decision_log, unwritten: what a decision costs without it."""

    def record_request(self, method: str, path: str) -> None: ...

    def record_decision(self, authorization: Authorization) -> None: ...

    def record_failure(self, code: str) -> None: ...


def own_reports(subject: str) -> tuple[Statement, ...]:
    """One statement: each group may read the reports of its department."""
    return rules([f"/{subject.partition(':')[2]}/reports/*"])


def rules(paths: Sequence[str]) -> tuple[Statement, ...]:
    return parse_statements([{"effect": "Allow", "methods": ["GET"], "paths": [path]} for path in paths])


def verifier(remember: int) -> VerifyToken:
    """With nothing remembered, every token is seen for the first time."""
    return VerifyToken(JwksKeySource(lambda: {tokens.KID: tokens.PUBLIC_KEY}), tokens.EXPECTED, remember=remember)


def decision(
    token: str,
    remember: int = REMEMBERED,
    decision_log: Callable[[], DecisionLog] | None = None,
    statements_of: StatementsOf = own_reports,
) -> Callable[[], Any]:
    """What Lambda calls, from the event to the result. Without `decision_log`, no line is written."""
    authorize = Authorize(verifier(remember), QuietState(), Policies(statements_of))
    quiet = NoRecord()
    new_record = decision_log or (lambda: quiet)

    def policy_authorizer(request: AuthRequest) -> dict[str, Any]:
        return respond(request.token, request.method_arn, lambda: authorize, new_record())

    handler = ChaliceAuthorizer("policy_authorizer", policy_authorizer)
    method, path = ASKED
    event = {"type": "TOKEN", "authorizationToken": f"Bearer {token}", "methodArn": f"{ARN_BASE}{method}{path}"}
    return lambda: handler(event, None)


def line_to_nowhere() -> Callable[[], DecisionLog]:
    """Records which write their line as in a Lambda, with one system call, but nobody reads it."""
    nowhere = open(os.devnull, "w", buffering=1)  # noqa: SIM115
    return partial(DecisionLog, write_line=lambda line: print(line, file=nowhere))


def one_line(token: str) -> Callable[[], None]:
    """The decision_log of one decision by itself."""
    method, path = ASKED
    authorization = Authorize(verifier(REMEMBERED), QuietState(), Policies(own_reports))(token, method, path)
    decision_log = line_to_nowhere()

    def write() -> None:
        line = decision_log()
        line.record_request(method, path)
        line.record_decision(authorization)

    return write
