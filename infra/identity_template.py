"""Reads the identity template in the form that is sent to CloudFormation: without comments and indentation.

CloudFormation accepts a larger template only from a bucket, and the stack itself creates the stage's bucket.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml

from infra.errors import Refused
from infra.expected import parameter_values
from infra.policy_groups import TEMPLATE
from infra.stacks import LARGEST_BODY
from infra.templates import read_yaml

_UNLIMITED = 10**9  # characters of a line
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml, if it is there, needs a twentieth of the time


def identity_template(project: Path, largest: int = LARGEST_BODY) -> str:
    """Returns the compact template. Raises Refused if CloudFormation would not accept it.

    largest  bytes that CloudFormation accepts without a bucket
    """
    template = compact((project / TEMPLATE).read_text(encoding="utf-8"))
    size = len(template.encode())
    if size > largest:
        raise Refused(
            f"Refused: {TEMPLATE} has {size:,} bytes without comments and indentation, and CloudFormation accepts"
            f" {largest:,}. Shorten the descriptions, or move resources that hold no data to .chalice/package.json."
        )
    return template


def outputs_of_parameters(project: Path, given: Mapping[str, str]) -> dict[str, str]:
    """Returns the outputs that are values of parameters. They are known before the stack is deployed."""
    template = read_yaml(project, TEMPLATE)
    values = parameter_values(template["Parameters"], given)
    parameters = {name: output["Value"].get("Ref") for name, output in template["Outputs"].items()}
    return {name: values[parameter] for name, parameter in parameters.items() if parameter in values}


def compact(template: str) -> str:
    """Returns a YAML text with the same content, tags and quotes, and one line for each parameter and each resource."""
    root = yaml.compose(template, _Loader)
    if not isinstance(root, yaml.MappingNode):
        raise Refused(f"{TEMPLATE}: expected the sections of a CloudFormation template.")
    root.flow_style = False  # a text that begins with a brace would be read as JSON
    for _, section in root.value:
        for child in _children(section):
            _on_one_line(child)
    return yaml.serialize(root, Dumper=yaml.SafeDumper, width=_UNLIMITED, allow_unicode=True)


def _on_one_line(node: yaml.Node) -> None:
    if isinstance(node, yaml.CollectionNode):
        node.flow_style = True
    for child in _children(node):
        _on_one_line(child)


def _children(node: yaml.Node) -> Iterator[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        yield from (value for _, value in node.value)
    elif isinstance(node, yaml.SequenceNode):
        yield from node.value
