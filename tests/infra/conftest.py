"""Reads the templates once for each test session."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from infra.package import PROJECT
from tests.configured import PRIVILEGED_GROUP
from tests.infra import simulated
from tests.infra.packaged import packaged, translated
from tests.infra.resolve import Stack, Template, load
from tests.infra.target import Target

ADMINISTRATOR = "zeus@olympus.example"
IDENTITY = PROJECT / "infra/identity.yaml"


@pytest.fixture(scope="session")
def identity_source() -> dict[str, Any]:
    return load(IDENTITY)


@pytest.fixture(scope="session")
def identity(identity_source: dict[str, Any]) -> Template:
    return Template(identity_source)


@pytest.fixture(scope="session")
def identity_stack(identity: Template) -> Stack:
    """The identity stack with default parameters."""
    return identity.resolve({})


@pytest.fixture(scope="session")
def application_source(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The application's template as packaging writes it."""
    folder: Path = tmp_path_factory.mktemp("application")
    return packaged(folder)


@pytest.fixture(scope="session")
def application(application_source: dict[str, Any]) -> dict[str, Any]:
    """The application's template as the SAM transform writes it."""
    return translated(application_source)


@pytest.fixture(scope="session")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """A stage in a simulated account, with an administrator who has signed in. Tests undo their changes."""
    with simulated.account(tmp_path_factory.mktemp("olympus")) as local_cloud:
        simulated.deploy(local_cloud)
        stage = Target(simulated.STAGE, cache(local_cloud.client))
        zeus = {**stage.pool, "Username": ADMINISTRATOR}
        cognito = stage.client("cognito-idp")
        cognito.admin_create_user(**zeus, MessageAction="SUPPRESS")
        cognito.admin_set_user_password(**zeus, Password="Correct-horse-of-olympus-9", Permanent=True)
        cognito.admin_add_user_to_group(**zeus, GroupName=PRIVILEGED_GROUP)
        yield stage
