"""Separates the policy of a function from the policies of its aliases and versions, as AWS does.

Source:  Lambda API Reference, GetPolicy, `Qualifier`: "a version or alias to get the policy for that resource"
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ministack.services import lambda_svc

from local.front.patches import registry


@registry.patches("ministack.services.lambda_svc", "_get_policy")
def _get_policy(
    original: Callable[..., Any], name: str, query: dict[str, Any] | None = None, path_qualifier: str | None = None
) -> Any:
    """Leaves the statements of aliases and versions out of the policy of the function itself."""
    status, headers, body = original(name, query, path_qualifier)
    if status != 200 or lambda_svc._qualifier_from_path_or_query(path_qualifier, query):
        return status, headers, body
    answer = json.loads(body)
    policy, own = json.loads(answer["Policy"]), lambda_svc._func_arn(name)
    statements = [statement for statement in policy["Statement"] if statement["Resource"] == own]
    if not statements:
        return lambda_svc.error_response_json(
            "ResourceNotFoundException", "No policy is associated with the given resource.", 404
        )
    return lambda_svc.json_response({**answer, "Policy": json.dumps({**policy, "Statement": statements})})
