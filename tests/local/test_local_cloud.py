"""The settings of the local cloud from the environment."""

import pytest

from app import app
from local.cloud import app_name, from_environment


@pytest.mark.parametrize("port", ["abc", "", "0", "65536", "-1", "45.66"])
def test_an_invalid_port_is_refused_with_one_message(monkeypatch: pytest.MonkeyPatch, port: str) -> None:
    monkeypatch.setenv("GATEHOUSE_PORT", port)
    with pytest.raises(SystemExit, match=r"GATEHOUSE_PORT: .* from 1 to 65535"):
        from_environment()


def test_a_valid_port_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEHOUSE_PORT", "65535")
    assert from_environment().port == 65535


def test_the_prefix_of_function_names_is_the_name_of_the_application() -> None:
    assert app_name() == app.app_name
