"""Use case: decide what an access token contains beyond the protocol: custom claims, and the scopes that remain."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from chalicelib.core.access_token import AccessToken
from chalicelib.core.custom_claim import CustomClaim


@dataclass(frozen=True, slots=True)
class CustomizeTokens:
    """Adds the claims of the stage, and removes scopes that a person's groups do not justify.

    claims        the allow-list: no other claim is written
    scope_groups  scope → the groups whose members keep it in their tokens. Other scopes remain
    """

    claims: tuple[CustomClaim, ...]
    scope_groups: Mapping[str, frozenset[str]]

    def __call__(self, attributes: Mapping[str, str], groups: Collection[str] | None) -> AccessToken:
        """Returns the changes of one access token.

        attributes  of the user; a machine has no attributes
        groups      in the token; None for a machine, whose scopes belong to its app client
        """
        found = ((claim.name, claim.value_for(attributes)) for claim in self.claims)
        claims = {name: value for name, value in found if value is not None}
        if groups is None:
            return AccessToken(claims)
        removed = (scope for scope, allowed in self.scope_groups.items() if allowed.isdisjoint(groups))
        return AccessToken(claims, tuple(removed))
