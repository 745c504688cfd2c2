"""A browser without a display: keeps cookies, reads forms, follows no redirect by itself. And the local mailbox."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

import requests

if TYPE_CHECKING:
    from tests.local.conftest import Cloud


_TIMEOUT = 20


class Forms(HTMLParser):
    """The forms of a page in their order: their actions and fields. And the links, and every text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.links: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        if tag == "form":
            self.found.append((given["action"], {}))
        if tag == "input":
            self.found[-1][1][given["name"]] = given.get("value", "")
        if tag == "a":
            self.links.append(given["href"])

    def handle_data(self, data: str) -> None:
        self.text += data


@dataclass
class Visitor:
    """One browser with its own cookies."""

    cloud: Cloud
    http: requests.Session = field(default_factory=requests.Session)
    answer: requests.Response = field(default_factory=requests.Response)

    def get(self, path: str, **parameters: str) -> requests.Response:
        """Loads a page. A redirect is followed by `follow`."""
        url = urljoin(self.cloud.url, path)
        self.answer = self.http.get(url, params=parameters, allow_redirects=False, timeout=_TIMEOUT)
        return self.answer

    def follow(self) -> requests.Response:
        """Follows the redirects of the last answer within the cloud."""
        while self.location.startswith("/"):
            self.get(self.location)
        return self.answer

    @property
    def location(self) -> str:
        return self.answer.headers.get("location", "")

    @property
    def page(self) -> Forms:
        return Forms(self.answer.text)

    @property
    def problem(self) -> str:
        """The problem that the page states, or an empty text."""
        found = re.search(r'role="alert">([^<]*)', self.answer.text)
        return found[1] if found else ""

    def form(self, number: int = 0) -> tuple[str, dict[str, str]]:
        return self.page.found[number]

    def submit(self, number: int = 0, /, **filled: str) -> requests.Response:
        """Fills in a form of the page and sends it."""
        action, fields = self.form(number)
        return self.post(action, {**fields, **filled})

    def post(self, path: str, fields: dict[str, str], **options: Any) -> requests.Response:
        url = urljoin(self.cloud.url, path)
        self.answer = self.http.post(url, data=fields, allow_redirects=False, timeout=_TIMEOUT, **options)
        return self.answer


def mail(cloud: Cloud, address: str) -> list[dict[str, Any]]:
    """Returns the e-mails to an address, the newest first."""
    answer = requests.get(f"{cloud.url}/mailbox/messages.json", params={"to": address}, timeout=_TIMEOUT)
    return list(answer.json())


def mailed_code(cloud: Cloud, address: str) -> str:
    """Returns the code of the newest e-mail to an address."""
    return str(re.findall(r"\b\d{6}\b", mail(cloud, address)[0]["text"])[-1])
