"""A statement can require a recent sign-in: step-up for the routes that need it."""

from __future__ import annotations

import time

from tests.e2e.clients import Api, UserGroup, unique
from tests.fakes import allow
from tests.tokens.corpus import Pool


def test_an_old_sign_in_is_refused_until_the_user_signs_in_again(
    api: Api, attacked_pool: Pool, user_group: UserGroup, admin: str
) -> None:
    def signed_in(seconds_ago: int) -> str:
        now = int(time.time())
        claims = {"auth_time": now - seconds_ago, "iat": now, "exp": now + 600, "jti": unique("token")}
        return attacked_pool.token({**claims, "cognito:groups": [user_group.name]})

    assert (
        user_group.write([allow("/whoami", sid="step-up", signed_in_within=60), allow("/admin/routes")]).status == 200
    )
    old = signed_in(62)
    assert api.ask("GET", "/whoami", user_group.token).status == 200, "the user has just signed in"
    refused = api.ask("GET", "/whoami", old)
    assert (refused.status, refused.body["code"]) == (403, "sign_in_too_old"), refused
    assert api.ask("GET", "/admin/routes", old).status == 200, "other statements do not depend on the sign-in"
    assert api.ask("GET", "/whoami", signed_in(-3600)).status == 200, "the issue of the token limits the sign-in"

    question = {"method": "GET", "path": "/whoami", "token": old}
    explained = api.ask("POST", "/admin/explain", admin, question).body
    assert (explained["reason"], explained["nearest"]["kind"]) == ("sign_in_too_old", "sign_in")
    body = {"statements": [{**allow("/whoami"), "effect": "Deny", "signed_in_within": 60}]}
    assert api.ask("PUT", user_group.policy_path, admin, body).status == 400, "only an Allow"
