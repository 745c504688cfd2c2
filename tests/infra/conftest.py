"""Reads the templates once for each test session."""

from pathlib import Path
from typing import Any

import pytest

from infra.package import PROJECT
from tests.infra.packaged import packaged, translated
from tests.infra.resolve import Stack, Template, load

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
