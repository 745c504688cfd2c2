"""`python -m tests.import_graph`: prints the components and their imports as a Mermaid diagram.

An arrow points from a component to one that it imports. An arrow is omitted if a chain of other arrows implies it.
`--all` prints the omitted arrows too.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ("app.py", "chalice_cli.py", "manage.py", "authorizers", "chalicelib", "infra", "local", "operations")

# From top to bottom. Imports go only downwards, so no two components import each other.
ORDER = (
    "manage.py",
    "operations",
    "app.py",
    "chalice_cli.py",
    "infra/checks",
    "local",
    "infra",
    "sample",
    "routes",
    "triggers",
    "authorizers",
    "wiring",
    "policy document",
    "aws",
    "use cases",
    "metrics",
    "ports",
    "api",
    "settings",
    "core",
)
_TOPS = ("authorizers", "infra", "local", "operations")
_CHALICELIB = {
    **{name: name for name in ("sample", "triggers", "wiring", "aws", "ports", "api", "settings", "core")},
    "admin_routes": "routes",
    "explain_routes": "routes",
    "group_routes": "routes",
    "openapi_routes": "routes",
    "user_routes": "routes",
    "route_table": "api",
    **dict.fromkeys(("aws_clients", "start"), "wiring"),
    **dict.fromkeys(("admin_forms", "explain_forms", "user_forms"), "routes"),
    **dict.fromkeys(("describe", "json_schema", "openapi", "policy_forms", "request_body"), "api"),
    "environment": "settings",
    "metrics": "metrics",
}

Imports = dict[str, set[str]]


def component(module: str) -> str | None:
    """Returns the component of a module, such as `chalicelib.aws.jwks`; None for other packages."""
    top, *below = [*module.split("."), ""]
    if top in ("app", "chalice_cli", "manage"):
        return f"{top}.py"
    if top == "infra" and below[0] in ("checks", "doctor", "verify"):
        return "infra/checks"
    if (top, below[0]) == ("authorizers", "policy_document"):
        return "policy document"  # it imports the core only, and the wiring passes its sizes to the use cases
    if top == "chalicelib" and below[0]:
        return _CHALICELIB.get(below[0], "use cases")
    return top if top in _TOPS else None


def read_sources(root: Path = ROOT) -> dict[str, str]:
    """Returns the source of each module, by the name of the module."""
    paths = [root / name for name in SOURCES]
    files = [path for start in paths for path in (start.rglob("*.py") if start.is_dir() else [start])]
    return {
        ".".join(file.relative_to(root).with_suffix("").parts).removesuffix(".__init__"): file.read_text("utf-8")
        for file in files
    }


def module_imports(sources: Mapping[str, str]) -> Imports:
    """Returns the modules that each module imports. Imports inside functions count."""
    return {name: set(_imported(source, sources)) - {name} for name, source in sources.items()}


def component_imports(sources: Mapping[str, str]) -> Imports:
    """Returns the components that each component imports."""
    imports: Imports = {}
    for module, imported in module_imports(sources).items():
        if importer := component(module):
            found = {part for name in imported if (part := component(name))}
            imports.setdefault(importer, set()).update(found - {importer})
    return imports


def circles(imports: Mapping[str, set[str]]) -> list[list[str]]:
    """Returns the groups of nodes that import each other, directly or through others."""
    reached = {node: _reachable(node, imports) for node in imports}
    found = {frozenset(other for other in reached[node] if node in reached.get(other, set())) for node in imports}
    return sorted(sorted(group) for group in found if group)


def upward(imports: Mapping[str, set[str]], order: Sequence[str] = ORDER) -> list[tuple[str, str]]:
    """Returns the imports that do not go downwards in an order."""
    height = {name: number for number, name in enumerate(order)}
    return sorted((a, b) for a, imported in imports.items() for b in imported if height[b] < height[a])


def mermaid(imports: Mapping[str, set[str]], every_arrow: bool = False) -> str:
    """Returns the diagram, from the highest component to the lowest."""
    names = [name for name in ORDER if name in imports]
    ids = {name: name.replace(".", "_").replace("/", "_").replace(" ", "_") for name in names}
    lines = ["graph TD", *(f'    {ids[name]}["{name}"]' for name in names)]
    for name in names:
        shown = imports[name] if every_arrow else _not_implied(name, imports)
        lines += [f"    {ids[name]} --> {ids[other]}" for other in names if other in shown]
    return "\n".join(lines)


def _imported(source: str, modules: Mapping[str, str]) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names if name.name in modules)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for name in node.names:  # a module of a package, or a name in a module
                inner = f"{node.module}.{name.name}"
                yield from (found for found in (inner if inner in modules else node.module,) if found in modules)


def _reachable(start: str, imports: Mapping[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = list(imports.get(start, ()))
    while waiting:
        node = waiting.pop()
        if node not in found:
            found.add(node)
            waiting += imports.get(node, ())
    return found


def _not_implied(name: str, imports: Mapping[str, set[str]]) -> set[str]:
    implied = set().union(*(_reachable(other, imports) for other in imports[name]))
    return imports[name] - implied


if __name__ == "__main__":
    print(mermaid(component_imports(read_sources()), every_arrow="--all" in sys.argv[1:]))
