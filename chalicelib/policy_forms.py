"""The forms of policies in requests and answers, for the parsers and for the OpenAPI document."""

from typing import Annotated, Literal, NotRequired, TypedDict

from chalicelib.core.policy_json import LONGEST_SIGN_IN, SHORTEST_SIGN_IN
from chalicelib.core.statement import METHODS

MOST_BYTES = 262_144  # of a body with a policy; a policy that fits into an authorizer's result is much smaller


class StatementForm(TypedDict):
    sid: NotRequired[Annotated[str, {"pattern": "^[A-Za-z0-9_.:-]{1,64}$"}]]
    effect: Literal["Allow", "Deny"]
    methods: list[Annotated[str, {"enum": ["*", *METHODS]}]]
    paths: list[str]
    scopes: NotRequired[list[str]]
    signed_in_within: NotRequired[Annotated[int, {"minimum": SHORTEST_SIGN_IN, "maximum": LONGEST_SIGN_IN}]]


class PolicySubject(TypedDict):
    kind: Literal["group", "client"]
