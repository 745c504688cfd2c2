"""The sample service: every route and its guard, on one page. It knows nothing of tokens, and asks who calls of nobody.

Three kinds of routes: public ones; those of use case 1, which name the scope that a token must carry; and those of use
case 2, for which the policies of the caller's groups decide.
"""

import os
import sys
from dataclasses import asdict
from typing import Any, cast

from chalice.app import Response

from authorizers import enforcement, policy_names
from authorizers.cognito import requires
from authorizers.policy import authorizer_blueprint, policy_authorizer
from chalicelib import wiring
from chalicelib.api import Api, no_content
from chalicelib.core.policy import Policy
from chalicelib.core.policy_json import as_dict
from chalicelib.triggers.policy_changed import policy_changed_trigger
from chalicelib.triggers.post_confirmation import post_confirmation_trigger
from chalicelib.triggers.pre_token import pre_token_trigger

if "AWS_CHALICE_CLI_MODE" in os.environ and "local" in sys.argv:
    # `chalice local` by itself lets anyone in: attach the strict gateway, and the cloud that `make run` started. It
    # does nothing under another command that merely names something local.
    from local.attach import attach

    attach()

if "AWS_CHALICE_CLI_MODE" in os.environ and "deploy" in sys.argv:
    # Chalice knows what is deployed from a file, and without it would make everything a second time.
    from infra.direct_deployment import refuse_a_second_api

    refuse_a_second_api()

app = Api(app_name="gatehouse")
for blueprint in (authorizer_blueprint, policy_changed_trigger, post_confirmation_trigger, pre_token_trigger):
    app.register_blueprint(blueprint)
enforcement.enforce(app)


@app.route("/")
def welcome() -> Any:
    return {"message": "Gatehouse is open. Sign in, and ask /whoami who you are."}


# --- use case 1: a valid token with the scope ---


@app.route("/files", authorizer=requires("file.read"))
def list_files() -> Any:
    return {"files": wiring.service().list_files()}


@app.route("/files/{name}", authorizer=requires("file.read"))
def get_file(name: str) -> Any:
    return wiring.service().get_file(name)


@app.route("/files/{name}", methods=["PUT"], authorizer=requires("file.write"))
def put_file(name: str) -> Any:
    return wiring.service().put_file(name, app.body)


@app.route("/files/{name}", methods=["DELETE"], authorizer=requires("file.write"))
def delete_file(name: str) -> Any:
    wiring.service().delete_file(name)
    return no_content()


# --- use case 2: a valid token, and a policy that allows it ---


@app.route("/whoami", authorizer=policy_authorizer)
def whoami() -> Any:
    caller = app.request.context["authorizer"]
    return {
        "subject": caller["principalId"],
        "kind": caller["kind"],
        "username": caller["username"],
        "client": caller["client"],
        "policies": policy_names.decode(caller["policies"]),
    }


@app.route("/reports", authorizer=policy_authorizer)
def list_reports() -> Any:
    return {"reports": wiring.service().list_reports()}


@app.route("/reports", methods=["POST"], authorizer=policy_authorizer)
def add_report() -> Any:
    return Response(wiring.service().add_report(app.body), status_code=201)


@app.route("/reports/{id}", authorizer=policy_authorizer)
def get_report(id: str) -> Any:
    return wiring.service().get_report(id)


@app.route("/reports/{id}", methods=["PUT"], authorizer=policy_authorizer)
def put_report(id: str) -> Any:
    return wiring.service().put_report(id, app.body)


@app.route("/reports/{id}", methods=["DELETE"], authorizer=policy_authorizer)
def delete_report(id: str) -> Any:
    wiring.service().delete_report(id)
    return no_content()


# --- administration: use case 2 guards itself ---


@app.route("/admin/policies", authorizer=policy_authorizer)
def list_policies() -> Any:
    return {"policies": [shown(policy) for policy in wiring.administer().list_policies()]}


@app.route("/admin/policies/{kind}/{name}", authorizer=policy_authorizer)
def get_policy(kind: str, name: str) -> Any:
    return shown(wiring.administer().get_policy(f"{kind}:{name}"))


@app.route("/admin/policies/{kind}/{name}", methods=["PUT"], authorizer=policy_authorizer)
def put_policy(kind: str, name: str) -> Any:
    return shown(wiring.administer().put_policy(f"{kind}:{name}", app.body, caller_id()))


@app.route("/admin/policies/{kind}/{name}", methods=["DELETE"], authorizer=policy_authorizer)
def delete_policy(kind: str, name: str) -> Any:
    wiring.administer().delete_policy(f"{kind}:{name}", caller_id())
    return no_content()


@app.route("/admin/revocations", authorizer=policy_authorizer)
def list_revocations() -> Any:
    return {"revocations": [asdict(revocation) for revocation in wiring.administer().list_revocations()]}


@app.route("/admin/revocations", methods=["POST"], authorizer=policy_authorizer)
def revoke() -> Any:
    return Response(asdict(wiring.administer().revoke(app.body, caller_id())), status_code=201)


@app.route("/admin/revocations", methods=["DELETE"], authorizer=policy_authorizer)
def lift_revocation() -> Any:
    wiring.administer().lift(app.body)
    return no_content()


# --- what the routes share ---


def caller_id() -> str:
    return cast(str, app.request.context["authorizer"]["principalId"])


def shown(policy: Policy) -> dict[str, Any]:
    return {**asdict(policy), "statements": [as_dict(statement) for statement in policy.statements]}
