"""Reads the choices of `make run` that become parameters of the application's stack."""

import json
import re
import secrets
from collections.abc import Mapping
from typing import Any

from chalicelib.core.errors import InternalError
from chalicelib.settings import Settings
from infra.errors import Refused

_UPSTREAM = r"http://(localhost|127[.]0[.]0[.]1):[1-9][0-9]{0,4}"


def chosen_parameters(origins: str, upstream: str) -> dict[str, str]:
    """Returns the chosen parameters. Raises Refused for an invalid value, and names the option.

    origins   pages of other origins that can call the API, separated by commas; a space after a comma is removed
    upstream  the address of a server on this machine
    """
    try:
        allowed = Settings({"ALLOWED_ORIGINS": re.sub(r",\s+", ",", origins)}).allowed_origins
    except InternalError as error:
        raise Refused(f"--origins: {error.message.removeprefix('ALLOWED_ORIGINS: ')}.") from error
    if upstream and not re.fullmatch(_UPSTREAM, upstream):
        raise Refused(
            f"--upstream: got {upstream!r}, expected a server on this machine, such as http://127.0.0.1:9000, without a"
            " path."
        )
    return {
        **({"AllowedOrigins": ",".join(allowed)} if allowed else {}),
        **({"UpstreamUrl": upstream} if upstream else {}),
    }


def with_upstream_secret(chosen: Mapping[str, str], secrets_manager: Any, name: str) -> dict[str, str]:
    """Returns the parameters with the secret by which the upstream recognizes the gateway. Creates it once."""
    if "UpstreamUrl" not in chosen:
        return dict(chosen)
    try:
        arn = secrets_manager.create_secret(Name=name, SecretString=secrets.token_urlsafe(32))["ARN"]
    except secrets_manager.exceptions.ResourceExistsException:
        arn = secrets_manager.describe_secret(SecretId=name)["ARN"]
    return {**chosen, "UpstreamSecretArn": str(arn)}


def accept_this_machine(application_template: str) -> str:
    """Returns the packaged template with an upstream on this machine allowed. On AWS, it must have https."""
    template = json.loads(application_template)
    template["Parameters"]["UpstreamUrl"]["AllowedPattern"] = f"^({_UPSTREAM})?$"
    return json.dumps(template)


def upstream_outputs(parameters: Mapping[str, str], secrets_manager: Any) -> dict[str, Any]:
    """Returns the part of `outputs.json` about the upstream. It is empty without an upstream."""
    if "UpstreamUrl" not in parameters:
        return {}
    secret = secrets_manager.get_secret_value(SecretId=parameters["UpstreamSecretArn"])["SecretString"]
    return {"upstream": {"url": parameters["UpstreamUrl"], "secret": secret}}
