"""The flush empties API Gateway's cache of authorizer results for one stage."""

import pytest

from chalicelib.aws.gateway import StageCache
from chalicelib.core.errors import InternalError
from tests.aws.stubs import stubbed


def test_a_flush_calls_api_gateway_once_for_its_stage() -> None:
    client, stubber = stubbed("apigateway")
    stubber.add_response("flush_stage_authorizers_cache", {}, {"restApiId": "gatehouse1", "stageName": "v1"})
    StageCache(client, "gatehouse1", "v1").flush()
    stubber.assert_no_pending_responses()


@pytest.mark.parametrize("error", ["NotFoundException", "TooManyRequestsException"])
def test_a_failed_flush_raises_an_internal_error(error: str) -> None:
    client, stubber = stubbed("apigateway")
    stubber.add_client_error("flush_stage_authorizers_cache", error)
    with pytest.raises(InternalError) as failed:
        StageCache(client, "gatehouse1", "v1").flush()
    assert failed.value.code == "flush_failed"
