"""The functions logged no token, no secret and no e-mail address while the tests of this folder ran.

This file is the last of the folder, so it reads what all of them caused. It needs no other test.
"""

from __future__ import annotations

import re
from typing import Any

from tests.configured import APP
from tests.e2e.clients import Api
from tests.e2e.cloud import Cloud, wait_for
from tests.e2e.logs import messages

TOKEN = re.compile(r"eyJ[\w-]{10,}\.[\w-]*")  # begins with an encoded JSON object
ADDRESS = re.compile(r"[\w.+-]+(?:@|%(?:25)*40)[\w-]+\.[\w.-]+")


def logged(cloud: Cloud) -> str:
    pages = cloud.local_cloud.client("logs").get_paginator("describe_log_groups").paginate()
    groups = [group["logGroupName"] for page in pages for group in page["logGroups"]]
    ours = [group for group in groups if group.startswith(f"/aws/lambda/{APP}-local")]
    assert len(ours) >= 5, "each function has a log group"
    return "\n".join(line for group in ours for line in messages(cloud.local_cloud, group))


def secrets_of(outputs: dict[str, Any]) -> set[str]:
    passwords = {user["password"] for user in outputs["users"].values()}
    return {outputs["machine_client_secret"], *passwords}


def test_the_logs_contain_no_token_no_secret_and_no_address(
    cloud: Cloud, outputs: dict[str, Any], api: Api, admin: str
) -> None:
    address = "urania@olympus.example"
    assert api.ask("POST", "/admin/users", admin, {"username": address}).status == 201
    assert api.ask("POST", f"/admin/users/{address.replace('@', '%40')}/disable", admin, {}).status == 200
    wait_for(lambda: "user.disable" in logged(cloud), "the action is logged")

    text = logged(cloud)

    assert '"message":"audit"' in text
    assert '"decision":"allowed"' in text
    assert TOKEN.findall(text) == []
    assert sorted(set(ADDRESS.findall(text))) == []
    assert [secret for secret in secrets_of(outputs) if secret in text] == []
