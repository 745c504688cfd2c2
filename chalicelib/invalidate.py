"""Use case: policies changed, the caches follow. Doing it twice does what doing it once does."""

from dataclasses import dataclass

from chalicelib.ports import GatewayCache, Generation


@dataclass(frozen=True, slots=True)
class Invalidate:
    """Makes every authorizer read policies anew.

    The generation is what the guarantee rests on; flushing the gateway's cache only helps where that cache was turned
    on, and comes second, so that a flush which fails leaves the generation counted.
    """

    generation: Generation
    gateway_cache: GatewayCache | None

    def __call__(self) -> int:
        """Give the new generation. Raises CannotDecide, to be tried again."""
        counted = self.generation.bump()
        if self.gateway_cache is not None:
            self.gateway_cache.flush()
        return counted
