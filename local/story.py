"""The steps of `make demo`: an explanation, and requests with their expected status."""

import time
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
        began = time.monotonic()
        answer = self._http.request(method, self._outputs["api_url"] + path, headers=headers, json=body, timeout=30)
        took = (time.monotonic() - began) * 1000
        print(f"    {method:6} {path:32} {answer.status_code}  {answer.text[:150]}  ({took:.0f} ms)", flush=True)
        if answer.status_code != expected:
            raise PromiseBroken(f"{method} {path} returned {answer.status_code}, expected {expected}")
        return answer.json() if answer.content else None

    def user(self, name: str) -> tuple[str, str]:
        user = self._outputs["users"][name]
        return user["username"], user["password"]
