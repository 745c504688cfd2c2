"""The authorizer's result during a lockdown denies everything, also in the service, and names its reason code."""

import json
from dataclasses import replace
from typing import Any

import pytest

from authorizers.decision_log import DecisionLog
from authorizers.policy import respond
from chalicelib.authorize import Authorize
from chalicelib.core import permission_codec
from chalicelib.core.decision import decide
from chalicelib.core.principal import Principal
from chalicelib.core.upstream_paths import guarded
from tests import mint
from tests.fakes import Clock, FakePolicies, FakeState, allow, principal, statements
from tests.oracle import iam

ARN = "arn:aws:execute-api:mars-west-1:123456789012:olympus/v1/"


@pytest.mark.parametrize("complete", [tuple, guarded], ids=["without an upstream", "with an upstream"])
def test_the_result_of_a_lockdown_denies_every_request(complete: Any) -> None:
    state, policies, lines = FakeState(locked_until=mint.NOW + 600), FakePolicies(), list[str]()
    policies.put("group:clerks", statements(allow("/*", methods=["*"])), "admin", None)
    authorize = Authorize(lambda _: principal(), state, policies, now=Clock(), complete=complete)
    answer = respond("Bearer token", f"{ARN}GET/reports", lambda: authorize, DecisionLog(write_line=lines.append))

    assert [it["Effect"] for it in answer["policyDocument"]["Statement"]] == ["Deny"]
    for request in ("GET/reports", "PUT/admin/policies/group/clerks", "DELETE/", "GET/upstream/orders/7"):
        assert not iam.permits(answer["policyDocument"], ARN + request)
    context = answer["context"]
    assert (context["code"], context["policies"]) == ("locked_down", "")
    assert context["reason"] == "the stage is locked down until 2027-01-15T08:10:00Z"
    assert not decide(permission_codec.decode(context["permissions"]), "GET", "/reports").allowed
    (line,) = (json.loads(line) for line in lines)
    assert (line["decision"], line["code"]) == ("denied", "locked_down")
    assert policies.reads == 0, "a locked-down request needs no policies"


def test_a_lockdown_comes_before_every_other_reason() -> None:
    """The sign-in is too old for the statement, and another caller has no policy."""
    policies = FakePolicies()
    old = replace(principal(), signed_in_at=mint.NOW - 3600)
    guest = replace(principal(), policy_subjects=("group:guests",))
    policies.put("group:clerks", statements(allow("/*", signed_in_within=60)), "admin", None)
    for caller, usual in (
        (old, "sign_in_too_old"),
        (guest, "no_policy"),
    ):
        for until, code in ((0, usual), (mint.NOW + 600, "locked_down")):
            answer, decision = answered(caller, FakeState(locked_until=until), policies)
            assert (answer["context"]["code"], decision["code"]) == (code, code)


def answered(caller: Principal, state: FakeState, policies: FakePolicies) -> tuple[Any, Any]:
    """Returns the authorizer's result, and the line of the decision log."""
    lines = list[str]()
    authorize = Authorize(lambda _: caller, state, policies, now=Clock())
    answer = respond("token", f"{ARN}GET/reports", lambda: authorize, DecisionLog(write_line=lines.append))
    return answer, json.loads(lines[0])
