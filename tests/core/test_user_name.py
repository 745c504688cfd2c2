"""The names of users: what a browser accepts as an address, and what Cognito accepts as a name."""

import pytest

from chalicelib.core.user_name import is_address, is_user_name


@pytest.mark.parametrize("address", ["clio@olympus.example", "c.l+io@mail.olympus.example", "O'Neil@xn--e1af.example"])
def test_an_address_is_accepted(address: str) -> None:
    assert is_address(address)


@pytest.mark.parametrize(
    "text",
    [
        *("", "clio", "clio@olympus", "@olympus.example", "a b@olympus.example", '"a"@olympus.example'),
        *("a@b@c.example", "a@b.example\n", "a\r\nBcc: c@d.example", "a\x00@b.example", "a@b.example,c@d.example"),
        *(
            "a@[127.0.0.1]",
            "é@b.example",
            "a@b..example",
            "a@-b.example",
            "a\u202e@b.example",
            f"{'a' * 120}@b.example",
        ),
    ],
)
def test_a_text_that_is_no_address_is_refused(text: str) -> None:
    assert not is_address(text)


@pytest.mark.parametrize("text", ["clio", "Corp_clio@olympus.example", "Corp_OLYMPUS/clio", "équipe"])
def test_a_name_that_cognito_accepts_is_accepted(text: str) -> None:
    assert is_user_name(text)


@pytest.mark.parametrize("text", ["", "a b", "a\n", "u" * 129, "a\u202e", "a\u00a0b"])
def test_a_name_that_cognito_refuses_is_refused(text: str) -> None:
    assert not is_user_name(text)
