"""Where the local cloud is to be, as the environment says it."""

import pytest

from local.cloud import app_name, from_environment


@pytest.mark.parametrize("port", ["abc", "", "0", "65536", "-1", "45.66"])
def test_a_port_that_is_none_is_refused_in_a_sentence(monkeypatch: pytest.MonkeyPatch, port: str) -> None:
    monkeypatch.setenv("GATEHOUSE_PORT", port)
    with pytest.raises(SystemExit, match=r"GATEHOUSE_PORT: .* from 1 to 65535"):
        from_environment()


def test_a_port_that_is_one_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEHOUSE_PORT", "65535")
    assert from_environment().port == 65535


def test_functions_are_called_as_the_application_is() -> None:
    assert app_name() == "gatehouse"
