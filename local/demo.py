"""`make demo`: shows both use cases with real requests. It fails if a response is not the expected one."""

import secrets
from typing import Any

from infra.package import PROJECT
from infra.policy_files import read_policies, template_outputs
from infra.policy_groups import TEMPLATE
from infra.templates import read_yaml
from local import sample_story
from local.sign_in import cognito, mailed_code, sign_in
from local.story import Story


def demo(outputs: dict[str, Any]) -> None:
    """Plays the whole story. Raises PromiseBroken."""
    story, shown = Story(outputs), shown_path(outputs["default_group"])
    _without_token(story, shown)
    _reader(story, outputs, shown)
    sample_story.tell(story, outputs)
    _newcomer(story, outputs, shown)
    _administrator(story, outputs, shown)
    print("\nAll responses were as expected.", flush=True)


def shown_path(group: str) -> str:
    """Returns the path that the demo requests: the last path without a wildcard that the group may GET."""
    outputs = template_outputs(read_yaml(PROJECT, TEMPLATE))
    policy = next(file for file in read_policies(PROJECT / "policies", outputs) if file.group == group)
    paths = [path for item in policy.statements for path in item["paths"] if "GET" in item["methods"]]
    return str([path for path in paths if not set(path) & set("*?")][-1])


def _without_token(story: Story, shown: str) -> None:
    story.tell("Without a token, the gateway rejects requests to protected routes.")
    story.ask("GET", shown, None, 401)
    story.ask("GET", shown, "not.a.token", 401)


def _reader(story: Story, outputs: dict[str, Any], shown: str) -> None:
    story.tell("A reader signs in with a password. The policy of the group allows reading. A refusal names its reason.")
    reader = sign_in(outputs, *story.user("reader"))
    story.ask("GET", "/whoami", reader, 200)
    story.ask("GET", shown, reader, 200)
    story.ask("POST", "/admin/revocations", reader, 403, {"sub": "another"})


def _newcomer(story: Story, outputs: dict[str, Any], shown: str) -> None:
    address, password = f"newcomer-{secrets.token_hex(4)}@gatehouse.example", "a-long-password-of-mine"
    story.tell(f"A new user signs up as {address}, and confirms the address with the code in the local mailbox.")
    pool = cognito(outputs)
    attributes = [{"Name": "email", "Value": address}]
    pool.sign_up(ClientId=outputs["web_client_id"], Username=address, Password=password, UserAttributes=attributes)
    code = mailed_code(outputs, address)
    pool.confirm_sign_up(ClientId=outputs["web_client_id"], Username=address, ConfirmationCode=code)
    story.tell(f"The trigger has added the user to the default group, {outputs['default_group']}. The user can read.")
    newcomer = sign_in(outputs, address, password)
    story.ask("GET", "/whoami", newcomer, 200)
    story.ask("GET", shown, newcomer, 200)


def _administrator(story: Story, outputs: dict[str, Any], shown: str) -> None:
    reader, admin = sign_in(outputs, *story.user("reader")), sign_in(outputs, *story.user("admin"))
    policy_path = f"/admin/policies/group/{outputs['default_group']}"
    story.tell("A reader cannot call the administration API.")
    story.ask("GET", policy_path, reader, 403)
    story.tell("An administrator removes the right to read from the group. The next request is refused.")
    policy = story.ask("GET", policy_path, admin, 200)
    story.ask("GET", shown, reader, 200)
    others = [statement for statement in policy["statements"] if shown not in statement["paths"]]
    taken = story.ask("PUT", policy_path, admin, 200, {"statements": others})
    try:
        story.ask("GET", shown, reader, 403)
    finally:
        story.tell("The administrator restores the right. The next request is allowed.")
        given = {"statements": policy["statements"], "version": taken["version"]}
        story.ask("PUT", policy_path, admin, 200, given)
    story.ask("GET", shown, reader, 200)
