"""What `make run` accepts for ORIGINS and UPSTREAM."""

from __future__ import annotations

import json
import re

import pytest

from infra.errors import Refused
from infra.package import PROJECT
from local.choices import accept_this_machine, chosen_parameters

PATTERN = json.loads((PROJECT / ".chalice/package.json").read_text("utf-8"))["Parameters"]["UpstreamUrl"]


def test_without_a_choice_no_parameter_is_set() -> None:
    assert chosen_parameters("", "") == {}


def test_the_choices_become_parameters_of_the_stage() -> None:
    assert chosen_parameters("http://localhost:5173, https://app.example", "http://127.0.0.1:9000") == {
        "AllowedOrigins": "http://localhost:5173,https://app.example",
        "UpstreamUrl": "http://127.0.0.1:9000",
    }


@pytest.mark.parametrize(
    ("origins", "upstream", "option"),
    [
        ("*", "", "--origins: '\\*'"),
        ("http://app.example", "", "--origins"),
        ("", "https://backend.example", "--upstream"),
        ("", "http://127.0.0.1:9000/base", "--upstream"),
        ("", "http://169.254.169.254:80", "--upstream"),
        ("", "127.0.0.1:9000", "--upstream"),
    ],
)
def test_the_refusal_of_any_other_choice_names_its_option(origins: str, upstream: str, option: str) -> None:
    with pytest.raises(Refused, match=option):
        chosen_parameters(origins, upstream)


def test_only_the_local_template_accepts_a_server_on_this_machine() -> None:
    local = json.loads(accept_this_machine(json.dumps({"Parameters": {"UpstreamUrl": PATTERN}})))
    accepted = {
        url: [bool(re.fullmatch(it["AllowedPattern"], url)) for it in (PATTERN, local["Parameters"]["UpstreamUrl"])]
        for url in ("", "https://backend.example", "http://127.0.0.1:9000", "http://backend.example")
    }
    assert accepted == {
        "": [True, True],
        "https://backend.example": [True, False],
        "http://127.0.0.1:9000": [False, True],
        "http://backend.example": [False, False],
    }
