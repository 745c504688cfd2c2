"""Passes the parameters of a change set to the SAM transform. ministack passes the defaults of the template.

SAM resolves parameters in some properties itself, such as the cache time of an authorizer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ministack.services.cloudformation import engine

from local.front.patches import registry


@registry.patches("ministack.services.cloudformation.changesets", "_apply_transforms")
def _apply_transforms(
    original: Callable[..., dict[str, Any]], template: dict[str, Any], provided: Any = None, previous: Any = None
) -> dict[str, Any]:
    """Gives the SAM transform the parameters of the change set."""
    if "Parameters" not in template:
        return original(template, provided, previous)
    declared, values = template["Parameters"], engine._transform_parameters(template, provided, previous)
    given = {name: {**item, "Default": values[name]} if name in values else item for name, item in declared.items()}
    transformed = original({**template, "Parameters": given}, provided, previous)
    transformed["Parameters"] = declared
    return transformed
