"""Compares the answers of the service with the OpenAPI document of the application."""

from __future__ import annotations

from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from app import app
from chalicelib.openapi import document


@cache
def api_document() -> dict[str, Any]:
    return document(app)


def check_answer(method: str, path: str, status: int, content: Any) -> None:
    """Raises AssertionError for a status or a body that the document does not describe."""
    operation = api_document()["paths"][path.replace("+}", "}")][method.lower()]
    answers = operation["responses"]
    answer = answers.get(str(status), answers.get("default"))
    assert answer is not None, f"{method} {path} answers {status}, which the OpenAPI document does not name"
    if reference := answer.get("$ref"):
        answer = api_document()["components"]["responses"][reference.rpartition("/")[2]]
    if str(status) not in answers:
        return  # a route without a description
    assert ("content" in answer) == (content is not None), f"{method} {path}: {status} with the body {content!r}"
    if "content" in answer:
        schema = answer["content"]["application/json"]["schema"]
        validator = Draft202012Validator({**schema, "components": api_document()["components"]})
        faults = [f"{fault.json_path}: {fault.message}" for fault in validator.iter_errors(content)]
        assert not faults, f"{method} {path}: {faults}"
