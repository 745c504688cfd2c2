"""Checks the settings: documented defaults, accepted values, and errors that name the setting."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from chalicelib.core.custom_claim import CustomClaim
from chalicelib.core.errors import InternalError
from chalicelib.environment import Setting
from chalicelib.settings import Settings
from operations.reference import SETTINGS_PAGE, settings_table, with_settings
from tests.configured import RESOURCE_SERVER

ATTRIBUTES = {setting.name: attribute for attribute, setting in vars(Settings).items() if isinstance(setting, Setting)}
SETTINGS = {setting.name: setting for setting in vars(Settings).values() if isinstance(setting, Setting)}
PROJECT = Path(__file__).resolve().parents[1]


def value(variable: str, text: str | None = None) -> Any:
    return getattr(Settings({} if text is None else {variable: text}), ATTRIBUTES[variable])


def code(variable: str, text: str | None = None) -> str:
    """Returns `accepted`, or the code with which the value is refused."""
    try:
        value(variable, text)
    except InternalError as failed:
        return failed.code
    return "accepted"


@pytest.mark.parametrize(("variable", "text"), [("ISSUER", ""), ("JWKS_URL", "file:///"), ("REMEMBERED_TOKENS", "ten")])
def test_the_error_of_an_invalid_setting_contains_its_name(variable: str, text: str | None) -> None:
    with pytest.raises(InternalError, match=variable):
        value(variable, text)


@pytest.mark.parametrize(
    ("variable", "default"),
    [
        ("RESOURCE_SERVER", RESOURCE_SERVER),
        ("USER_POOL_ARN", None),
        ("POLICY_STREAM_ARN", None),
        ("AUTHORIZER_CACHE_SECONDS", 0),
        ("POLICY_MAX_STALENESS_SECONDS", 0),
        ("JWKS_MAX_AGE_SECONDS", 3600),
        ("REMEMBERED_TOKENS", 1024),
        ("DEFAULT_GROUPS", ("readers",)),
        ("PRIVILEGED_GROUPS", frozenset({"admins"})),
        ("SSO_PROVIDERS", frozenset()),
        ("GROUP_MAP", {}),
        ("CUSTOM_CLAIMS", ()),
        ("SCOPE_GROUPS", {}),
    ],
)
def test_an_absent_or_empty_setting_has_its_default(variable: str, default: object) -> None:
    assert value(variable) == default


@pytest.mark.parametrize("variable", [name for name, setting in SETTINGS.items() if setting.default is None])
@pytest.mark.parametrize("text", [None, ""], ids=["absent", "empty"])
def test_a_setting_without_a_default_must_be_set(variable: str, text: str | None) -> None:
    assert code(variable, text) == "missing_setting"


@pytest.mark.parametrize("variable", [name for name, setting in SETTINGS.items() if setting.default is not None])
def test_a_default_is_a_valid_value(variable: str) -> None:
    assert value(variable) == value(variable, SETTINGS[variable].default)


@pytest.mark.parametrize(
    ("variable", "text", "expected"),
    [
        ("ISSUER", "https://pool.example", "https://pool.example"),
        ("CLIENT_IDS", "web, machine,,web ", frozenset({"web", "machine"})),
        ("DEFAULT_GROUPS", "visitors,readers", ("readers", "visitors")),
        ("DEFAULT_GROUPS", ",", ()),
        ("DEFAULT_GROUPS", "[]", ()),
        ("DEFAULT_GROUPS", "team:eng, équipe,R&D", ("R&D", "team:eng", "équipe")),
        ("DEFAULT_GROUPS", '["a,b", "readers"]', ("a,b", "readers")),
        ("DEFAULT_GROUPS", "[IT],readers", ("[IT]", "readers")),
        ("DEFAULT_GROUPS", "[1]", ("[1]",)),
        ("PRIVILEGED_GROUPS", '["a,b"]', frozenset({"a,b"})),
        ("PRIVILEGED_GROUPS", "admins,owners", frozenset({"admins", "owners"})),
        ("REMEMBERED_TOKENS", "0", 0),
        ("SSO_PROVIDERS", "Pantheon,Underworld", frozenset({"Pantheon", "Underworld"})),
        ("SSO_PROVIDERS", "", frozenset()),
        ("GROUP_MAP", '{"8f-gods": "admins"}', {"8f-gods": "admins"}),
        ("GROUP_MAP", '{"8f gods": "R&D", "x": "a,b"}', {"8f gods": "R&D", "x": "a,b"}),
        ("CUSTOM_CLAIMS", '{"stage": {"value": "prod"}}', (CustomClaim("stage", value="prod"),)),
        ("SCOPE_GROUPS", '{"api/write": ["a,b", "admins"]}', {"api/write": frozenset({"a,b", "admins"})}),
        ("SCOPE_GROUPS", '{"api/write": []}', {"api/write": frozenset()}),
    ],
)
def test_a_setting_is_parsed(variable: str, text: str | None, expected: object) -> None:
    assert value(variable, text) == expected


@pytest.mark.parametrize(
    ("variable", "minimum", "maximum"),
    [
        (name, *map(int, re.findall(r"(\d+) to (\d+)$", setting.unit)[0]))
        for name, setting in SETTINGS.items()
        if re.search(r"\d+ to \d+$", setting.unit)
    ],
)
def test_a_number_outside_its_range_is_refused(variable: str, minimum: int, maximum: int) -> None:
    assert [code(variable, str(number)) for number in (minimum, maximum)] == ["accepted", "accepted"]
    assert [code(variable, str(number)) for number in (minimum - 1, maximum + 1)] == ["bad_setting", "bad_setting"]


@pytest.mark.parametrize(
    "text", ["gods=admins", "[]", '{"gods": ["admins"]}', '{"gods": ""}', '{"gods": null}', "null"]
)
def test_a_group_map_that_is_not_an_object_of_texts_is_refused(text: str | None) -> None:
    assert code("GROUP_MAP", text) == "bad_setting"


@pytest.mark.parametrize("text", ["{not json", "[]", '{"sub": {"value": "zeus"}}', '{"stage": "prod"}'])
def test_claims_of_another_form_are_refused(text: str) -> None:
    assert code("CUSTOM_CLAIMS", text) == "bad_setting"


@pytest.mark.parametrize(
    "text",
    ["write", "[]", '{"a/b": "admins"}', '{"a/b": [1]}', '{"a/b": ["a b"]}', '{"openid": ["a"]}', '{"a/b c": ["a"]}'],
)
def test_groups_of_scopes_of_another_form_are_refused(text: str) -> None:
    assert code("SCOPE_GROUPS", text) == "bad_setting"


@pytest.mark.parametrize("name", ["", " ", "gods, muses", "CN=gods,OU=olympus"])
def test_an_ambiguous_company_group_name_is_refused(name: str) -> None:
    assert code("GROUP_MAP", json.dumps({name: "editors"})) == "bad_setting"


@pytest.mark.parametrize("name", ["a b", "", " ", "a\n", "\ud800", "g" * 129])
@pytest.mark.parametrize("variable", ["DEFAULT_GROUPS", "PRIVILEGED_GROUPS", "GROUP_MAP"])
def test_an_invalid_group_name_is_refused_and_the_error_names_the_setting(variable: str, name: str) -> None:
    text = json.dumps({"8f-gods": name} if variable == "GROUP_MAP" else [name])
    with pytest.raises(InternalError, match=variable) as refused:
        value(variable, text)
    assert refused.value.code == "bad_setting"


def test_a_group_with_a_space_is_refused_in_a_list_with_commas() -> None:
    assert code("DEFAULT_GROUPS", "readers,a b") == "bad_setting"


@pytest.mark.parametrize("text", ["", " ", "ten", "1.5", "1e3", "+5", "0x10", " 5", "5s"])
@pytest.mark.parametrize("variable", ["AUTHORIZER_CACHE_SECONDS", "REMEMBERED_TOKENS"])
def test_a_value_that_is_not_an_integer_is_refused(variable: str, text: str | None) -> None:
    assert code(variable, text) == "bad_setting"


@pytest.mark.parametrize(
    "url",
    [
        "https://cognito-idp.mars-west-1.amazonaws.com/mars-west-1_Olympus/.well-known/jwks.json",
        "http://localhost:4566/pool/.well-known/jwks.json",
        "http://127.0.0.1:4566/pool/.well-known/jwks.json",
    ],
)
def test_a_jwks_url_may_use_https_or_localhost(url: str) -> None:
    assert value("JWKS_URL", url) == url


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("http://pool.example/jwks.json", id="http"),
        pytest.param("http://localhost.example/jwks.json", id="a host name that starts with localhost"),
        pytest.param("http://localhost@pool.example/jwks.json", id="localhost as user name"),
        pytest.param("http://127.0.0.1.pool.example/jwks.json", id="a host name that starts with 127.0.0.1"),
        pytest.param("http://pool.example/https://localhost", id="localhost in the path"),
        pytest.param("file:///etc/passwd", id="a file"),
        pytest.param("ftp://localhost/jwks.json", id="another protocol"),
        pytest.param("//pool.example/jwks.json", id="no protocol"),
        pytest.param("jwks.json", id="no host"),
        pytest.param("http://[", id="an incomplete URL"),
    ],
)
def test_a_jwks_url_of_another_form_is_refused(url: str) -> None:
    assert code("JWKS_URL", url) == "bad_setting"


def test_the_environment_is_read_at_each_access() -> None:
    environ: dict[str, str] = {}
    settings = Settings(environ)
    environ["ISSUER"] = "https://pool.example"
    assert settings.issuer == "https://pool.example"


def test_the_page_has_the_current_table() -> None:
    page = (PROJECT / SETTINGS_PAGE).read_text(encoding="utf-8")
    assert page == with_settings(page), "the page is not current: run `make docs`"
    assert all(f"| `{name}` |" in settings_table() for name in SETTINGS)


def test_no_other_shipped_module_reads_the_environment() -> None:
    sources = [*PROJECT.glob("authorizers/*.py"), *PROJECT.glob("chalicelib/**/*.py")]
    readers = {
        source.name
        for source in sources
        if re.search(r"os\.environ\b(?!\))|getenv", source.read_text(encoding="utf-8"))
    }
    assert readers == set(), "only settings.py may read the environment"
