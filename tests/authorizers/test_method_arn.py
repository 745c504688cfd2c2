"""A method ARN is split into its parts for any path. Any other text is refused."""

import pytest

from authorizers.policy_document import split_method_arn
from chalicelib.core.errors import CannotDecide

API = "arn:aws:execute-api:mars-west-1:123456789012:gatehouse1"


@pytest.mark.parametrize(
    ("arn", "parts"),
    [
        pytest.param(f"{API}/v1/GET/reports", (f"{API}/v1/", "GET", "/reports"), id="a path"),
        pytest.param(f"{API}/v1/PUT/reports/7/pages", (f"{API}/v1/", "PUT", "/reports/7/pages"), id="a longer path"),
        pytest.param(f"{API}/v1/GET/a:b/c:d", (f"{API}/v1/", "GET", "/a:b/c:d"), id="colons in the path"),
        pytest.param(f"{API}/v1/GET/a//b/", (f"{API}/v1/", "GET", "/a//b/"), id="repeated slashes are unchanged"),
        pytest.param(f"{API}/v1/GET/", (f"{API}/v1/", "GET", "/"), id="the root"),
        pytest.param(f"{API}/v1/GET", (f"{API}/v1/", "GET", "/"), id="the root without a slash"),
        pytest.param(
            f"{API}/v1/GET/execute-api", (f"{API}/v1/", "GET", "/execute-api"), id="a path with the name of the service"
        ),
        pytest.param(
            "arn:aws-cn:execute-api:cn-north-1:1:api/s/GET/x",
            ("arn:aws-cn:execute-api:cn-north-1:1:api/s/", "GET", "/x"),
            id="China",
        ),
        pytest.param(
            "arn:aws-us-gov:execute-api:us-gov-west-1:1:api/s/GET/x",
            ("arn:aws-us-gov:execute-api:us-gov-west-1:1:api/s/", "GET", "/x"),
            id="AWS GovCloud",
        ),
    ],
)
def test_a_method_arn_is_split(arn: str, parts: tuple[str, str, str]) -> None:
    assert split_method_arn(arn) == parts


def test_the_joined_parts_of_a_method_arn_are_the_method_arn() -> None:
    for path in ("/", "/reports", "/a:b//c/"):
        base, method, same_path = split_method_arn(f"{API}/v1/GET{path}")
        assert f"{base}{method}{same_path}" == f"{API}/v1/GET{path}"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("*", id="a star"),
        pytest.param("/reports", id="a path"),
        pytest.param("arn:aws:execute-api:mars-west-1:123456789012", id="no API"),
        pytest.param(API, id="no stage"),
        pytest.param(f"{API}/v1", id="no method"),
        pytest.param("arn:aws:s3:::bucket/folder/key", id="another service"),
        pytest.param(
            "arn:aws:lambda:mars-west-1:1:function/execute-api/GET/x",
            id="another service with execute-api in its resource",
        ),
    ],
)
def test_text_that_is_not_a_method_arn_raises_cannot_decide(text: str) -> None:
    with pytest.raises(CannotDecide) as failed:
        split_method_arn(text)
    assert failed.value.code == "not_a_method_arn"
