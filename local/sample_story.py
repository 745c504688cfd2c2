"""The part of `make demo` that is about the sample: reports, and files that scopes protect."""

from typing import Any

from local.sign_in import machine_token, sign_in, sign_in_by_page
from local.story import Story


def tell(story: Story, outputs: dict[str, Any]) -> None:
    """Plays this part of the story. Raises PromiseBroken."""
    _reports(story, outputs)
    _files(story, outputs)


def _reports(story: Story, outputs: dict[str, Any]) -> None:
    reader, editor = (sign_in(outputs, *story.user(name)) for name in ("reader", "editor"))
    story.tell("A reader cannot write a report. An editor can.")
    story.ask("POST", "/reports", reader, 403, {"title": "Mine", "body": "..."})
    report = story.ask("POST", "/reports", editor, 201, {"title": "Third quarter", "body": "All is well."})
    story.ask("GET", f"/reports/{report['id']}", reader, 200)


def _files(story: Story, outputs: dict[str, Any]) -> None:
    read, write = outputs["scopes"]["read"], outputs["scopes"]["write"]
    story.tell("Scopes protect files. A user signs in on the page, with PKCE, and asks for the scope to write.")
    story.ask("GET", "/files", None, 401)
    writer = sign_in_by_page(outputs, *story.user("editor"), scope=f"openid {read} {write}")["access_token"]
    story.ask("PUT", "/files/hello.txt", writer, 200, {"content": "Hello."})
    story.tell("A machine has its own credentials and the scope to read. It can read, and it cannot write.")
    machine = machine_token(outputs, read)
    story.ask("GET", "/files/hello.txt", machine, 200)
    story.ask("PUT", "/files/hello.txt", machine, 401, {"content": "Goodbye."})
    story.tell("Policies also apply to machines, by their app client.")
    story.ask("GET", "/reports", machine, 200)
    story.ask("POST", "/reports", machine, 403, {"title": "Mine", "body": "..."})
