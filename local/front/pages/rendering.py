"""Renders the templates, and the style sheet that they share with the console."""

from __future__ import annotations

import html
import re
from functools import cache
from pathlib import Path
from typing import Any

import jinja2

from local.front.http import Response

STYLE = "/sign-in.css"
_FOLDER = Path(__file__).parent
_CONSOLE = _FOLDER.parents[2] / "console"


@cache
def _templates() -> jinja2.Environment:
    loader = jinja2.FileSystemLoader(_FOLDER / "templates")
    return jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )


@cache
def application() -> str:
    """Returns the title of the application for people: the heading of the console."""
    heading = re.search(r"<h1>(.*?)</h1>", (_CONSOLE / "index.html").read_text(encoding="utf-8"))
    return html.unescape(heading[1]) if heading else "Application"


def page(template: str, status: int = 200, form_target: str = "", **values: Any) -> Response:
    """Returns a page that runs no script, is not framed and is not stored.

    form_target  a further source to which its forms may lead
    """
    policy = (
        "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none'; "
        f"form-action 'self' {form_target}"
    )
    body = (
        _templates()
        .get_template(template)
        .render(style=STYLE, application=application(), **values)
        .encode("utf-8", "replace")
    )
    headers = {
        "content-type": "text/html; charset=utf-8",
        "cache-control": "no-store",
        "content-security-policy": policy.strip(),
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
    }
    return Response(status, body, tuple((name.encode(), value.encode()) for name, value in headers.items()))


def style() -> Response:
    """Returns the style sheet: the theme of the console, and the parts of these pages."""
    sheets = [path.read_bytes() for path in (_CONSOLE / "theme.css", _FOLDER / "pages.css")]
    headers = ((b"content-type", b"text/css; charset=utf-8"), (b"cache-control", b"no-store"))
    return Response(200, b"\n".join(sheets), (*headers, (b"x-content-type-options", b"nosniff")))
