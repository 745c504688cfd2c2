"""Which texts are origins, and which headers a page of an origin gets."""

import pytest

from chalicelib.core.origin import check_origin, preflight_headers, response_headers

APP, SHOP = "https://app.example", "https://shop.example:8443"
ALLOWED = (APP, SHOP)
FOREIGN = [
    "https://evil.example",
    "https://app.example.evil.example",
    "https://APP.example",
    "https://app.example/",
    "http://app.example",
    "https://app.example:443",
    "https://app.example, https://evil.example",
    "null",
    "*",
    "",
]


@pytest.mark.parametrize("origin", [*ALLOWED, "http://localhost:5173", "http://127.0.0.1"])
def test_an_https_origin_and_an_origin_of_this_machine_are_accepted(origin: str) -> None:
    check_origin(origin)


@pytest.mark.parametrize(
    "text",
    [
        *[origin for origin in FOREIGN if origin != "https://evil.example" and "evil" not in origin],
        "http://localhost.evil.example",
        "https://app.example:",
        "https://user@app.example",
        "https://*.example",
        "https://app..example",
        "https://app.example\n",
        "http://localhost:80",
    ],
)
def test_a_text_that_no_browser_sends_as_an_origin_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not an origin"):
        check_origin(text)


@pytest.mark.parametrize("origin", ALLOWED)
def test_an_allowed_origin_is_named_alone_and_without_credentials(origin: str) -> None:
    assert response_headers(origin, ALLOWED) == {"Access-Control-Allow-Origin": origin, "Vary": "Origin"}
    assert "Access-Control-Allow-Credentials" not in preflight_headers(origin, ALLOWED)
    assert preflight_headers(origin, ALLOWED)["Access-Control-Allow-Headers"].startswith("Authorization")


@pytest.mark.parametrize("origin", FOREIGN)
def test_the_response_to_any_other_origin_names_no_origin_and_no_method(origin: str) -> None:
    assert response_headers(origin, ALLOWED) == preflight_headers(origin, ALLOWED) == {"Vary": "Origin"}


@pytest.mark.parametrize("origin", [APP, *FOREIGN])
def test_without_allowed_origins_there_is_no_header(origin: str) -> None:
    assert response_headers(origin, ()) == preflight_headers(origin, ()) == {}
