"""Use case: invalidate cached policies after a change. Idempotent."""

from dataclasses import dataclass

from chalicelib.ports import GatewayCache, Generation


@dataclass(frozen=True, slots=True)
class Invalidate:
    """Makes every authorizer read the policies again.

    The guarantee depends on the generation. Flushing the gateway's cache only helps if that cache is enabled. It comes
    second, so that the generation is incremented even if the flush fails.
    """

    generation: Generation
    gateway_cache: GatewayCache | None

    def __call__(self) -> int:
        """Returns the new generation. Raises InternalError; the caller retries."""
        counted = self.generation.bump()
        if self.gateway_cache is not None:
            self.gateway_cache.flush()
        return counted
