"""A user can have no e-mail address, because the user pool requires none. So no decision can depend on it.

A company's provider may send no address. All other users sign in with one (`tests/infra/rules/people.py`, addresses).
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.package import PROJECT
from tests.infra.resolve import Stack
from tests.infra.rules.people import pool

# The first module shows the address of a user, and creates users by their address. The second and the third one search
# for users. The last one lists the claims that a stage cannot set. None of them decides anything by an address.
EXCEPTIONS = {
    PROJECT / "chalicelib/aws/pool_users.py",
    PROJECT / "chalicelib/aws/user_filter.py",
    PROJECT / "chalicelib/core/user_search.py",
    PROJECT / "chalicelib/core/custom_claim.py",
}
SHIPPED = sorted(
    path
    for name in ("app.py", "authorizers", "chalicelib")
    for path in [PROJECT / name, *(PROJECT / name).rglob("*.py")]
)


def words(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.Attribute):
            yield node.attr


@pytest.mark.parametrize(
    "path", [path for path in SHIPPED if path.is_file() and path not in EXCEPTIONS], ids=lambda path: path.name
)
def test_no_module_that_decides_reads_the_email_address(path: Path) -> None:
    assert [word for word in words(path) if word in ("email", "email_verified")] == []


def test_the_user_pool_requires_no_attribute(identity_stack: Stack) -> None:
    assert [it["Name"] for it in pool(identity_stack).properties["Schema"] if it.get("Required")] == []
