"""The identity template is sent to CloudFormation without comments and indentation, and with the same content."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from infra.errors import Refused
from infra.identity_template import compact, identity_template, outputs_of_parameters
from infra.policy_groups import TEMPLATE
from infra.stacks import LARGEST_BODY
from infra.templates import parse_yaml, read_yaml
from tests.infra.stages import PROJECT


class _Typed(yaml.SafeLoader):
    """Reads YAML with its types, and each tag of CloudFormation with its operand."""


def _tagged(loader: yaml.SafeLoader, tag: str, node: yaml.Node) -> Any:
    match node:
        case yaml.ScalarNode():
            return tag, loader.construct_scalar(node)
        case yaml.SequenceNode():
            return tag, loader.construct_sequence(node, deep=True)
    assert isinstance(node, yaml.MappingNode)
    return tag, loader.construct_mapping(node, deep=True)


_Typed.add_multi_constructor("!", _tagged)


def typed(text: str) -> Any:
    return yaml.load(text, _Typed)  # noqa: S506  # a safe loader


def test_the_compact_template_has_the_same_content_types_and_tags() -> None:
    text = (PROJECT / TEMPLATE).read_text(encoding="utf-8")
    assert typed(identity_template(PROJECT)) == typed(text)
    assert parse_yaml(identity_template(PROJECT)) == read_yaml(PROJECT, TEMPLATE)


def test_the_compact_template_has_one_line_for_each_resource_and_is_smaller_by_an_eighth() -> None:
    sent, text = identity_template(PROJECT), (PROJECT / TEMPLATE).read_text(encoding="utf-8")
    sections = parse_yaml(text).values()
    assert sent.count("\n") == sum(1 + len(section) if isinstance(section, dict) else 1 for section in sections)
    assert len(sent.encode()) < 7 / 8 * len(text.encode())


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("# why\nPrices:\n  Cart: 3 # coins\n", "Prices:\n  Cart: 3\n"),
        ('On:\n  Mfa: ["ON", ""]\n', 'On:\n  Mfa: ["ON", ""]\n'),
        ('Of:\n  Key: !If\n    - A\n    - !Ref "AWS::NoValue"\n', 'Of:\n  Key: !If [A, !Ref "AWS::NoValue"]\n'),
        # YAML 1.1 allows no colon in an unquoted text between braces.
        ("A:\n  B:\n    Url: https://a.example\n", "A:\n  B: {Url: 'https://a.example'}\n"),
        ("A:\n  B:\n    Body: |\n      1\n      2\n", 'A:\n  B: {Body: "1\\n2\\n"}\n'),
    ],
)
def test_quotes_and_tags_stay_and_comments_go(text: str, sent: str) -> None:
    assert compact(text) == sent
    assert typed(sent) == typed(text)


def test_a_file_without_sections_is_refused() -> None:
    with pytest.raises(Refused, match="expected the sections"):
        compact("# nothing\n")


def test_a_template_that_is_too_large_is_refused_with_its_size() -> None:
    size = len(identity_template(PROJECT).encode())
    with pytest.raises(Refused, match=rf"{TEMPLATE} has {size:,} bytes .* accepts {size - 1:,}\. Shorten"):
        identity_template(PROJECT, largest=size - 1)
    assert identity_template(PROJECT, largest=size)
    assert size < LARGEST_BODY == 51_200


def test_an_output_that_is_the_value_of_a_parameter_is_known_before_the_deployment() -> None:
    given = {"ResourceServerIdentifier": "https://merchants.example"}
    known = outputs_of_parameters(PROJECT, given)
    assert known["ResourceServerIdentifier"] == "https://merchants.example"
    assert "UserPoolId" not in known
