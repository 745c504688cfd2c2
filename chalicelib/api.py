"""Chalice as this service uses it: every error is answered as `{"message": …, "code": …}`."""

import re
from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from chalice.app import Chalice, Request, Response

from chalicelib.core import strict_json
from chalicelib.core.errors import CannotDecide, GatehouseError, InvalidInput, NotFound, TooLarge, VersionConflict

View = Callable[..., Any]

STATUS: dict[type[GatehouseError], int] = {
    TooLarge: 413,
    InvalidInput: 400,
    NotFound: 404,
    VersionConflict: 409,
    CannotDecide: 500,
}
_OURS = "the request failed through no fault of yours"


class Api(Chalice):
    """Chalice answers 500 for whatever a view raises, before a middleware sees it: so the views are wrapped."""

    def __init__(self, app_name: str) -> None:
        super().__init__(app_name)
        self.register_middleware(_in_one_form, "http")

    def route(self, path: str, **options: Any) -> Callable[[View], View]:
        register = super().route(path, **options)

        def decorate(view: View) -> View:
            register(self._answering(view))
            return view

        return decorate

    def _answering(self, view: View) -> View:
        @wraps(view)
        def answer(**arguments: Any) -> Any:
            try:
                return view(**arguments)
            except tuple(STATUS) as error:
                status = STATUS[type(error)]
                if status == 500:
                    self.log.error("failed: %s", error.code, exc_info=True)
                return Response({"message": error.message if status < 500 else _OURS, "code": error.code}, None, status)
            except Exception:
                self.log.exception("failed: unexpected_failure")
                return Response({"message": _OURS, "code": "unexpected_failure"}, None, 500)

        return answer

    @property
    def request(self) -> Request:
        """The request that is being answered."""
        return cast(Request, self.current_request)

    @property
    def body(self) -> Any:
        """The request's body, read as strict JSON. Raises InvalidInput."""
        try:
            return strict_json.parse(cast(bytes, self.request.raw_body))
        except ValueError as error:
            raise InvalidInput("body", f"is not JSON: {error}") from None


def no_content() -> Response:
    return Response("", status_code=204)


def _in_one_form(event: Request, get_response: Callable[[Any], Any]) -> Any:
    """Give Chalice's own refusals, such as 415, the form of all others."""
    response = get_response(event)
    if isinstance(response.body, dict) and set(response.body) == {"Code", "Message"}:
        code = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", response.body["Code"].removesuffix("Error")).lower()
        response.body = {"message": response.body["Message"], "code": code}
    return response
