"""Checks which callers can make which requests. The tests of use case 2 share these checks."""

from __future__ import annotations

from collections.abc import Sequence

from tests.e2e.clients import Answer, Api

Request = tuple[str, str, object]  # method, path, body

REFUSED = Answer(
    401, {"message": "no valid token, or the token lacks the scope that this route requires", "code": "unauthorized"}
)


def check_decisions(api: Api, token: str, requests: Sequence[Request], expected: Sequence[int]) -> None:
    """Sends each request with a token, and fails unless each status is the expected one and each 403 the gateway's."""
    answers = [api.ask(method, path, token, body) for method, path, body in requests]
    names = [f"{method} {path}" for method, path, _ in requests]
    statuses = [answer.status for answer in answers]
    assert dict(zip(names, statuses, strict=True)) == dict(zip(names, expected, strict=True))
    refusals = {answer.body["code"] for answer in answers if answer.status == 403}
    assert refusals <= {"not_permitted", "no_policy"}, "the gateway must refuse the request, not the service"
