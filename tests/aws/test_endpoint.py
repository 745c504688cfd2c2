"""The address of DynamoDB is the one that botocore chooses, for every region and every variable of the SDKs."""

from __future__ import annotations

from itertools import product

import boto3
import botocore.session
import pytest
from botocore.awsrequest import AWSPreparedRequest
from botocore.endpoint_provider import EndpointProvider
from botocore.exceptions import EndpointProviderError

from chalicelib.aws.endpoint import Endpoint, endpoint_from
from chalicelib.core.errors import InternalError

LOADER = botocore.session.get_session().get_component("data_loader")
PARTITIONS = LOADER.load_data("partitions")
PROVIDER = EndpointProvider(LOADER.load_service_model("dynamodb", "endpoint-rule-set-1"), PARTITIONS)
# `aws-global` and the like stand for services without regions.
REGIONS = sorted(
    name for partition in PARTITIONS["partitions"] for name in partition["regions"] if not name.endswith("-global")
)
UNKNOWN = ["mars-west-1", "cn-mars-9", "us-gov-mars-1", "eusc-de-mars-2", "us-isob-mars-1", "eu-isoe-mars-3"]


def url_and_region(environ: dict[str, str]) -> tuple[str, str]:
    endpoint = endpoint_from(environ)
    assert endpoint is not None
    return f"{'https' if endpoint.is_tls else 'http'}://{endpoint.authority}", endpoint.region


def on(value: bool) -> str:
    return "true" if value else "false"


@pytest.mark.parametrize(("is_fips", "is_dual_stack"), list(product((False, True), repeat=2)))
@pytest.mark.parametrize("region", [*REGIONS, *UNKNOWN])
def test_a_region_has_the_endpoint_of_botocores_rules(region: str, is_fips: bool, is_dual_stack: bool) -> None:
    expected = PROVIDER.resolve_endpoint(Region=region, UseFIPS=is_fips, UseDualStack=is_dual_stack).url
    environ = {
        "AWS_REGION": region,
        "AWS_USE_FIPS_ENDPOINT": on(is_fips),
        "AWS_USE_DUALSTACK_ENDPOINT": on(is_dual_stack),
    }
    assert url_and_region(environ) == (expected, region)


def test_the_comparison_includes_every_partition() -> None:
    assert len(PARTITIONS["partitions"]) >= 8
    assert len(REGIONS) >= 40


GENERAL, OWN = "https://vpce-1.example.com", "https://vpce-2.example.com:8443/"
VARIABLES: dict[str, dict[str, str]] = {
    "no address": {},
    "an address of all services": {"AWS_ENDPOINT_URL": GENERAL},
    "an address of DynamoDB": {"AWS_ENDPOINT_URL_DYNAMODB": OWN},
    "both": {"AWS_ENDPOINT_URL": GENERAL, "AWS_ENDPOINT_URL_DYNAMODB": OWN},
    "both, and ignored": {
        "AWS_ENDPOINT_URL": GENERAL,
        "AWS_ENDPOINT_URL_DYNAMODB": OWN,
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "TRUE",
    },
    "an empty address": {"AWS_ENDPOINT_URL_DYNAMODB": "", "AWS_ENDPOINT_URL": GENERAL},
    "the loopback interface": {"AWS_ENDPOINT_URL": "http://127.0.0.1:4566"},
    "the loopback interface, by IPv6": {"AWS_ENDPOINT_URL": "http://[::1]:4566"},
    "FIPS": {"AWS_USE_FIPS_ENDPOINT": "True"},
    "dual-stack": {"AWS_USE_DUALSTACK_ENDPOINT": "true"},
    "a region in both variables": {"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-central-1"},
}


@pytest.mark.parametrize("variables", VARIABLES.values(), ids=VARIABLES.keys())
def test_the_variables_select_the_endpoint_of_a_client_of_boto3(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    environ = {"AWS_DEFAULT_REGION": "eu-central-1", **variables}
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test")
    client = session.client("dynamodb")
    client.meta.events.register("before-send.dynamodb", stop)
    with pytest.raises(Stopped) as stopped:
        client.list_tables()
    assert url_and_region(environ) == (stopped.value.url.rstrip("/"), client.meta.region_name)


class Stopped(Exception):
    """A request was stopped before botocore sent it."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.url = url


def stop(request: AWSPreparedRequest, **_: object) -> None:
    raise Stopped(request.url)


@pytest.mark.parametrize("switch", ["AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"])
def test_an_address_excludes_fips_and_dual_stack_as_in_botocores_rules(switch: str) -> None:
    with pytest.raises(EndpointProviderError):
        PROVIDER.resolve_endpoint(Region="eu-west-1", Endpoint=OWN, UseFIPS=True)
    with pytest.raises(InternalError, match="AWS_ENDPOINT_URL"):
        endpoint_from({"AWS_REGION": "eu-west-1", "AWS_ENDPOINT_URL": OWN, switch: "true"})


@pytest.mark.parametrize(
    "environ",
    [
        pytest.param({}, id="no region"),
        pytest.param({"AWS_REGION": "local"}, id="a region of the SDKs for tests"),
        pytest.param({"AWS_REGION": "fips-us-east-1"}, id="a region in an old form"),
        pytest.param({"AWS_REGION": "aws-global"}, id="no region of DynamoDB"),
        pytest.param({"AWS_REGION": "eu-west-1.evil.example#"}, id="a region that changes the domain"),
        pytest.param({"AWS_REGION": "eu-west-1\r\nx-evil: 1"}, id="a region with a line break"),
        *(
            pytest.param({"AWS_REGION": "eu-west-1", name: "http://proxy:3128"}, id=name)
            for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "ALL_PROXY")
        ),
        pytest.param({"AWS_REGION": "eu-west-1", "AWS_ACCOUNT_ID": "123456789012"}, id="an endpoint of the account"),
    ],
)
def test_the_sdk_serves_every_other_environment(environ: dict[str, str]) -> None:
    assert endpoint_from(environ) is None


@pytest.mark.parametrize(
    "address",
    [
        "http://dynamodb.example.com",
        "http://127.0.0.1.evil.example",
        "http://localhost.evil.example",
        "ftp://127.0.0.1",
        "file:///etc/passwd",
        "//dynamodb.example.com",
        "https://",
        "https://user:password@dynamodb.example.com",
        "https://dynamodb.example.com/path",
        "https://dynamodb.example.com?query",
        "https://dynamodb.example.com#fragment",
        "https://dynamodb.example.com:port",
        "https://dynamodb.example.com:99999",
        "https://dynamodb .example.com",
        "https://dynamodb\u3002example.com",
    ],
)
def test_an_address_that_could_leak_the_credentials_is_refused(address: str) -> None:
    with pytest.raises(InternalError, match="AWS_ENDPOINT_URL") as failed:
        endpoint_from({"AWS_REGION": "eu-west-1", "AWS_ENDPOINT_URL": address})
    assert failed.value.code == "bad_setting"
    assert "password" not in str(failed.value)


@pytest.mark.parametrize(
    ("endpoint", "authority"),
    [
        (Endpoint(True, "a.example", 443, "r"), "a.example"),
        (Endpoint(True, "a.example", 80, "r"), "a.example:80"),
        (Endpoint(False, "127.0.0.1", 80, "r"), "127.0.0.1"),
        (Endpoint(False, "::1", 4566, "r"), "[::1]:4566"),
    ],
)
def test_the_host_header_names_the_port_unless_it_is_the_usual_one(endpoint: Endpoint, authority: str) -> None:
    assert endpoint.authority == authority
