"""One local cloud for all end-to-end tests, and the tokens of its sample users. It stops after the last test."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from local.sign_in import machine_token, sign_in
from tests.e2e.browser import browser
from tests.e2e.clients import Api, UserGroup, Users
from tests.e2e.cloud import Cloud, start_and_wait
from tests.ports import free_port
from tests.tokens.corpus import Pool

if TYPE_CHECKING:
    from playwright.sync_api import Browser


class Neighbours(NamedTuple):
    """Addresses for which the shared cloud is prepared. A test starts the server that it needs.

    origin         whose pages can call the API; the first allowed one
    second_origin  the other allowed one
    upstream_port  of the server behind /upstream
    """

    origin: str
    second_origin: str
    upstream_port: int


@pytest.fixture(scope="package")
def neighbours() -> Neighbours:
    ports = [free_port() for _ in range(3)]
    return Neighbours(f"http://localhost:{ports[0]}", f"http://localhost:{ports[1]}", ports[2])


@pytest.fixture(scope="package")
def cloud(tmp_path_factory: pytest.TempPathFactory, neighbours: Neighbours) -> Iterator[Cloud]:
    """A running cloud. At the end, it must stop with status 0 and leave no process."""
    origins = f"{neighbours.origin},{neighbours.second_origin}"
    upstream = f"http://127.0.0.1:{neighbours.upstream_port}"
    options = ("--origins", origins, "--upstream", upstream)
    running = start_and_wait(tmp_path_factory.mktemp("shared") / "cloud", options=options)
    try:
        yield running
    finally:
        status = running.interrupt()
    assert status == 0, running.said
    assert running.left_behind() == []


@pytest.fixture(scope="package")
def outputs(cloud: Cloud) -> dict[str, Any]:
    return cloud.outputs


@pytest.fixture(scope="package")
def api(outputs: dict[str, Any]) -> Api:
    return Api(outputs["api_url"])


@pytest.fixture(scope="package")
def users(cloud: Cloud) -> Users:
    return Users(cloud)


@pytest.fixture(scope="package")
def admin(outputs: dict[str, Any]) -> str:
    return sign_in(outputs, **outputs["users"]["admin"])


@pytest.fixture(scope="package")
def reader(outputs: dict[str, Any]) -> str:
    return sign_in(outputs, **outputs["users"]["reader"])


@pytest.fixture(scope="package")
def machine(outputs: dict[str, Any]) -> str:
    return machine_token(outputs, outputs["scopes"]["read"])


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """The browser of all tests. Each test opens a context of its own, with its own cookies and storage."""
    with browser() as started:
        yield started


@pytest.fixture
def new_user_group(api: Api, users: Users, admin: str) -> Iterator[Callable[..., UserGroup]]:
    """Creates groups with one member each. The member can be in further groups. Deletes the policies afterwards."""
    created: list[UserGroup] = []

    def create(*further_groups: str) -> UserGroup:
        name = users.new_group()
        member = users.new(name, *further_groups)
        created.append(UserGroup(name, member, users.token_of(member), api, admin))
        return created[-1]

    yield create
    for user_group in created:
        user_group.delete_policy()


@pytest.fixture
def user_group(new_user_group: Callable[..., UserGroup]) -> UserGroup:
    return new_user_group()


@pytest.fixture(scope="package")
def attacked_pool(cloud: Cloud, outputs: dict[str, Any], reader: str) -> Pool:
    """The user pool with its private key, so that a token can have exactly one fault.

    Shape:  the tokens of a reader, with the scope to read files
    """
    pool_id = outputs["user_pool_id"]
    # ministack stores the key of access tokens beside its state. It creates the key for the first token.
    pem = (cloud.local_cloud.state / f"cognito-pool-keys/{pool_id}-access.pem").read_bytes()
    private_key = load_pem_private_key(pem, password=None)
    assert isinstance(private_key, RSAPrivateKey)
    merchant = cloud.local_cloud.client("cognito-idp").create_user_pool_client(
        UserPoolId=pool_id, ClientName="merchant"
    )
    return Pool(
        issuer=outputs["issuer"],
        client_id=outputs["web_client_id"],
        other_client_id=merchant["UserPoolClient"]["ClientId"],
        kid=jwt.get_unverified_header(reader)["kid"],
        private_key=private_key,
        now=int(time.time()),
        slack=600,
        groups=(outputs["default_group"],),
    )
