"""Control 2: Cognito cannot require PKCE, so the client must send it."""

import re

from infra.package import PROJECT

SCRIPT = (PROJECT / "console/sign-in.js").read_text(encoding="utf-8")


def asked(script: str) -> dict[str, str]:
    """Returns the parameters that the script sends to the sign-in page."""
    (arguments,) = re.findall(r"visit\(settings\.authorize_url, \{(.+?)\n  \}\)", script, re.DOTALL)
    return dict(re.findall(r"^    (\w+): (.+),$", arguments, re.MULTILINE))


def test_the_console_signs_in_by_code_with_pkce_state_and_nonce() -> None:
    """Source: RFC 9700, 2.1.1 and 4.7."""
    sent = asked(SCRIPT)
    assert (sent["response_type"], sent["code_challenge_method"]) == ('"code"', '"S256"')
    assert sent["code_challenge"] == "challenge"
    assert {sent["state"], sent["nonce"]} == {"pending.state", "pending.nonce"}


def test_the_challenge_is_the_digest_of_a_verifier_made_for_this_sign_in() -> None:
    assert "verifier: randomText()" in SCRIPT
    assert "const challenge = await challengeOf(pending.verifier);" in SCRIPT  # tests/console/ checks the digest
