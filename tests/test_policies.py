"""The policies of this repository have no mistake, and they agree with the reviewed table policies/expected.yaml."""

from pathlib import Path

from app import app
from chalicelib.route_table import read_routes
from chalicelib.stage_rules import NO_RULES
from infra.policy_files import template_outputs
from infra.policy_groups import TEMPLATE, template_groups
from infra.policy_review import Known, review
from infra.policy_table import read_table
from infra.templates import read_yaml
from tests.public_routes import PUBLIC

ROOT = Path(__file__).resolve().parents[1]
IDENTITY = read_yaml(ROOT, TEMPLATE)


def test_the_policies_have_no_mistake_and_agree_with_the_table() -> None:
    known = Known(template_outputs(IDENTITY), template_groups(IDENTITY), TEMPLATE, NO_RULES)
    assert review(ROOT / "policies", IDENTITY, read_routes(app), known) == []


def test_the_table_and_the_tests_list_the_same_public_routes() -> None:
    assert set(read_table(ROOT / "policies").public) == {f"{method} {path}" for method, path in PUBLIC}
