"""The route of the OpenAPI document. It is public: the document names routes and forms, and nothing of a stage.

It contains no id of a user pool, no app client, no table, no group and no policy.
"""

from typing import Any

from chalice.app import Blueprint

openapi_blueprint = Blueprint(__name__)
_PATH = "/openapi.json"


@openapi_blueprint.route(_PATH)
def openapi() -> Any:
    from chalicelib.openapi import document  # no other request pays for this import

    base_path = openapi_blueprint.current_request.context.get("path", _PATH).removesuffix(_PATH)
    return document(openapi_blueprint.current_app, base_path or "/")
