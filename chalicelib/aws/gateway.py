"""API Gateway's cache of authorizer results."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.aws.failure_name import failure_name
from chalicelib.core.errors import InternalError

if TYPE_CHECKING:
    from mypy_boto3_apigateway import APIGatewayClient


@dataclass(frozen=True, slots=True)
class StageCache:
    """Implements GatewayCache for one stage of one REST API."""

    client: "APIGatewayClient"
    api_id: str
    stage: str

    def flush(self) -> None:
        """Raises InternalError; the caller retries."""
        try:
            self.client.flush_stage_authorizers_cache(restApiId=self.api_id, stageName=self.stage)
        except (BotoCoreError, ClientError) as error:
            raise InternalError("flush_failed", f"API Gateway: {failure_name(error)}") from None
