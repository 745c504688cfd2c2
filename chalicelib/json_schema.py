"""Translates Python types into JSON Schema 2020-12: the types that describe JSON in this repository.

TypedDict and dataclasses become closed objects: a body or an answer has no field that the document does not name.
`Annotated[T, {"maxLength": 256}]` adds keywords.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Literal,
    NotRequired,
    Required,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from chalicelib.describe import required_fields

Schema = dict[str, Any]
_PLAIN: Mapping[Any, Schema] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    NoneType: {"type": "null"},
    Any: {},
}
_LISTS = (list, tuple, set, frozenset, Sequence, Collection)
_REFERENCE = "#/components/schemas/"


class Schemas:
    """Builds schemas. `named` are the objects that they refer to, by the names of their classes."""

    def __init__(self) -> None:
        self.named: dict[str, Schema] = {}
        self._kinds: dict[str, Any] = {}

    def of(self, kind: Any) -> Schema:
        """Returns the schema of a type. Raises TypeError for other types, and for two classes of one name."""
        origin, arguments = get_origin(kind), get_args(kind)
        if origin is None and kind in _PLAIN:
            return dict(_PLAIN[kind])
        if origin is Annotated:
            return {**self.of(arguments[0]), **{key: item for more in arguments[1:] for key, item in more.items()}}
        if origin in (NotRequired, Required):
            return self.of(arguments[0])
        if origin is Literal:
            return {"enum": list(arguments)}
        if origin in (Union, UnionType):
            return {"anyOf": [self.of(argument) for argument in arguments]}
        if origin in _LISTS:
            return {"type": "array", "items": self.of(arguments[0])}
        if origin in (dict, Mapping):
            return {"type": "object", "additionalProperties": self.of(arguments[1])}
        if isinstance(kind, type) and issubclass(kind, Enum):
            return {"enum": [member.value for member in kind]}
        if is_typeddict(kind) or is_dataclass(kind):
            return {"$ref": f"{_REFERENCE}{self.name_of(kind)}"}
        raise TypeError(
            f"{kind!r} has no JSON schema: use a TypedDict, a dataclass, list, dict, str, int, float or bool"
        )

    def name_of(self, kind: Any) -> str:
        """Returns the name of a TypedDict or dataclass, and builds its schema. Raises as `of` does."""
        name: str = kind.__name__
        if self._kinds.setdefault(name, kind) is not kind:
            raise TypeError(f"two classes have the name {name}: rename one of them")
        if name not in self.named:
            self.named[name] = {}  # ends the recursion of a type that contains itself
            self.named[name] = self._object(kind)
        return name

    def _object(self, kind: Any) -> Schema:
        hints = get_type_hints(kind, include_extras=True)
        if is_dataclass(kind):
            required = [it.name for it in fields(kind) if it.default is MISSING and it.default_factory is MISSING]
        else:
            required = [name for name in hints if name in required_fields(kind)]
        return {
            "type": "object",
            "properties": {name: self.of(hint) for name, hint in hints.items()},
            **({"required": required} if required else {}),
            "additionalProperties": False,
        }
