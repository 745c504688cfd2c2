"""One local cloud for all end-to-end tests, and the tokens of its sample users. It ends with the last of these."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from local.sign_in import machine_token, sign_in
from tests.e2e.clients import Api, Guild, People
from tests.e2e.cloud import Cloud, start_and_wait
from tests.tokens.corpus import Pool


@pytest.fixture(scope="package")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A running cloud. At the end, it must stop with status 0 and leave no process."""
    running = start_and_wait(tmp_path_factory.mktemp("shared") / "cloud")
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
def people(cloud: Cloud) -> People:
    return People(cloud)


@pytest.fixture(scope="package")
def admin(outputs: dict[str, Any]) -> str:
    return sign_in(outputs, **outputs["users"]["admin"])


@pytest.fixture(scope="package")
def reader(outputs: dict[str, Any]) -> str:
    return sign_in(outputs, **outputs["users"]["reader"])


@pytest.fixture(scope="package")
def machine(outputs: dict[str, Any]) -> str:
    return machine_token(outputs, outputs["scopes"]["read"])


@pytest.fixture
def new_guild(api: Api, people: People, admin: str) -> Iterator[Callable[..., Guild]]:
    """Creates groups with one member, who can belong to further groups. Deletes their policies afterwards."""
    founded: list[Guild] = []

    def found(*further_groups: str) -> Guild:
        name = people.new_group()
        member = people.new(name, *further_groups)
        founded.append(Guild(name, member, people.token_of(member), api, admin))
        return founded[-1]

    yield found
    for guild in founded:
        guild.dissolve()


@pytest.fixture
def guild(new_guild: Callable[..., Guild]) -> Guild:
    return new_guild()


@pytest.fixture(scope="package")
def attacked(cloud: Cloud, outputs: dict[str, Any], reader: str) -> Pool:
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
