"""Gatehouse's contestants: the shipped code, with in-memory replacements for the two tables."""

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
from chalicelib.ports import AuthorizationState, PolicyReader, StateReader
from chalicelib.verify import VerifyToken

ARN_BASE = "arn:aws:execute-api:eu-central-1:123456789012:a1b2c3d4e5/live/"
REQUEST = ("GET", "/department1/reports/7")
CACHED_TOKENS = 1024  # tokens, the default of REMEMBERED_TOKENS

StatementsOf = Callable[[str], tuple[Statement, ...]]  # by subject


class QuietState:
    """Implements StateReader without changes and without revocations."""

    _reading = AuthorizationState(generation=1)

    def read(self, principal: Principal) -> AuthorizationState:  # noqa: ARG002
        return self._reading


@dataclass
class Policies:
    """Implements PolicyReader. `of` gives the statements of each subject."""

    of: StatementsOf

    def read(self, subjects: Iterable[str]) -> Mapping[str, Policy]:
        return {subject: Policy(subject, 1, self.of(subject), "the mint", "2027-01-15") for subject in subjects}


class NoDecisionLog(DecisionLog):
    """A decision log that does nothing, to measure a decision without its log line."""

    def record_request(self, method: str, path: str) -> None: ...

    def record_decision(self, authorization: Authorization) -> None: ...

    def record_failure(self, code: str) -> None: ...


def own_reports(subject: str) -> tuple[Statement, ...]:
    """Returns one statement: each group can read the reports of its department."""
    return rules([f"/{subject.partition(':')[2]}/reports/*"])


def rules(paths: Sequence[str]) -> tuple[Statement, ...]:
    return parse_statements([{"effect": "Allow", "methods": ["GET"], "paths": [path]} for path in paths])


def verifier(remember: int) -> VerifyToken:
    """Returns a verifier. With `remember=0` it caches nothing and verifies every token again."""
    return VerifyToken(JwksKeySource(lambda: {tokens.KID: tokens.PUBLIC_KEY}), tokens.EXPECTED, remember=remember)


def decision(
    token: str,
    remember: int = CACHED_TOKENS,
    decision_log: Callable[[], DecisionLog] | None = None,
    statements_of: StatementsOf = own_reports,
    tables: tuple[StateReader, PolicyReader] | None = None,
) -> Callable[[], Any]:
    """Returns the call that Lambda makes, from the event to the result.

    Without `decision_log`, it writes no line. Without `tables`, the state and the policies are in memory.
    """
    authorize = Authorize(verifier(remember), *(tables or (QuietState(), Policies(statements_of))))
    silent = NoDecisionLog()
    new_log = decision_log or (lambda: silent)

    def policy_authorizer(request: AuthRequest) -> dict[str, Any]:
        return respond(request.token, request.method_arn, lambda: authorize, new_log())

    handler: Any = ChaliceAuthorizer("policy_authorizer", policy_authorizer)
    asked = event(token)
    return lambda: handler(asked, None)


def event(token: str) -> dict[str, str]:
    """Returns the event that API Gateway sends to the authorizer."""
    method, path = REQUEST
    return {"type": "TOKEN", "authorizationToken": f"Bearer {token}", "methodArn": f"{ARN_BASE}{method}{path}"}


def line_to_nowhere() -> Callable[[], DecisionLog]:
    """Returns decision logs that write to the null device, with one system call for each line as in Lambda."""
    nowhere = open(os.devnull, "w", buffering=1)  # noqa: SIM115
    return partial(DecisionLog, write_line=lambda line: print(line, file=nowhere))


def one_line(token: str) -> Callable[[], None]:
    """Returns a call that writes the log line of one decision."""
    method, path = REQUEST
    authorization = Authorize(verifier(CACHED_TOKENS), QuietState(), Policies(own_reports))(token, method, path)
    decision_log = line_to_nowhere()

    def write() -> None:
        line = decision_log()
        line.record_request(method, path)
        line.record_decision(authorization)

    return write
