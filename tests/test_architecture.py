"""Imports go one way: entry points → use cases → core. Only adapters import AWS. Deployed code imports no tool.

`docs/architecture.md` describes the rules. Each rule lists what the modules of a component must not import.
`tests/import_graph.py` draws all components, and the last tests check their order.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.import_graph import ORDER, circles, component_imports, mermaid, module_imports, read_sources, upward

ROOT = Path(__file__).resolve().parents[1]

PARTS = {
    "core": ("chalicelib/core/*.py",),
    "ports": ("chalicelib/ports.py",),
    "settings": ("chalicelib/settings.py", "chalicelib/environment.py"),
    "metrics": ("chalicelib/metrics.py",),
    "aws": ("chalicelib/aws/*.py", "chalicelib/sample/table.py"),
    "triggers": ("chalicelib/triggers/*.py",),
    "wiring": (
        *("chalicelib/aws_clients.py", "chalicelib/start.py"),
        *("chalicelib/wiring.py", "chalicelib/sample/wiring.py"),
    ),
    "api": (
        *("chalicelib/api.py", "chalicelib/describe.py", "chalicelib/json_schema.py", "chalicelib/openapi.py"),
        *("chalicelib/policy_forms.py", "chalicelib/request_body.py", "chalicelib/route_table.py"),
    ),
    "routes": (
        *("chalicelib/admin_forms.py", "chalicelib/explain_forms.py", "chalicelib/user_forms.py"),
        "chalicelib/admin_routes.py",
        "chalicelib/explain_routes.py",
        "chalicelib/group_routes.py",
        "chalicelib/openapi_routes.py",
        "chalicelib/sample/__init__.py",
        "chalicelib/sample/routes.py",
        "chalicelib/user_routes.py",
    ),
    "authorizers": ("authorizers/*.py",),
    "app": ("app.py",),
}
# A module of chalicelib/ that belongs to no other component is a use case.
_NO_USE_CASES = {name for patterns in PARTS.values() for name in patterns} | {"chalicelib/__init__.py"}
_MODULES = {path.stem: f"chalicelib/{path.name}" for path in sorted(ROOT.glob("chalicelib/*.py"))}
USE_CASES = tuple(name for name, path in _MODULES.items() if path not in _NO_USE_CASES)
PARTS["use cases"] = (*(_MODULES[name] for name in USE_CASES), "chalicelib/sample/service.py")
SHIPPED = [path for patterns in PARTS.values() for pattern in patterns for path in sorted(ROOT.glob(pattern))]

# Modules with side effects: the clock, random numbers, the environment, files and the network.
IMPURE = {
    *("asyncio", "concurrent", "datetime", "glob", "http", "io", "logging", "multiprocessing", "os", "pathlib"),
    *("random", "secrets", "select", "shutil", "signal", "socket", "ssl", "subprocess", "sys", "tempfile"),
    *("threading", "time", "urllib", "uuid"),
}
NEVER_SHIPPED = {"benchmarks", "chalice_cli", "console", "infra", "local", "operations", "tests"}
FRAMEWORKS = {"aws_lambda_powertools", "boto3", "botocore", "chalice"}
THIRD_PARTIES = {*FRAMEWORKS, "cryptography", "jwt"}
ROUTES = (
    *("chalicelib.admin_forms", "chalicelib.explain_forms", "chalicelib.user_forms"),
    *("chalicelib.admin_routes", "chalicelib.explain_routes", "chalicelib.openapi_routes", "chalicelib.sample.routes"),
    *("chalicelib.group_routes", "chalicelib.user_routes"),
)
API = ("chalicelib.environment", "chalicelib.describe", "chalicelib.json_schema", "chalicelib.route_table")
SAMPLE = ("chalicelib.sample.service", "chalicelib.sample.wiring")
SAMPLE_PORT = {f"chalicelib.sample.service.{name}" for name in ("Entry", "Kind")}


def imports(source: str) -> Iterator[tuple[str, str]]:
    """Yields every imported name, such as "package.module.name", and the condition of the import, or ""."""
    for node, condition in _nodes(ast.parse(source), ""):
        if isinstance(node, ast.Import):
            yield from ((name.name, condition) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports name their package in full"
            yield from ((f"{node.module}.{name.name}", condition) for name in node.names)


def _nodes(node: ast.AST, condition: str) -> Iterator[tuple[ast.AST, str]]:
    yield node, condition
    for field, value in ast.iter_fields(node):
        # the condition applies to the body of an `if`, and not to its `else`
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
    """Returns whether a module of that component must not import that name."""
    top = name.split(".")[0]
    if top.startswith("mypy_boto3_"):  # not installed on Lambda
        return part not in ("aws", "wiring") or condition != "TYPE_CHECKING"
    use_cases = [f"chalicelib.{case}" for case in USE_CASES]
    rules = {
        "core": not reaches(name, "chalicelib.core", "urllib.parse")  # parses URLs without opening a connection
        and (top not in sys.stdlib_module_names or top in IMPURE),
        "use cases": top in FRAMEWORKS
        or reaches(name, "authorizers", "app", "chalicelib.aws", "chalicelib.triggers", "chalicelib.wiring")
        or reaches(name, "chalicelib.settings", "chalicelib.environment", "os"),
        "ports": top in THIRD_PARTIES or (top == "chalicelib" and not reaches(name, "chalicelib.core")),
        "settings": top in THIRD_PARTIES
        or (top == "chalicelib" and not reaches(name, "chalicelib.core", "chalicelib.environment")),
        "aws": top == "chalice"
        or reaches(name, "authorizers", "app", "os", "chalicelib.wiring", "chalicelib.triggers", "chalicelib.settings")
        # the module of the sample's use case also defines its port
        or (reaches(name, *use_cases, *SAMPLE) and name not in SAMPLE_PORT)
        # adapters store data; use cases decide
        or reaches(name, "chalicelib.core.decision", "chalicelib.core.permission_codec", "chalicelib.core.claims"),
        "triggers": reaches(name, "authorizers", "app", "boto3", "botocore", "chalicelib.aws", *use_cases),
        "metrics": top in THIRD_PARTIES - {"aws_lambda_powertools"}
        or (top == "chalicelib" and not reaches(name, "chalicelib.core", "chalicelib.ports")),
        "wiring": top == "chalice"
        or reaches(name, "app", "chalicelib.triggers", *ROUTES)
        # the wiring passes API Gateway's sizes to the use cases
        or (reaches(name, "authorizers") and not reaches(name, "authorizers.policy_document")),
        "api": top in THIRD_PARTIES - {"chalice"}
        or (top == "chalicelib" and not reaches(name, "chalicelib.core", *API)),
        "routes": top in THIRD_PARTIES - {"chalice"}
        or reaches(name, "app", "os", "chalicelib.aws", "chalicelib.sample.table", "chalicelib.triggers", *use_cases),
        "authorizers": reaches(name, "app", "boto3", "botocore", "chalicelib.aws", "chalicelib.triggers")
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
def test_a_deployed_module_imports_only_what_its_component_allows(path: Path) -> None:
    assert offences(str(path), path.read_text(encoding="utf-8")) == []


def test_every_deployed_module_belongs_to_a_component() -> None:
    everything = {ROOT / "app.py", *ROOT.glob("authorizers/**/*.py"), *ROOT.glob("chalicelib/**/*.py")}
    assert everything - set(SHIPPED) == {ROOT / "chalicelib/__init__.py"}


def test_only_the_wiring_imports_both_the_use_cases_and_aws() -> None:
    def knows(path: Path, *packages: str) -> bool:
        return any(reaches(name, *packages) for name, _ in imports(path.read_text(encoding="utf-8")))

    use_cases = [f"chalicelib.{case}" for case in USE_CASES]
    assert [path.name for path in SHIPPED if knows(path, *use_cases) and knows(path, "chalicelib.aws")] == ["wiring.py"]


LOCAL_COMMANDS = ROOT / "operations/local_cloud.py"
DEPLOYMENT = sorted(
    {ROOT / "manage.py", *ROOT.glob("operations/**/*.py"), *ROOT.glob("infra/**/*.py")} - {LOCAL_COMMANDS}
)


@pytest.mark.parametrize("path", DEPLOYMENT, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_deploy_program_does_not_import_the_local_cloud(path: Path) -> None:
    assert [name for name, _ in imports(path.read_text(encoding="utf-8")) if reaches(name, "local", "tests")] == []


def test_the_commands_of_the_local_cloud_import_it_only_when_they_run() -> None:
    at_import = [
        ast.unparse(statement)
        for statement in ast.parse(LOCAL_COMMANDS.read_text(encoding="utf-8")).body
        if isinstance(statement, ast.Import | ast.ImportFrom)
    ]
    assert at_import
    assert [line for line in at_import if reaches(line.split()[1], "local", "tests")] == []


CLI_MODE = '"AWS_CHALICE_CLI_MODE" in os.environ'


@pytest.mark.parametrize(
    ("path", "source"),
    [
        pytest.param("chalicelib/core/policy.py", "import time", id="core reads the clock"),
        pytest.param(
            "chalicelib/core/policy.py", "from datetime import datetime", id="core reads the clock with datetime"
        ),
        pytest.param("chalicelib/core/claims.py", "import os.path", id="core reads the environment"),
        pytest.param("chalicelib/core/claims.py", "import random", id="core uses random numbers"),
        pytest.param("chalicelib/core/request_path.py", "from urllib.request import urlopen", id="core opens a URL"),
        pytest.param(
            "chalicelib/core/permission_codec.py", "def f():\n    import io", id="core does I/O in a function"
        ),
        pytest.param("chalicelib/core/jws.py", "import jwt", id="core imports a package"),
        pytest.param("chalicelib/core/errors.py", "from chalice.app import ForbiddenError", id="core imports Chalice"),
        pytest.param("chalicelib/core/policy.py", "from chalicelib import ports", id="core imports the ports"),
        pytest.param(
            "chalicelib/core/policy.py", "from chalicelib.authorize import Authorization", id="core imports a use case"
        ),
        pytest.param("chalicelib/authorize.py", "import boto3", id="a use case imports AWS"),
        pytest.param(
            "chalicelib/authorize.py",
            "from botocore.exceptions import ClientError",
            id="a use case imports the errors of AWS",
        ),
        pytest.param("chalicelib/onboard.py", "from chalice.app import Chalice", id="a use case imports Chalice"),
        pytest.param("chalicelib/verify.py", "from chalicelib.aws import jwks", id="a use case imports its adapter"),
        pytest.param("chalicelib/verify.py", "from chalicelib import wiring", id="a use case imports the wiring"),
        pytest.param(
            "chalicelib/administer.py", "from authorizers import policy_document", id="a use case imports ARNs"
        ),
        pytest.param("chalicelib/administer.py", "import os", id="a use case imports the environment"),
        pytest.param(
            "chalicelib/ports.py",
            "from chalicelib.aws.authorization_state import StateTable",
            id="a port imports its adapter",
        ),
        pytest.param(
            "chalicelib/aws/authorization_state.py",
            "from chalicelib.core.decision import decide",
            id="an adapter imports the decision",
        ),
        pytest.param(
            "chalicelib/aws/authorization_state.py",
            "from chalicelib.authorize import Authorize",
            id="an adapter imports a use case",
        ),
        pytest.param(
            "chalicelib/sample/table.py", "from chalicelib.sample.service import Service", id="aws imports the service"
        ),
        pytest.param("chalicelib/admin_routes.py", "import boto3", id="a route imports AWS"),
        pytest.param(
            "chalicelib/admin_routes.py",
            "from chalicelib.administer import Administer",
            id="a route imports a use case",
        ),
        pytest.param(
            "chalicelib/sample/routes.py",
            "from chalicelib.sample.table import SampleTable",
            id="a route imports the table of the sample",
        ),
        pytest.param("chalicelib/request_body.py", "from chalicelib import wiring", id="the parser imports the wiring"),
        pytest.param(
            "app.py", "from chalicelib.sample.service import Service", id="the app imports the sample's rules"
        ),
        pytest.param(
            "chalicelib/aws/jwks.py", "from chalicelib.settings import Settings", id="aws imports the settings"
        ),
        pytest.param("chalicelib/triggers/policy_changed.py", "import boto3", id="a trigger imports AWS"),
        pytest.param(
            "chalicelib/aws/jwks.py", "from chalicelib.settings import Settings", id="an adapter imports the settings"
        ),
        pytest.param(
            "authorizers/policy.py",
            "from chalicelib.aws.authorization_state import StateTable",
            id="an authorizer imports AWS",
        ),
        pytest.param("authorizers/policy.py", "def f():\n    import app", id="an authorizer imports the app"),
        pytest.param("authorizers/policy_document.py", "from tests import fakes", id="an authorizer imports the tests"),
        pytest.param("app.py", "import jwt", id="the app imports a token library"),
        pytest.param("app.py", "import boto3", id="the app imports AWS"),
        pytest.param("app.py", "from chalice_cli import prepare", id="the app always runs the hook"),
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
            f"if {CLI_MODE}:\n    from infra.trial_configuration import refuse_unconfigured",
            id="the app imports the deploy program",
        ),
        pytest.param(
            "chalicelib/wiring.py", "from authorizers.policy import respond", id="the wiring imports an authorizer"
        ),
        pytest.param("chalicelib/wiring.py", "import infra.stacks", id="the wiring imports the deployment"),
        pytest.param(
            "chalicelib/wiring.py",
            f"if {CLI_MODE}:\n    from chalice_cli import prepare",
            id="the wiring runs the hook",
        ),
        pytest.param("authorizers/enforcement.py", "import benchmarks", id="an authorizer imports the benchmarks"),
        pytest.param("chalicelib/wiring.py", "from aws_lambda_powertools import Tracer", id="a tracing class"),
        pytest.param("authorizers/policy.py", "import aws_lambda_powertools.tracing", id="a tracing module"),
        pytest.param(
            "chalicelib/aws/authorization_state.py",
            "if TYPE_CHECKING:\n    import chalice",
            id="an adapter imports Chalice for its types",
        ),
        pytest.param(
            "chalicelib/aws/authorization_state.py",
            "import mypy_boto3_dynamodb",
            id="types that are not installed on Lambda",
        ),
        pytest.param("chalicelib/api.py", "from chalicelib import wiring", id="the framework imports the wiring"),
    ],
)
def test_a_forbidden_import_is_reported(path: str, source: str) -> None:
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
def test_an_allowed_import_is_not_reported(path: str, source: str) -> None:
    assert offences(path, source) == []


def test_a_relative_import_is_refused() -> None:
    with pytest.raises(AssertionError, match="in full"):
        list(imports("from . import wiring"))


# --- the graph of all components ---

SYSTEM = read_sources()


def test_every_import_between_components_goes_downwards() -> None:
    assert upward(component_imports(SYSTEM)) == []


def test_the_order_contains_every_component() -> None:
    assert component_imports(SYSTEM).keys() <= set(ORDER)


def test_no_two_components_import_each_other() -> None:
    assert circles(component_imports(SYSTEM)) == []


def test_no_two_modules_import_each_other() -> None:
    assert circles(module_imports(SYSTEM)) == []


@pytest.mark.parametrize(
    ("module", "source", "found"),
    [
        ("infra.stacks", "from local.cloud import LocalCloud", ("infra", "local")),
        ("infra.deploy", "from infra.checks import stack", ("infra", "infra/checks")),
        ("infra.deploy", "def deploy():\n    from infra import verify", ("infra", "infra/checks")),
        ("local.run", "import app", ("local", "app.py")),
        ("chalicelib.core.policy", "from chalicelib import ports", ("core", "ports")),
    ],
)
def test_an_upward_import_is_reported(module: str, source: str, found: tuple[str, str]) -> None:
    changed = {**SYSTEM, module: f"{SYSTEM[module]}\n{source}\n"}
    assert found in upward(component_imports(changed))


def test_two_components_that_import_each_other_are_reported() -> None:
    changed = {**SYSTEM, "infra.stacks": "from operations import stages"}
    assert any({"infra", "operations"} <= set(circle) for circle in circles(component_imports(changed)))


def test_two_modules_that_import_each_other_are_reported() -> None:
    changed = {**SYSTEM, "infra.files": "from infra.package import PROJECT"}
    assert any({"infra.files", "infra.package"} <= set(circle) for circle in circles(module_imports(changed)))


def test_the_diagram_shows_an_arrow_only_if_no_other_arrows_imply_it() -> None:
    imports = {"local": {"infra", "core"}, "infra": {"core"}, "core": set()}
    assert mermaid(imports).splitlines()[4:] == ["    local --> infra", "    infra --> core"]
    assert "    local --> core" in mermaid(imports, every_arrow=True).splitlines()
