"""Runs nanoidp as the company's identity provider, which speaks SAML and OIDC."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from infra.files import replace_file
from infra.package import PROJECT
from local.cloud import LocalCloud
from local.company.people import Employee

CLIENT_ID, CLIENT_SECRET = "user-pool", "valid-on-this-machine-only"
_READY_SECONDS = 30


class CompanyFailed(Exception):
    """The company's identity provider did not start. The message names its log."""


@dataclass(frozen=True)
class Company:
    """The company's identity provider.

    port            it listens on this port of the loopback interface
    folder          contains its configuration, its keys and its log
    sign_in_domain  the address of the user pool's sign-in domain
    """

    port: int
    folder: Path
    sign_in_domain: str

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def log(self) -> Path:
        return self.folder / "log"

    @contextmanager
    def running(self, people: Iterable[Employee]) -> Iterator[RunningCompany]:
        """Runs the provider. It also ends when this process is killed, because its standard input then ends."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._write("settings.yaml", settings(self))
        self._write("users.yaml", users(people))
        command = [sys.executable, "-m", "local.company", str(self.port), str(self.folder)]
        with (
            self.log.open("wb") as log,
            subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=log, stderr=log) as process,
        ):
            try:
                yield RunningCompany(self, process)
            finally:
                if process.stdin:
                    process.stdin.close()
                process.wait()

    def _write(self, name: str, content: dict[str, Any]) -> None:
        replace_file(self.folder / name, yaml.safe_dump(content).encode(), mode=0o600)


@dataclass(frozen=True)
class RunningCompany:
    """The provider, which may still be starting."""

    company: Company
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return self.company.url

    def metadata(self) -> str:
        """Returns the SAML metadata, as soon as the provider has started. Raises CompanyFailed."""
        deadline = time.monotonic() + _READY_SECONDS
        while self.process.poll() is None and time.monotonic() < deadline:
            with suppress(OSError), urllib.request.urlopen(f"{self.url}/saml/metadata", timeout=5) as answer:  # noqa: S310 - http
                return str(answer.read().decode())
            time.sleep(0.05)
        raise CompanyFailed(f"The company's identity provider did not start. Its log is {self.company.log}.")


def company_of(cloud: LocalCloud, environ: Mapping[str, str] = os.environ) -> Company:
    """Returns the company of a cloud, on the port GATEHOUSE_COMPANY_PORT. The default is the next port."""
    port = environ.get("GATEHOUSE_COMPANY_PORT", str(cloud.port + 1))
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise SystemExit(f"GATEHOUSE_COMPANY_PORT: {port!r} is not a port. A port is a number from 1 to 65535.")
    return Company(int(port), cloud.folder / "company", cloud.url)


def settings(company: Company) -> dict[str, Any]:
    """Returns nanoidp's settings.yaml. nanoidp is a tool for tests: by default it checks no password."""
    return {
        "config_version": 1,
        "server": {"host": "127.0.0.1", "port": company.port},
        "config_validation": "strict",
        "cors_allowed_origins": [],  # otherwise a web page of any origin could call its API
        "session": {
            "secret_key": secrets.token_urlsafe(32),
            "enforce_password_check": True,
            "management_secret": secrets.token_urlsafe(32),
        },
        "jwt": {"keys_dir": str(company.folder / "keys")},
        "logging": {"verbose_logging": False},
        "oauth": {
            "issuer": company.url,
            "audience": CLIENT_ID,
            "clients": [
                {
                    "client_id": CLIENT_ID,
                    "client_secret": CLIENT_SECRET,
                    "token_endpoint_auth_method": "client_secret_post",
                    "redirect_uris": [f"{company.sign_in_domain}/oauth2/idpresponse"],
                }
            ],
        },
        "saml": {"export_groups": True, "default_acs_url": f"{company.sign_in_domain}/saml2/idpresponse"},
    }


def users(people: Iterable[Employee]) -> dict[str, Any]:
    """Returns nanoidp's users.yaml."""
    described = {
        person.name: {"password": person.password, "email": person.address, "groups": list(person.groups)}
        for person in people
    }
    return {"config_version": 1, "users": described}
