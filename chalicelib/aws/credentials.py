"""The credentials that Lambda gives a function in its environment."""

from collections.abc import Mapping

from chalicelib.aws.signature import Credentials
from chalicelib.core.errors import InternalError

_TOKENS = ("AWS_SECURITY_TOKEN", "AWS_SESSION_TOKEN")  # in the order of botocore; the first name is the older one


def credentials_from(environ: Mapping[str, str]) -> Credentials | None:
    """Returns the credentials of the environment; None if it has none. Raises InternalError, without any value."""
    access_key_id = environ.get("AWS_ACCESS_KEY_ID")
    if not access_key_id:
        return None
    secret = environ.get("AWS_SECRET_ACCESS_KEY")
    if not secret:
        raise InternalError("bad_credentials", "AWS_ACCESS_KEY_ID is set, but AWS_SECRET_ACCESS_KEY is not")
    return Credentials(access_key_id, secret, next((token for name in _TOKENS if (token := environ.get(name))), None))
