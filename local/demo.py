"""`make demo`: the story of Gatehouse in words and real requests. It fails when an answer is not the promised one."""

import secrets
import time
from typing import Any

import requests

from local.sign_in import cognito, machine_token, sign_in, sign_in_by_page


class PromiseBroken(Exception):
    """The system did not answer as the story says."""


class Story:
    """Tells what it does, does it, and checks the answer."""

    def __init__(self, outputs: dict[str, Any]) -> None:
        self._outputs = outputs
        self._http = requests.Session()

    def tell(self, words: str) -> None:
        print(f"\n{words}", flush=True)

    def ask(self, method: str, path: str, token: str | None, promised: int, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        began = time.monotonic()
        answer = self._http.request(method, self._outputs["api_url"] + path, headers=headers, json=body, timeout=30)
        took = (time.monotonic() - began) * 1000
        print(f"    {method:6} {path:32} {answer.status_code}  {answer.text[:150]}  ({took:.0f} ms)", flush=True)
        if answer.status_code != promised:
            raise PromiseBroken(f"{method} {path} answered {answer.status_code} where {promised} was promised")
        return answer.json() if answer.content else None

    def user(self, name: str) -> tuple[str, str]:
        user = self._outputs["users"][name]
        return user["username"], user["password"]


def demo(outputs: dict[str, Any]) -> None:
    """Play the whole story. Raises PromiseBroken."""
    story = Story(outputs)
    _without_token(story)
    _reader(story, outputs)
    _files(story, outputs)
    _newcomer(story, outputs)
    _administrator(story, outputs)
    print("\nAll answers were the promised ones.", flush=True)


def _without_token(story: Story) -> None:
    story.tell("Without a token nobody gets past the gateway, whichever guard stands there.")
    story.ask("GET", "/files", None, 401)
    story.ask("GET", "/reports", None, 401)
    story.ask("GET", "/reports", "not.a.token", 401)


def _reader(story: Story, outputs: dict[str, Any]) -> None:
    story.tell(
        "A reader signs in by password. The policy of the group lets readers read, and says why not when it does not."
    )
    reader = sign_in(outputs, *story.user("reader"))
    story.ask("GET", "/whoami", reader, 200)
    story.ask("GET", "/reports", reader, 200)
    story.ask("POST", "/reports", reader, 403, {"title": "Mine", "body": "..."})
    story.tell("An editor may write.")
    editor = sign_in(outputs, *story.user("editor"))
    report = story.ask("POST", "/reports", editor, 201, {"title": "Third quarter", "body": "All is well."})
    story.ask("GET", f"/reports/{report['id']}", reader, 200)


def _files(story: Story, outputs: dict[str, Any]) -> None:
    read, write = outputs["scopes"]["read"], outputs["scopes"]["write"]
    story.tell(
        "Files are guarded by scopes. A person signs in on the page, with PKCE, and asks for the right to write."
    )
    writer = sign_in_by_page(outputs, *story.user("editor"), scope=f"openid {read} {write}")["access_token"]
    story.ask("PUT", "/files/hello.txt", writer, 200, {"content": "Hello."})
    story.tell("A machine has credentials of its own and the scope to read: it reads, and cannot write.")
    machine = machine_token(outputs, read)
    story.ask("GET", "/files/hello.txt", machine, 200)
    story.ask("PUT", "/files/hello.txt", machine, 401, {"content": "Goodbye."})
    story.tell("Policies reach machines too, by their app client.")
    story.ask("GET", "/reports", machine, 200)
    story.ask("POST", "/reports", machine, 403, {"title": "Mine", "body": "..."})


def _newcomer(story: Story, outputs: dict[str, Any]) -> None:
    address, password = f"newcomer-{secrets.token_hex(4)}@gatehouse.example", "a-long-password-of-mine"
    story.tell(f"A new person signs up as {address}, and confirms the address with the code that was mailed.")
    pool = cognito(outputs)
    attributes = [{"Name": "email", "Value": address}]
    pool.sign_up(ClientId=outputs["web_client_id"], Username=address, Password=password, UserAttributes=attributes)
    # The emulator mails the same code to everyone.
    pool.confirm_sign_up(ClientId=outputs["web_client_id"], Username=address, ConfirmationCode="123456")
    story.tell(f"The trigger has put them into the default group, {outputs['default_group']}: they read at once.")
    newcomer = sign_in(outputs, address, password)
    story.ask("GET", "/whoami", newcomer, 200)
    story.ask("GET", "/reports", newcomer, 200)


def _administrator(story: Story, outputs: dict[str, Any]) -> None:
    reader, admin = sign_in(outputs, *story.user("reader")), sign_in(outputs, *story.user("admin"))
    story.tell("A reader may not administer.")
    story.ask("GET", "/admin/policies/group/readers", reader, 403)
    story.tell("An administrator takes reading away from the readers. The very next request is refused.")
    policy = story.ask("GET", "/admin/policies/group/readers", admin, 200)
    story.ask("GET", "/reports", reader, 200)
    only_whoami = [statement for statement in policy["statements"] if statement["paths"] == ["/whoami"]]
    taken = story.ask("PUT", "/admin/policies/group/readers", admin, 200, {"statements": only_whoami})
    try:
        story.ask("GET", "/reports", reader, 403)
    finally:
        story.tell("The administrator gives it back. The very next request is let in.")
        given = {"statements": policy["statements"], "version": taken["version"]}
        story.ask("PUT", "/admin/policies/group/readers", admin, 200, given)
    story.ask("GET", "/reports", reader, 200)
