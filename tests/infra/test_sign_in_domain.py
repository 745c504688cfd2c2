"""A deployed stage changes its domain prefix in two steps. A deployment names them before it changes anything."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from infra.errors import Refused
from infra.sign_in_domain import refuse_another_prefix
from tests.infra.account import Account
from tests.infra.stages import TRIAL


def deploy(expected: str, parameter: str = "DomainPrefix", **living: str) -> list[Any]:
    account = Account(cognito_idp={"describe_user_pool": {"UserPool": {"Id": "pool1", **living}}})
    refuse_another_prefix(replace(TRIAL, identity={parameter: expected} if expected else {}), account, "pool1")
    return account.calls


def test_another_prefix_is_refused_with_the_steps_to_change_it() -> None:
    with pytest.raises(Refused) as refusal:
        deploy("olympus", Domain="parnassus")
    said = str(refusal.value)
    assert said.startswith("infra/stages/trial.yaml: identity.DomainPrefix: the user pool has the domain 'parnassus'")
    assert "aws cognito-idp delete-user-pool-domain --user-pool-id pool1 --domain parnassus" in said
    assert "2. Deploy again" in said


@pytest.mark.parametrize(
    ("expected", "living"),
    [
        pytest.param("olympus", {"Domain": "olympus"}, id="the same prefix"),
        pytest.param("olympus", {}, id="the first prefix, or one whose predecessor is deleted"),
        pytest.param("", {"Domain": "olympus"}, id="no prefix any more"),
        pytest.param("", {}, id="never a prefix"),
        pytest.param("olympus", {"CustomDomain": "sign-in.olympus.example"}, id="a custom domain"),
    ],
)
def test_all_other_prefix_changes_are_left_to_cloudformation(expected: str, living: dict[str, str]) -> None:
    assert deploy(expected, **living) == []


def test_another_own_domain_is_refused_with_the_steps_to_change_it() -> None:
    with pytest.raises(Refused) as refusal:
        deploy("in.olympus.example", "SignInDomainName", CustomDomain="in.parnassus.example")
    said = str(refusal.value)
    assert said.startswith("infra/stages/trial.yaml: identity.SignInDomainName: the user pool has the domain 'in.parn")
    assert "delete-user-pool-domain --user-pool-id pool1 --domain in.parnassus.example" in said


@pytest.mark.parametrize("living", [{"CustomDomain": "in.olympus.example"}, {"Domain": "olympus"}, {}])
def test_an_own_domain_beside_a_prefix_is_left_to_cloudformation(living: dict[str, str]) -> None:
    assert deploy("in.olympus.example", "SignInDomainName", **living) == []
