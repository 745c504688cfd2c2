"""The mailbox of the local cloud: the e-mails that the user pool has sent, for the people at this machine."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any

from local.front.directory import Record
from local.front.http import Request, Response
from local.front.pages.rendering import page

PAGE, LIST = "/mailbox/", "/mailbox/messages.json"
PATHS = (PAGE, PAGE.rstrip("/"), LIST)
_SHOWN = 50
_TAG = re.compile(r"<[^>]*>")


def answer(request: Request, outbox: list[Record]) -> Response:
    """Returns the newest e-mails as a page or as JSON. The parameter `to` selects one recipient."""
    to = request.parameter("to").casefold()
    selected = [mail for mail in outbox if not to or to in (address.casefold() for address in mail["To"])]
    messages = [_message(mail) for mail in selected[:_SHOWN]]
    if request.path != LIST:
        return page("mailbox.html", messages=messages, to=request.parameter("to"), problem="")
    headers = ((b"content-type", b"application/json"), (b"cache-control", b"no-store"))
    # Without a CORS header: a page of another origin must not read the codes.
    return Response(200, json.dumps(messages).encode(), (*headers, (b"x-content-type-options", b"nosniff")))


def _message(mail: Record) -> dict[str, Any]:
    sent = datetime.fromtimestamp(mail["Timestamp"]).astimezone()
    return {
        "to": mail["To"],
        "subject": mail["Subject"],
        "text": mail["BodyText"] or _TAG.sub("", mail["BodyHtml"]),
        "sent": sent.isoformat(timespec="seconds"),
    }
