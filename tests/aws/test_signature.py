"""The signature: AWS's published test vectors, and a comparison with botocore's signer."""

from __future__ import annotations

import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotocoreCredentials
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.aws.credentials import credentials_from
from chalicelib.aws.signature import Credentials, authorization
from chalicelib.core.errors import InternalError
from tests.aws.botocore_signer import botocore_authorization
from tests.strategies import repeatable

# Source:  AWS, "Signature Version 4 test suite" (aws-sig-v4-test-suite), the requests with POST, the path `/` and no
#          query. docs.aws.amazon.com/general → "Signature Version 4 test suite"
EXAMPLE = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
HOST = {"host": "example.amazonaws.com", "x-amz-date": "20150830T123600Z"}
FORM = "application/x-www-form-urlencoded"
TOKEN = (
    "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8"
    "YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE"
    "8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2I"
    "CCR/oLxBA=="
)
VECTORS: dict[str, tuple[dict[str, str], bytes, str]] = {
    "post-vanilla": ({}, b"", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
    "post-header-key-sort": (
        {"my-header1": "value1"},
        b"",
        "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c",
    ),
    "post-header-value-case": (
        {"my-header1": "VALUE1"},
        b"",
        "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d",
    ),
    "post-sts-header-before": (
        {"x-amz-security-token": TOKEN},
        b"",
        "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead",
    ),
    "post-x-www-form-urlencoded": (
        {"content-type": FORM},
        b"Param1=value1",
        "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
    ),
    "post-x-www-form-urlencoded-parameters": (
        {"content-type": f"{FORM}; charset=utf8"},
        b"Param1=value1",
        "1a72ec8f64bd914b0e42e42607c7fbce7fb2c7465f63e3092b3b0d39fa77a6fe",
    ),
}


@pytest.mark.parametrize(("headers", "body", "signature"), VECTORS.values(), ids=VECTORS.keys())
def test_a_request_of_awss_test_suite_has_its_published_signature(
    headers: dict[str, str], body: bytes, signature: str
) -> None:
    signed = {**HOST, **headers}
    names = ";".join(sorted(signed))
    assert authorization(EXAMPLE, "us-east-1", "service", signed, body) == (
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
        f"SignedHeaders={names}, Signature={signature}"
    )


PRINTABLE = st.characters(min_codepoint=33, max_codepoint=126)
KEYS = st.text(PRINTABLE, min_size=1, max_size=60)
# botocore removes outer white space and combines inner white space; so must we.
VALUES = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=60)
# botocore does not sign these headers, or writes them itself.
OMITTED = {"authorization", "expect", "host", "transfer-encoding", "user-agent", "x-amzn-trace-id", "date"}
NAMES = st.from_regex(r"[a-z][a-z0-9-]{0,20}", fullmatch=True).filter(lambda name: name not in OMITTED)


@repeatable
@given(
    key=KEYS,
    secret=KEYS,
    token=st.none() | KEYS,
    region=st.from_regex(r"[a-z]{2}-[a-z]{4,9}-[0-9]", fullmatch=True),
    headers=st.dictionaries(NAMES, VALUES, max_size=5),
    time=st.datetimes().map(lambda t: f"{t.year:04}{t:%m%dT%H%M%SZ}"),
    body=st.binary(max_size=200),
)
def test_a_signature_is_the_one_of_botocore(
    key: str, secret: str, token: str | None, region: str, headers: dict[str, str], time: str, body: bytes
) -> None:
    signed = {**headers, "host": f"dynamodb.{region}.amazonaws.com", "x-amz-date": time}
    if token:
        signed["x-amz-security-token"] = token
    request = AWSRequest("POST", f"https://{signed['host']}/", signed, body)
    expected = botocore_authorization(BotocoreCredentials(key, secret, token), region, time, request)
    assert authorization(Credentials(key, secret, token), region, "dynamodb", signed, body) == expected


# --- the credentials ---

FULL = {"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "token"}


def test_the_credentials_of_the_environment_are_used() -> None:
    assert credentials_from(FULL) == Credentials("AKID", "secret", "token")
    assert credentials_from({**FULL, "AWS_SESSION_TOKEN": ""}) == Credentials("AKID", "secret")


@pytest.mark.parametrize("environ", [{}, {"AWS_ACCESS_KEY_ID": ""}, {"AWS_SECRET_ACCESS_KEY": "secret"}])
def test_an_environment_without_credentials_has_none(environ: dict[str, str]) -> None:
    assert credentials_from(environ) is None


def test_an_access_key_without_a_secret_is_refused() -> None:
    with pytest.raises(InternalError, match="AWS_SECRET_ACCESS_KEY") as failed:
        credentials_from({"AWS_ACCESS_KEY_ID": "AKIDOLYMPUS"})
    assert "AKIDOLYMPUS" not in str(failed.value)


@pytest.mark.parametrize("name", FULL)
@pytest.mark.parametrize("mark", ["\r\nx-evil: 1", "\n", "\x00", "é", "\u2028", "\x7f"], ids=ascii)
def test_credentials_that_do_not_fit_into_a_header_are_refused_without_their_text(name: str, mark: str) -> None:
    with pytest.raises(InternalError) as failed:
        credentials_from({**FULL, name: f"hidden{mark}"})
    assert failed.value.code == "bad_credentials"
    assert "hidden" not in f"{failed.value} {failed.value!r} {failed.value.__cause__} {failed.value.__context__}"


def test_the_text_of_credentials_shows_no_part_of_them() -> None:
    shown = f"{credentials_from(FULL)!r} {credentials_from(FULL)}"
    assert not [value for value in FULL.values() if value in shown.replace("Credentials", "")]
