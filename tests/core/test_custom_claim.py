"""The allow-list of custom claims accepts no claim of the protocol and no attribute that a user can write."""

from typing import Any

import pytest

from chalicelib.core.custom_claim import PROTECTED, CustomClaim, parse_claims

TENANT = {"attribute": "custom:tenant"}


def test_a_claim_has_the_value_of_an_attribute_or_a_fixed_value() -> None:
    claims = parse_claims(
        {"tenant": TENANT, "stage": {"value": "prod"}, "beta": {"value": False}, "level": {"value": 3}}
    )
    assert claims == (
        CustomClaim("tenant", attribute="custom:tenant"),
        CustomClaim("stage", value="prod"),
        CustomClaim("beta", value=False),
        CustomClaim("level", value=3),
    )
    attributes = {"custom:tenant": "olympus", "custom:rank": "muse"}
    assert [claim.value_for(attributes) for claim in claims] == ["olympus", "prod", False, 3]
    assert [claim.value_for({}) for claim in claims] == [None, "prod", False, 3]


@pytest.mark.parametrize("name", sorted(PROTECTED | {"Sub", "ISS", "Client_Id"}))
def test_a_claim_of_the_protocol_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"^{name}: the protocol defines this claim"):
        parse_claims({name: TENANT})


@pytest.mark.parametrize("name", ["cognito:groups", "custom:tenant", "aws:x", "", "1st", "a b", "a\n", "é", "t" * 65])
def test_a_name_of_another_form_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"expected 1 to 64 letters"):
        parse_claims({name: TENANT})


@pytest.mark.parametrize(
    "attribute", ["email", "sub", "name", "custom:idp_groups", "custom:", "custom:a b", "cognito:user_status", ""]
)
def test_an_attribute_that_a_user_could_write_is_refused(attribute: str) -> None:
    with pytest.raises(ValueError, match=r"^tenant: expected a custom attribute that no user can write"):
        parse_claims({"tenant": {"attribute": attribute}})


@pytest.mark.parametrize(
    "source",
    [
        *("custom:tenant", None, [], {}, {"value": None}, {"value": ["a"]}, {"value": {"a": 1}}, {"value": 1.5}),
        *({"attribute": 7}, {"value": "v" * 257}, {**TENANT, "value": "x"}, {"value": "x", "scope": "y"}),
    ],
    ids=repr,
)
def test_a_source_of_another_form_is_refused(source: Any) -> None:
    with pytest.raises(ValueError, match=r"^tenant: expected \{"):
        parse_claims({"tenant": source})


@pytest.mark.parametrize(
    "value", [[], None, "{}", {f"c{n}": TENANT for n in range(21)}], ids=["list", "null", "text", "21"]
)
def test_a_list_of_claims_of_another_form_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="at most 20 claims"):
        parse_claims(value)
