"""Imports run one way: entry points → use cases → core; AWS behind ports; nothing that ships knows what does not.

The rules are `docs/architecture.md`'s. Each is a list of what a part of the system may never import.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

USE_CASES = ("administer", "authorize", "federate", "invalidate", "lru_cache", "onboard", "verify")
PARTS = {
    "core": ("chalicelib/core/*.py",),
    "use cases": (*(f"chalicelib/{name}.py" for name in USE_CASES), "chalicelib/sample/service.py"),
    "ports": ("chalicelib/ports.py",),
    "settings": ("chalicelib/settings.py",),
    "aws": ("chalicelib/aws/*.py", "chalicelib/sample/table.py"),
    "triggers": ("chalicelib/triggers/*.py",),
    "wiring": ("chalicelib/wiring.py", "chalicelib/sample/wiring.py"),
    "api": ("chalicelib/api.py", "chalicelib/request_body.py"),
    "routes": ("chalicelib/admin_routes.py", "chalicelib/sample/__init__.py", "chalicelib/sample/routes.py"),
    "guards": ("authorizers/*.py",),
    "app": ("app.py",),
}
SHIPPED = [path for patterns in PARTS.values() for pattern in patterns for path in sorted(ROOT.glob(pattern))]

# The clock, chance, the environment and everything that reaches outside: what a pure function has no use for.
IMPURE = {
    *("asyncio", "concurrent", "datetime", "glob", "http", "io", "logging", "multiprocessing", "os", "pathlib"),
    *("random", "secrets", "select", "shutil", "signal", "socket", "ssl", "subprocess", "sys", "tempfile"),
    *("threading", "time", "urllib", "uuid"),
}
NEVER_SHIPPED = {"benchmarks", "chalice_cli", "console", "infra", "local", "operations", "tests"}
FRAMEWORKS = {"aws_lambda_powertools", "boto3", "botocore", "chalice"}
THIRD_PARTIES = {*FRAMEWORKS, "cryptography", "jwt"}
ROUTES = ("chalicelib.admin_routes", "chalicelib.sample.routes")
SAMPLE = ("chalicelib.sample.service", "chalicelib.sample.wiring")
SAMPLE_PORT = {f"chalicelib.sample.service.{name}" for name in ("Entry", "Kind")}


def imports(source: str) -> Iterator[tuple[str, str]]:
    """Every name that a module imports, as "package.module.name", and the condition under which it does (or "")."""
    for node, condition in _nodes(ast.parse(source), ""):
        if isinstance(node, ast.Import):
            yield from ((name.name, condition) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports name their package in full"
            yield from ((f"{node.module}.{name.name}", condition) for name in node.names)


def _nodes(node: ast.AST, condition: str) -> Iterator[tuple[ast.AST, str]]:
    yield node, condition
    for field, value in ast.iter_fields(node):
        # only the body of an `if` stands under its condition, and not its `else`
        guarded = ast.unparse(node.test) if isinstance(node, ast.If) and field == "body" else condition
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _nodes(child, guarded)


def reaches(name: str, *packages: str) -> bool:
    return any(f"{name}.".startswith(f"{package}.") for package in packages)


def part_of(path: str) -> str:
    (part,) = (part for part, patterns in PARTS.items() if any(Path(path).match(pattern) for pattern in patterns))
    return part


def forbidden(part: str, name: str, condition: str) -> bool:
    """Whether a module of that part may not import that name."""
    top = name.split(".")[0]
    if top.startswith("mypy_boto3_"):  # not there on Lambda
        return part not in ("aws", "wiring") or condition != "TYPE_CHECKING"
    use_cases = [f"chalicelib.{case}" for case in USE_CASES]
    rules = {
        "core": not reaches(name, "chalicelib.core", "urllib.parse")  # parsing a URL opens no connection
        and (top not in sys.stdlib_module_names or top in IMPURE),
        "use cases": top in FRAMEWORKS
        or reaches(name, "authorizers", "app", "chalicelib.aws", "chalicelib.triggers", "chalicelib.wiring")
        or reaches(name, "chalicelib.settings", "os"),
        "ports": top in THIRD_PARTIES or (top == "chalicelib" and not reaches(name, "chalicelib.core")),
        "settings": top in THIRD_PARTIES or (top == "chalicelib" and not reaches(name, "chalicelib.core")),
        "aws": top == "chalice"
        or reaches(name, "authorizers", "app", "os", "chalicelib.wiring", "chalicelib.triggers", "chalicelib.settings")
        # the port of the sample stands beside its use case
        or (reaches(name, *use_cases, *SAMPLE) and name not in SAMPLE_PORT)
        # decisions are made by use cases, not where things are kept
        or reaches(name, "chalicelib.core.decision", "chalicelib.core.permission_codec", "chalicelib.core.claims"),
        "triggers": reaches(name, "authorizers", "app", "boto3", "botocore", "chalicelib.aws", *use_cases),
        "wiring": top == "chalice"
        or reaches(name, "app", "chalicelib.triggers", *ROUTES)
        # the wiring passes API Gateway's sizes to the use cases
        or (reaches(name, "authorizers") and not reaches(name, "authorizers.policy_document")),
        "api": top in THIRD_PARTIES - {"chalice"} or (top == "chalicelib" and not reaches(name, "chalicelib.core")),
        "routes": top in THIRD_PARTIES - {"chalice"}
        or reaches(name, "app", "os", "chalicelib.aws", "chalicelib.sample.table", "chalicelib.triggers", *use_cases),
        "guards": reaches(name, "app", "boto3", "botocore", "chalicelib.aws", "chalicelib.triggers")
        or (reaches(name, *use_cases) and not reaches(name, "chalicelib.authorize")),
        "app": reaches(name, "boto3", "botocore", "jwt", "chalicelib.aws", "chalicelib.wiring", *use_cases)
        or (reaches(name, "chalicelib.sample") and not reaches(name, *ROUTES)),
    }
    attached = part == "app" and name == "chalice_cli.prepare" and "AWS_CHALICE_CLI_MODE" in condition
    never = (top in NEVER_SHIPPED and not attached) or name.endswith(".Tracer") or "tracing" in name.split(".")
    return rules[part] or never


def offences(path: str, source: str) -> list[str]:
    return [name for name, condition in imports(source) if forbidden(part_of(path), name, condition)]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_that_ships_imports_only_what_its_place_in_the_house_allows(path):
    assert offences(str(path), path.read_text(encoding="utf-8")) == []


def test_every_module_that_ships_has_its_place_in_the_house():
    everything = {ROOT / "app.py", *ROOT.glob("authorizers/**/*.py"), *ROOT.glob("chalicelib/**/*.py")}
    assert everything - set(SHIPPED) == {ROOT / "chalicelib/__init__.py"}


def test_only_the_wiring_knows_both_the_use_cases_and_aws():
    def knows(path: Path, *packages: str) -> bool:
        return any(reaches(name, *packages) for name, _ in imports(path.read_text(encoding="utf-8")))

    use_cases = [f"chalicelib.{case}" for case in USE_CASES]
    assert [path.name for path in SHIPPED if knows(path, *use_cases) and knows(path, "chalicelib.aws")] == ["wiring.py"]


DEPLOYMENT = sorted([ROOT / "manage.py", *ROOT.glob("operations/*.py"), *ROOT.glob("infra/**/*.py")])


@pytest.mark.parametrize("path", DEPLOYMENT, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_deployment_does_without_the_local_cloud(path):
    assert [name for name, _ in imports(path.read_text(encoding="utf-8")) if reaches(name, "local", "tests")] == []


CLI_MODE = '"AWS_CHALICE_CLI_MODE" in os.environ'


@pytest.mark.parametrize(
    ("path", "source"),
    [
        pytest.param("chalicelib/core/policy.py", "import time", id="core reads the clock"),
        pytest.param("chalicelib/core/policy.py", "from datetime import datetime", id="core reads the clock otherwise"),
        pytest.param("chalicelib/core/claims.py", "import os.path", id="core knows the environment"),
        pytest.param("chalicelib/core/claims.py", "import random", id="core throws dice"),
        pytest.param("chalicelib/core/request_path.py", "from urllib.request import urlopen", id="core opens a URL"),
        pytest.param(
            "chalicelib/core/permission_codec.py", "def f():\n    import io", id="core does I/O where nobody looks"
        ),
        pytest.param("chalicelib/core/jws.py", "import jwt", id="core needs a package"),
        pytest.param("chalicelib/core/errors.py", "from chalice.app import ForbiddenError", id="core knows Chalice"),
        pytest.param("chalicelib/core/policy.py", "from chalicelib import ports", id="core knows the ports"),
        pytest.param(
            "chalicelib/core/policy.py", "from chalicelib.authorize import Authorization", id="core knows a use case"
        ),
        pytest.param("chalicelib/authorize.py", "import boto3", id="a use case knows AWS"),
        pytest.param("chalicelib/authorize.py", "from botocore.exceptions import ClientError", id="or its errors"),
        pytest.param("chalicelib/onboard.py", "from chalice.app import Chalice", id="a use case knows Chalice"),
        pytest.param("chalicelib/verify.py", "from chalicelib.aws import jwks", id="a use case knows who serves it"),
        pytest.param("chalicelib/verify.py", "from chalicelib import wiring", id="a use case knows the wiring"),
        pytest.param("chalicelib/administer.py", "from authorizers import policy_document", id="a use case knows ARNs"),
        pytest.param("chalicelib/administer.py", "import os", id="a use case knows the environment"),
        pytest.param(
            "chalicelib/ports.py",
            "from chalicelib.aws.authorization_state import StateTable",
            id="a port knows its server",
        ),
        pytest.param(
            "chalicelib/aws/authorization_state.py", "from chalicelib.core.decision import decide", id="aws decides"
        ),
        pytest.param(
            "chalicelib/aws/authorization_state.py",
            "from chalicelib.authorize import Authorize",
            id="aws knows a use case",
        ),
        pytest.param(
            "chalicelib/sample/table.py", "from chalicelib.sample.service import Service", id="aws knows the service"
        ),
        pytest.param("chalicelib/admin_routes.py", "import boto3", id="a route knows AWS"),
        pytest.param("chalicelib/admin_routes.py", "from chalicelib.administer import Administer", id="or a use case"),
        pytest.param(
            "chalicelib/sample/routes.py", "from chalicelib.sample.table import SampleTable", id="or the sample's table"
        ),
        pytest.param("chalicelib/request_body.py", "from chalicelib import wiring", id="the parser knows the wiring"),
        pytest.param("app.py", "from chalicelib.sample.service import Service", id="the app knows the sample's rules"),
        pytest.param("chalicelib/aws/jwks.py", "from chalicelib.settings import Settings", id="aws knows the settings"),
        pytest.param("chalicelib/triggers/policy_changed.py", "import boto3", id="a trigger knows AWS"),
        pytest.param(
            "authorizers/policy.py", "from chalicelib.aws.authorization_state import StateTable", id="a guard knows AWS"
        ),
        pytest.param("authorizers/policy.py", "def f():\n    import app", id="a guard knows the app"),
        pytest.param("authorizers/policy_document.py", "from tests import fakes", id="a guard knows the tests"),
        pytest.param("app.py", "import jwt", id="the app knows tokens"),
        pytest.param("app.py", "import boto3", id="the app knows AWS"),
        pytest.param("app.py", "from chalice_cli import prepare", id="the app runs the hook always"),
        pytest.param(
            "app.py",
            f"if {CLI_MODE}:\n    pass\nelse:\n    from chalice_cli import prepare",
            id="the app runs the hook on AWS",
        ),
        pytest.param(
            "app.py", f"if {CLI_MODE}:\n    from local.attach import attach", id="the app imports the local cloud"
        ),
        pytest.param(
            "app.py",
            f"if {CLI_MODE}:\n    from infra.direct_deployment import refuse_a_second_api",
            id="the app imports the deploy program",
        ),
        pytest.param(
            "chalicelib/wiring.py", "from authorizers.policy import respond", id="the wiring knows an authorizer"
        ),
        pytest.param("chalicelib/wiring.py", "import infra.stacks", id="the wiring knows the deployment"),
        pytest.param(
            "chalicelib/wiring.py",
            f"if {CLI_MODE}:\n    from chalice_cli import prepare",
            id="the wiring runs the hook",
        ),
        pytest.param("authorizers/enforcement.py", "import benchmarks", id="a guard knows the benchmarks"),
        pytest.param("chalicelib/wiring.py", "from aws_lambda_powertools import Tracer", id="somebody traces"),
        pytest.param("authorizers/policy.py", "import aws_lambda_powertools.tracing", id="somebody traces otherwise"),
        pytest.param(
            "chalicelib/aws/authorization_state.py", "if TYPE_CHECKING:\n    import chalice", id="for its types only"
        ),
        pytest.param(
            "chalicelib/aws/authorization_state.py",
            "import mypy_boto3_dynamodb",
            id="types that are not there on Lambda",
        ),
        pytest.param("chalicelib/api.py", "from chalicelib import wiring", id="the framework knows the wiring"),
    ],
)
def test_an_import_against_the_rules_is_noticed(path, source):
    assert len(offences(path, source)) == 1


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("chalicelib/core/policy.py", "import json, re\nfrom chalicelib.core.errors import InvalidInput"),
        (
            "chalicelib/verify.py",
            "import time\nfrom jwt.algorithms import RSAAlgorithm\nfrom chalicelib.core import jws",
        ),
        (
            "chalicelib/aws/authorization_state.py",
            "if TYPE_CHECKING:\n    from mypy_boto3_dynamodb import DynamoDBClient",
        ),
        ("chalicelib/sample/table.py", "from chalicelib.sample.service import Entry, Kind"),
        ("app.py", "from chalicelib.sample.routes import sample_blueprint"),
        ("app.py", f"if {CLI_MODE}:\n    from chalice_cli import prepare"),
        ("chalicelib/wiring.py", "from authorizers.policy_document import check_size"),
    ],
)
def test_an_import_that_the_rules_allow_is_allowed(path, source):
    assert offences(path, source) == []


def test_an_import_by_a_dot_is_not_allowed_to_hide():
    with pytest.raises(AssertionError, match="in full"):
        list(imports("from . import wiring"))
