"""The simulated company: its people, and a provider that checks passwords and serves this machine only."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from infra.identity_template import identity_template
from local.cloud import LocalCloud
from local.company.people import STAFF, Employee, as_users, employees, group_map
from local.company.provider import Company, CompanyFailed, RunningCompany, company_of, settings
from local.company.registration import accept_this_machine
from local.front.federation import saml_metadata
from tests.configured import DEFAULT_GROUP, GROUPS, PROJECT
from tests.ports import free_port, is_open

MASON = Employee("mason", "compass-and-square", ("guild", "lodge"))


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCompany]:
    company = Company(free_port(), tmp_path_factory.mktemp("company"), "http://localhost:4566")
    with company.running([MASON]) as running:
        running.metadata()
        yield running
    assert not is_open(company.port)


@pytest.fixture
def company(running: RunningCompany) -> Company:
    return running.company


def test_each_group_of_the_pool_has_an_employee_and_the_default_group_has_no_company_group() -> None:
    given = [group_map().get(one.groups[-1], DEFAULT_GROUP) for one in employees()]
    assert sorted(given) == sorted(GROUPS)
    assert all(one.groups[0] == STAFF for one in employees())
    assert STAFF not in group_map()


def test_the_outputs_name_users_and_passwords() -> None:
    assert as_users([MASON]) == {"mason": {"username": "mason", "password": "compass-and-square"}}


def test_the_metadata_name_the_provider_and_fit_into_a_parameter(running: RunningCompany) -> None:
    metadata = saml_metadata.read(running.metadata())
    assert metadata.entity_id == f"{running.url}/saml"
    assert metadata.sign_in_url == f"{running.url}/saml/sso"
    assert len(running.metadata()) <= 4096


def test_a_provider_that_ends_is_reported_with_its_log(tmp_path: Path) -> None:
    company = Company(free_port(), tmp_path, "http://localhost:4566")
    with company.running([MASON]) as running:
        running.process.kill()
        running.process.wait()
        with pytest.raises(CompanyFailed, match=str(company.log)):
            running.metadata()


def test_the_keys_and_so_the_metadata_outlive_a_restart(tmp_path: Path) -> None:
    company = Company(free_port(), tmp_path, "http://localhost:4566")
    metadata = []
    for _ in range(2):
        with company.running([MASON]) as running:
            metadata.append(running.metadata())
    assert metadata[0] == metadata[1]


def test_the_api_of_the_provider_mints_no_token_and_answers_no_other_origin(company: Company) -> None:
    minted = requests.post(f"{company.url}/api/users/mason/token", json={}, timeout=10)
    assert minted.status_code in (401, 403)
    answer = requests.get(
        f"{company.url}/.well-known/openid-configuration", headers={"Origin": "https://evil.example"}, timeout=10
    )
    assert "access-control-allow-origin" not in answer.headers
    assert answer.json()["issuer"] == company.url


@pytest.mark.parametrize("path", ["/", "/login", "/api/users", "/api/config", "/settings", "/saml/metadata"])
def test_the_provider_refuses_dns_rebinding(company: Company, path: str) -> None:
    for host, accepted in (
        ("evil.example", False),
        ("localhost.evil.example", False),
        (f"127.0.0.1:{company.port}", True),
    ):
        answer = requests.get(f"{company.url}{path}", headers={"Host": host}, timeout=10)
        assert (answer.status_code == 400) is not accepted


def test_the_password_grant_needs_the_password(company: Company) -> None:
    form = {"grant_type": "password", "client_id": "user-pool", "client_secret": "valid-on-this-machine-only"}
    for password in ("", "wrong"):
        answer = requests.post(f"{company.url}/token", {**form, "username": "mason", "password": password}, timeout=10)
        assert answer.status_code in (400, 401)


def test_the_secrets_of_the_provider_are_new_at_each_start(company: Company) -> None:
    first, second = settings(company)["session"], settings(company)["session"]
    assert first["enforce_password_check"] is True
    assert first["secret_key"] != second["secret_key"]
    assert first["management_secret"] != second["management_secret"]


def test_the_files_of_the_company_are_private(company: Company) -> None:
    for name in ("settings.yaml", "users.yaml"):
        assert (company.folder / name).stat().st_mode & 0o077 == 0


def test_the_company_uses_the_port_of_its_setting_or_the_next_one(tmp_path: Path) -> None:
    cloud = LocalCloud(4566, tmp_path)
    assert company_of(cloud, {}).port == 4567
    assert company_of(cloud, {"GATEHOUSE_COMPANY_PORT": "5000"}).url == "http://localhost:5000"
    for wrong in ("", "0", "65536", "x"):
        with pytest.raises(SystemExit, match="GATEHOUSE_COMPANY_PORT"):
            company_of(cloud, {"GATEHOUSE_COMPANY_PORT": wrong})


def test_only_the_local_template_accepts_an_issuer_on_this_machine() -> None:
    template = identity_template(PROJECT)
    assert "http://localhost:[0-9]+" not in template
    assert accept_this_machine(template).count("http://localhost:[0-9]+") == 2  # SamlMetadataUrl and OidcIssuer
