"""`chalice local` reads its port from the command line, and refuses a busy port with one message."""

from __future__ import annotations

import socket

import pytest

from local.attach import attach, option_of, port_problem


@pytest.mark.parametrize(
    ("command_line", "port"),
    [
        ("chalice local", "8000"),
        ("chalice local --port 8001", "8001"),
        ("chalice local --no-autoreload --port=8002", "8002"),
        ("chalice local --port", "8000"),
    ],
)
def test_the_port_is_read_from_the_command_line(command_line: str, port: str) -> None:
    assert option_of(command_line.split(), "--port", "8000") == port


@pytest.mark.parametrize("port", ["abc", "", "-1", "65536", "80.5"])
def test_an_invalid_port_is_refused_with_one_message(port: str) -> None:
    problem = port_problem("127.0.0.1", port)
    assert problem == f"GATEHOUSE_LOCAL_PORT: {port!r} is not a port. A port is a number from 1 to 65535."


def test_a_free_port_is_accepted() -> None:
    assert port_problem("127.0.0.1", "0") is None


def test_a_busy_port_ends_chalice_local_with_one_message(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(SystemExit) as left:
            attach(argv=["chalice", "local", "--port", str(port)], environ={})
    assert left.value.code == 1
    assert capsys.readouterr().err == (
        f"Port {port} is in use. To use another port, run `GATEHOUSE_LOCAL_PORT=<port> make local`.\n"
    )
