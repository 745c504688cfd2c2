"""Composes the application: its blueprints, the authorizers of its routes, enforcement and error handling.

A route is public, or it names its authorizer. `requires(scope)` is use case 1: the token must carry the scope.
`policy_authorizer` is use case 2: a policy of the caller must allow the request.
"""

import os
from typing import Any, TypedDict

from authorizers import enforcement, policy_names
from authorizers.policy import authorizer_blueprint, policy_authorizer
from chalicelib.admin_routes import admin_blueprint
from chalicelib.api import Api
from chalicelib.describe import describe
from chalicelib.explain_routes import explain_blueprint
from chalicelib.group_routes import groups_blueprint
from chalicelib.openapi_routes import openapi_blueprint
from chalicelib.sample.routes import sample_blueprint
from chalicelib.settings import Settings
from chalicelib.triggers.policy_changed import policy_changed_trigger
from chalicelib.triggers.post_confirmation import post_confirmation_trigger
from chalicelib.triggers.pre_token import pre_token_trigger
from chalicelib.user_routes import users_blueprint

if "AWS_CHALICE_CLI_MODE" in os.environ:  # Chalice's command line imports this module, and not Lambda
    from chalice_cli import prepare

    prepare()

app = Api(app_name="gatehouse", allowed_origins=lambda: Settings(os.environ).allowed_origins)
for blueprint in (authorizer_blueprint, policy_changed_trigger, post_confirmation_trigger, pre_token_trigger):
    app.register_blueprint(blueprint)
app.register_blueprint(admin_blueprint)
app.register_blueprint(explain_blueprint)
app.register_blueprint(users_blueprint)
app.register_blueprint(groups_blueprint)
app.register_blueprint(openapi_blueprint)
app.register_blueprint(sample_blueprint)
enforcement.enforce(app)


class Welcome(TypedDict):
    message: str


class WhoAmI(TypedDict):
    subject: str
    kind: str
    username: str
    client: str
    policies: list[str]


@app.route("/")
@describe(answer=Welcome)
def welcome() -> Any:
    return {"message": "Gatehouse is open. Sign in, and ask /whoami who you are."}


@app.route("/whoami", authorizer=policy_authorizer)
@describe(answer=WhoAmI)
def whoami() -> Any:
    caller = app.request.context["authorizer"]
    return {
        "subject": caller["principalId"],
        "kind": caller["kind"],
        "username": caller["username"],
        "client": caller["client"],
        "policies": policy_names.decode(caller["policies"]),
    }
