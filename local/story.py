"""The steps of `make demo`: an explanation, and requests with their expected status."""

import re
from typing import Any

import requests


class PromiseBroken(Exception):
    """A response does not have the expected status."""


class Story:
    """Prints each step, sends its requests and checks their status."""

    def __init__(self, outputs: dict[str, Any]) -> None:
        self._outputs = outputs
        self._http = requests.Session()

    def tell(self, words: str) -> None:
        print(f"\n{words}", flush=True)

    def ask(self, method: str, path: str, token: str | None, expected: int, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        answer = self._http.request(method, self._outputs["api_url"] + path, headers=headers, json=body, timeout=30)
        print(shown(method, path, answer.status_code, answer.text), flush=True)
        if answer.status_code != expected:
            raise PromiseBroken(f"{method} {path} returned {answer.status_code}, expected {expected}")
        return answer.json() if answer.content else None

    def user(self, name: str) -> tuple[str, str]:
        user = self._outputs["users"][name]
        return user["username"], user["password"]


def shown(method: str, path: str, status: int, body: str) -> str:
    """Returns the line of a request: the message of a refusal, or the start of any other answer."""
    message = re.search(r'"message":"([^"]*)"', body) if status >= 400 else None
    return f"    {status}  {f'{method} {path}':14}  {message[1] if message else body[:150]}".rstrip()
