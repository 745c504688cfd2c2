"""The review finds every planted mistake of a policy file, and says where it is and what to do."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app import app
from chalicelib.core.route import Authorizer, Route
from chalicelib.route_table import read_routes
from chalicelib.stage_rules import NO_RULES
from infra.package import package_without_dependencies
from infra.packaged_routes import routes_of
from infra.policy_review import Known, review
from tests.configured import RESOURCE_SERVER

SERVER = "https://olympus.example"
READ, WRITE = f"{SERVER}/order.read", f"{SERVER}/order.write"
ROUTES = [
    Route("/", "GET", Authorizer.NONE),
    Route("/admin/policies/{kind}/{name}", "PUT", Authorizer.POLICIES),
    Route("/carts", "GET", Authorizer.SCOPES, (READ,)),
    Route("/orders", "GET", Authorizer.POLICIES),
    Route("/orders", "POST", Authorizer.POLICIES),
    Route("/orders/{id}", "DELETE", Authorizer.POLICIES),
    Route("/orders/{id}", "GET", Authorizer.POLICIES),
    Route("/orders/{id}/items", "GET", Authorizer.POLICIES),
]
TEMPLATE = {
    "Parameters": {"ResourceServerIdentifier": {"Type": "String", "Default": SERVER}},
    "Resources": {
        "ResourceServer": {
            "Type": "AWS::Cognito::UserPoolResourceServer",
            "Properties": {"Scopes": [{"ScopeName": "order.read"}, {"ScopeName": "order.write"}]},
        },
        "Robot": {"Type": "AWS::Cognito::UserPoolClient", "Properties": {"AllowedOAuthScopes": [READ]}},
    },
    "Outputs": {"RobotClientId": {"Value": {"Ref": "Robot"}}, "PoolId": {"Value": {"Ref": "Pool"}}},
}
KNOWN = Known({"RobotClientId": "abc", "PoolId": "p"}, {"admins", "clerks"}, "the user pool", NO_RULES)
FILES = {
    "admins": """
group: admins
statements:
  - {sid: everything, effect: Allow, methods: ["*"], paths: ["/*"]}
""",
    "clerks": """
group: clerks
statements:
  - {sid: list, effect: Allow, methods: [GET, POST], paths: [/orders]}
  - {sid: read, effect: Allow, methods: [GET], paths: [/orders/*/items, /orders/?*]}
""",
    "robot": f"""
client: RobotClientId
statements:
  - {{sid: list, effect: Allow, methods: [GET], paths: [/orders], scopes: ["{READ}"]}}
""",
    "expected": f"""
public: [GET /]
table:
  - {{group: admins, may: everything}}
  - group: clerks
    may: [GET /orders, POST /orders, "GET /orders/{{id}}", "GET /orders/{{id}}/items"]
    may_not: everything else
  - {{client: RobotClientId, may_not: everything}}
  - {{client: RobotClientId, scopes: ["{READ}"], may: [GET /orders], may_not: everything else}}
  - {{scopes: ["{READ}"], may: [GET /carts]}}
  - {{scopes: ["{WRITE}"], may_not: [GET /carts]}}
""",
}
FILES["clerks"] = FILES["clerks"].replace("/orders/*/items, /orders/?*", "/orders/**")

Plant = Callable[[dict[str, str]], object]


def replace(name: str, old: str, new: str) -> Plant:
    def plant(files: dict[str, str]) -> None:
        assert old in files[name]
        files[name] = files[name].replace(old, new)

    return plant


def add(statement: str, name: str = "clerks") -> Plant:
    return lambda files: files.update({name: f"{files[name]}  - {{{statement}}}\n"})


def path(pattern: str, methods: str = "GET") -> Plant:
    return add(f'sid: new, effect: Allow, methods: [{methods}], paths: ["{pattern}"]')


NEW = 'policies/clerks.yaml: statement 3 ("new"): '
TABLE = "policies/expected.yaml: "
MISTAKES = [
    # --- a file that cannot be stored ---
    pytest.param(replace("clerks", "statements:", "statement:"), ["policies/clerks.yaml: expected two fields"], id="1"),
    pytest.param(
        replace("clerks", "group: clerks", "group: [clerks"), ["policies/clerks.yaml: not valid YAML"], id="2"
    ),
    pytest.param(
        replace("clerks", "effect: Allow, methods: [GET]", "effect: allow, methods: [GET]"),
        [
            'policies/clerks.yaml: statement 2 ("read"): effect: expected Allow or Deny, got "allow". Write Allow or'
            " Deny."
        ],
        id="3: an effect in lower case",
    ),
    pytest.param(
        path("/orders", "get"),
        [
            f'{NEW}methods: "get" is neither an HTTP method in upper case nor *. Write methods such as GET in capitals,'
            " or *."
        ],
        id="4: a method in lower case",
    ),
    pytest.param(
        add("sid: list, effect: Deny, methods: [GET], paths: [/orders]"),
        ['policies/clerks.yaml: statements: the sid "list" appears twice. Correct it.'],
        id="5: a sid twice",
    ),
    # --- a pattern that is something else ---
    pytest.param(
        path("/orders/{id}"),
        [f"{NEW}paths: /orders/{{id}} looks like a route's template. Write * for a parameter: /orders/*."],
        id="6: a template",
    ),
    pytest.param(
        path("/.*"),
        [f"{NEW}paths: /.* looks like a regular expression. Write * for any characters, and ? for exactly one."],
        id="7: a regular expression",
    ),
    pytest.param(
        path("/orders/[0-9]+"),
        [
            f"{NEW}paths: /orders/[0-9]+ looks like a regular expression. Write * for any characters, and ? for exactly"
            " one."
        ],
        id="8: a regular expression that cannot be stored",
    ),
    pytest.param(
        path("/orders?x=1"),
        [f"{NEW}paths: /orders?x=1 looks like a query. API Gateway decides without the query. Write /orders."],
        id="9: a query",
    ),
    pytest.param(
        path("orders"), [f"{NEW}paths: orders does not begin with a slash. Write /orders."], id="10: no slash"
    ),
    pytest.param(
        path("https://api.example/orders"),
        [f"{NEW}paths: https://api.example/orders looks like a URL. Write only the path: /orders."],
        id="11: a URL",
    ),
    pytest.param(
        path("/orders/"),
        [f"{NEW}paths: /orders/ ends with a slash. No route ends with a slash. Write /orders."],
        id="12: a slash at the end",
    ),
    # --- a statement that does not do what it says ---
    pytest.param(
        path("/order"), [f"{NEW}paths: /order matches no route. Did you mean /orders?"], id="13: a path without a route"
    ),
    pytest.param(
        path("/nowhere-at-all"),
        [f"{NEW}paths: /nowhere-at-all matches no route. Correct it, or remove it."],
        id="14: a path unlike any route",
    ),
    pytest.param(
        path("/carts"),
        [f"{NEW}paths: policies do not decide on GET /carts. Remove /carts, or change its authorizer."],
        id="15: a route of scopes",
    ),
    pytest.param(
        path("/orders/*", "DELETE, GET"),
        [
            f"{NEW}paths: the * of /orders/* crosses a slash and reaches GET /orders/{{id}}/items. Write /orders/** if"
            " that is intended, or name the paths."
        ],
        id="16: a star that crosses into another route",
    ),
    pytest.param(
        path("/orders", "PUT, DELETE"),
        [f"{NEW}paths: /orders has no route for PUT, DELETE. Correct the methods or the path."],
        id="17: no such method",
    ),
    pytest.param(
        replace("clerks", "methods: [GET, POST]", "methods: [GET, POST, PATCH]"),
        [
            'policies/clerks.yaml: statement 1 ("list"): methods: no route takes PATCH with these paths. Remove it, or'
            " add the path."
        ],
        id="18: one method too many",
    ),
    pytest.param(
        replace(
            "clerks",
            "methods: [GET, POST], paths: [/orders]",
            f'methods: [GET, POST], paths: [/orders], scopes: ["{READ}x"]',
        ),
        [
            f'policies/clerks.yaml: statement 1 ("list"): scopes: the resource server has no scope {READ}x. Did'
            f" you mean {READ}?"
        ],
        id="19: an unknown scope",
    ),
    pytest.param(
        replace("robot", READ, WRITE),
        [
            f'policies/robot.yaml: statement 1 ("list"): scopes: this client cannot be granted {WRITE}. Add it to'
            " AllowedOAuthScopes of the client in infra/identity.yaml, or remove it."
        ],
        id="20: a scope of another client",
    ),
    pytest.param(
        add('sid: new, effect: Deny, methods: ["*"], paths: [/orders]'),
        [
            'policies/clerks.yaml: statement 1 ("list"): it has no effect: statement 3 ("new") denies every request'
            " that it allows."
            " Remove one of them."
        ],
        id="21: an Allow that a Deny overrides",
    ),
    pytest.param(
        path("/orders"),
        [f'{NEW}it has no effect: statement 1 ("list") already covers it. Remove one of them.'],
        id="22: a statement that another one covers",
    ),
    pytest.param(
        add(f'sid: new, effect: Allow, methods: [GET, POST], paths: [/orders], scopes: ["{READ}"]'),
        [f'{NEW}it has no effect: statement 1 ("list") already covers it. Remove one of them.'],
        id="23: the same with a scope",
    ),
    # --- the policies as a whole ---
    pytest.param(
        replace("clerks", "group: clerks", "group: clarks"),
        ["policies/clerks.yaml: group: the user pool has no group 'clarks'. Did you mean 'clerks'?"],
        id="24: an unknown group",
    ),
    pytest.param(
        replace("robot", "RobotClientId", "RobotId"),
        ["policies/robot.yaml: client: got 'RobotId', expected one of the outputs RobotClientId."],
        id="25: an unknown client",
    ),
    pytest.param(
        replace("admins", '"/*"', "/admin/**"),
        [
            "policies/: DELETE /orders/{id}: no policy allows this route. Add a statement to a file, or remove the"
            " route."
        ],
        id="26: a route that nobody may call",
    ),
    pytest.param(
        replace("admins", 'methods: ["*"]', "methods: [GET, POST, DELETE]"),
        ["policies/: no group could change policies through the API. Allow PUT on /admin/policies/* to one group"],
        id="27: no administrator",
    ),
    # --- the table of expected permissions ---
    pytest.param(
        path("/orders/*/items", "GET"),
        [f'{NEW}it has no effect: statement 2 ("read") already covers it. Remove one of them.'],
        id="28",
    ),
    pytest.param(
        replace("clerks", "methods: [GET], paths: [/orders/**]", "methods: [GET, DELETE], paths: [/orders/**]"),
        [
            f"{TABLE}clerks may not DELETE /orders/{{id}} (for example /orders/0), but policies/clerks.yaml allows it:"
            ' statement 2 ("read"). Correct the table or the policy.'
        ],
        id="29: a group may do more than the table says",
    ),
    pytest.param(
        replace("clerks", "[GET, POST]", "[GET]"),
        [f"{TABLE}clerks may POST /orders, but no statement of policies/clerks.yaml allows it. Correct the table"],
        id="30: a group may do less than the table says",
    ),
    pytest.param(
        add("sid: new, effect: Deny, methods: [GET], paths: [/orders/annual]"),
        [
            f"{TABLE}clerks may GET /orders/{{id}} (for example /orders/annual), but policies/clerks.yaml denies it:"
            ' statement 3 ("new"). Correct the table or the policy.'
        ],
        id="31: one path of a route differs from the table",
    ),
    pytest.param(
        replace("robot", f', scopes: ["{READ}"]', ""),
        [f"{TABLE}RobotClientId may not GET /orders, but policies/robot.yaml allows it"],
        id="32: a machine may do more without a scope",
    ),
    pytest.param(
        replace("expected", "POST /orders", "PUT /orders"),
        [
            f"{TABLE}clerks: PUT /orders is not a route on which policies decide. Correct or remove it.",
            f"{TABLE}clerks may not POST /orders, but",
        ],
        id="33: the table names a route that does not exist",
    ),
    pytest.param(
        replace("expected", "{group: admins,", "{group: adminz,"),
        [
            f"{TABLE}entry 1: there is no group 'adminz'. Correct or remove the entry.",
            f"{TABLE}policies/admins.yaml has no entry in the table. Add what its subject may do.",
        ],
        id="34: the table names a group that does not exist",
    ),
    pytest.param(
        replace("expected", "public: [GET /]", "public: []"),
        [f"{TABLE}GET / has no authorizer. Name the authorizer in app.py, or add the route to `public`."],
        id="35: a route is open and not on the public list",
    ),
    pytest.param(
        replace("expected", "public: [GET /]", "public: [GET /, GET /orders]"),
        [f"{TABLE}public: GET /orders has an authorizer. Remove it from this list."],
        id="36: a guarded route is on the public list",
    ),
    pytest.param(
        replace(
            "expected", f'{{scopes: ["{WRITE}"], may_not: [GET /carts]}}', f'{{scopes: ["{WRITE}"], may: [GET /carts]}}'
        ),
        [f"{TABLE}a token with {WRITE} may GET /carts, but the route accepts {READ}. Correct the table or the policy."],
        id="37: a scope that the route does not accept",
    ),
    pytest.param(
        replace("expected", "may: everything", "may: everything else, may_after_recent_sign_in: [POST /orders]"),
        [
            f"{TABLE}admins may POST /orders only after a recent sign-in, but policies/admins.yaml allows it at any age"
            ' of the sign-in: statement 1 ("everything"). Correct the table or the policy.'
        ],
        id="40: no statement requires the recent sign-in",
    ),
    pytest.param(
        replace("expected", "may_not: everything else\n", "may_after_recent_sign_in: ['DELETE /orders/{id}']\n"),
        [
            f"{TABLE}clerks may DELETE /orders/{{id}} (for example /orders/0) only after a recent sign-in, but no"
            " statement of policies/clerks.yaml allows it. Correct the table or the policy."
        ],
        id="41: a request is denied even after a recent sign-in",
    ),
    pytest.param(
        replace("expected", "may_not: [GET /carts]", "may_after_recent_sign_in: [GET /carts]"),
        [f"{TABLE}a token with {WRITE} may GET /carts only after a recent sign-in, but the route accepts {READ}."],
        id="42: scopes have no sign-in",
    ),
    pytest.param(
        lambda files: files.pop("expected"), [f"{TABLE}this file is missing. Create it as"], id="38: no table"
    ),
    pytest.param(
        replace("expected", "may: everything", "my: everything"), [f"{TABLE}entry 1: expected `group`"], id="39: a typo"
    ),
]


def reviewed(folder: Path, files: dict[str, str]) -> list[str]:
    (folder / "policies").mkdir()
    for name, text in files.items():
        (folder / f"policies/{name}.yaml").write_text(text, encoding="utf-8")
    return review(folder / "policies", TEMPLATE, ROUTES, KNOWN)


def test_policies_without_a_mistake_pass(tmp_path: Path) -> None:
    assert reviewed(tmp_path, FILES) == []


def test_the_table_can_require_a_recent_sign_in(tmp_path: Path) -> None:
    files = dict(FILES)
    replace("admins", 'methods: ["*"]', "methods: [GET]")(files)
    files["admins"] += '  - {sid: change, effect: Allow, methods: ["*"], paths: ["/*"], signed_in_within: 900}\n'
    reads = '[GET /orders, "GET /orders/{id}", "GET /orders/{id}/items"]'
    replace("expected", "may: everything", f"may: {reads}, may_after_recent_sign_in: everything else")(files)
    assert reviewed(tmp_path, files) == []


@pytest.mark.parametrize(("plant", "expected"), MISTAKES)
def test_a_planted_mistake_is_found_with_its_place_and_its_remedy(plant: Plant, expected: Any, tmp_path: Path) -> None:
    files = dict(FILES)
    plant(files)
    found = reviewed(tmp_path, files)
    for said in expected:
        assert any(line.startswith(said) for line in found), found
    assert all(line.endswith((".", "?")) for line in found)


def test_the_packaged_routes_are_the_routes_of_the_application(tmp_path: Path) -> None:
    template, _ = package_without_dependencies(tmp_path)
    definition = json.loads(template)["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]
    assert routes_of(definition, RESOURCE_SERVER) == read_routes(app)
