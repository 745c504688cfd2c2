"""One request for each route of the sample, for tests/infra/test_least_privilege.py."""

from collections.abc import Mapping
from typing import Any

REPORT = {"title": "Orders", "body": "many"}
REQUESTS: list[tuple[str, str, Any, Mapping[str, str]]] = [
    ("PUT", "/files/{name}", {"content": "hello"}, {}),
    ("GET", "/files", None, {}),
    ("GET", "/files/{name}", None, {}),
    ("DELETE", "/files/{name}", None, {}),
    ("POST", "/reports", REPORT, {}),
    ("GET", "/reports", None, {}),
    ("GET", "/reports/{id}", None, {}),
    ("PUT", "/reports/{id}", REPORT, {}),
    ("DELETE", "/reports/{id}", None, {}),
]
