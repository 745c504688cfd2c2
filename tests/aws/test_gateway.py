"""API Gateway's memory of decisions is flushed for one stage."""

import pytest

from chalicelib.aws.gateway import StageCache
from chalicelib.core.errors import InternalError
from tests.aws.stubs import stubbed


def test_the_stage_s_cache_is_flushed_by_one_call():
    client, stubber = stubbed("apigateway")
    stubber.add_response("flush_stage_authorizers_cache", {}, {"restApiId": "gatehouse1", "stageName": "v1"})
    StageCache(client, "gatehouse1", "v1").flush()
    stubber.assert_no_pending_responses()


@pytest.mark.parametrize("error", ["NotFoundException", "TooManyRequestsException"])
def test_a_flush_that_failed_is_said_to_have_failed(error):
    client, stubber = stubbed("apigateway")
    stubber.add_client_error("flush_stage_authorizers_cache", error)
    with pytest.raises(InternalError) as failed:
        StageCache(client, "gatehouse1", "v1").flush()
    assert failed.value.code == "flush_failed"
