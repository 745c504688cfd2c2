"""The local cloud ignores the AWS settings of the shell, and uses no proxy for this machine."""

from __future__ import annotations

import os

import pytest
from requests.utils import should_bypass_proxies

from local.isolation import isolate

PROFILE = {"AWS_PROFILE": "accountant", "AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_CONFIG_FILE": "/home/clerk/aws"}
PROXY = {"HTTP_PROXY": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}


def test_aws_settings_are_removed_and_no_profile_is_read() -> None:
    environ = {**PROFILE, "AWS_CHALICE_CLI_MODE": "true", "HOME": "/home/clerk"}
    isolate(environ)
    assert {name: value for name, value in environ.items() if not name.upper().startswith("NO_")} == {
        "AWS_CHALICE_CLI_MODE": "true",  # a variable of Chalice
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "HOME": "/home/clerk",
    }


@pytest.mark.parametrize("existing", [{}, {"no_proxy": "intranet.example"}, {"NO_PROXY": "intranet.example"}])
def test_a_proxy_is_used_only_for_other_machines(existing: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    environ = {**PROXY, **existing}
    isolate(environ)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert environ.items() >= PROXY.items()
    assert should_bypass_proxies("http://localhost:4566/", None)
    assert should_bypass_proxies("http://127.0.0.1:4566/", None)
    assert not should_bypass_proxies("http://packages.example/", None)


@pytest.mark.parametrize("name", ["no_proxy", "NO_PROXY"])
def test_the_existing_entries_of_no_proxy_are_kept(name: str) -> None:
    environ = {name: "intranet.example"}
    isolate(environ)
    assert environ[name] == "intranet.example,localhost,127.0.0.1"
