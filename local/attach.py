"""Attaches `chalice local` to the running cloud: its settings, its tokens, and the strict gateway in front."""

from __future__ import annotations

import io
import json
import os
import re
import socket
import sys
import threading
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import jwt

from local.cloud import from_environment
from local.gateway import StrictGateway, TokenRefused, Verify, install
from local.gateway_responses import EXTENSION, read_definitions
from local.isolation import bypass_proxies, remove_aws_settings
from local.reloader import ignore_generated_files

NO_CLOUD = "chalice local needs the local cloud: start it with `make run` in another terminal."
OTHER_CLOUD = "chalice local cannot read the outputs of the local cloud: stop `make run` and start it again."
TIMEOUT_SECONDS = 2

# PyJWT refuses unused bits, but accepts padding. With padding, one token would have two spellings.
_COMPACT = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+){2}")


def attach(
    outputs_path: Path | None = None,
    template_path: Path = Path(".chalice/package.json"),
    environ: MutableMapping[str, str] = os.environ,
    argv: Sequence[str] | None = None,
) -> None:
    """Makes `chalice local` use the running cloud. Does nothing for any other command.

    outputs_path  the outputs of the running cloud; the default is the file of `make run`

    Raises:  SystemExit if no cloud is running or the port is in use. Under Chalice's reloader, the process ends.
    """
    words = sys.argv if argv is None else argv
    if command_of(words) != "local":
        return
    ignore_generated_files()
    bypass_proxies(environ)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # also for a pipe or a file
    if problem := port_problem(option_of(words, "--host", "127.0.0.1"), option_of(words, "--port", "8000")):
        _exit(problem)
    try:
        outputs = json.loads((outputs_path or from_environment().outputs).read_text(encoding="utf-8"))
        settings = _settings(outputs)
        keys = jwt.PyJWKClient(outputs["jwks_url"], timeout=TIMEOUT_SECONDS)
        verify = pool_verifier(keys.get_signing_key_from_jwt, outputs["issuer"])
    except OSError:
        _exit(NO_CLOUD)
    except (AttributeError, LookupError, TypeError, ValueError, jwt.PyJWTError):
        _exit(OTHER_CLOUD)
    try:
        keys.get_signing_keys()
    except (OSError, ValueError, jwt.PyJWTError):
        _exit(NO_CLOUD)
    responses = read_definitions(_gateway_responses(template_path))
    _replace_aws_settings(environ, settings)
    install(StrictGateway(verify, responses))


def command_of(argv: Sequence[str]) -> str | None:
    """Returns the subcommand of a chalice command line. A stage can have the name `local` too."""
    words = iter(argv[1:])
    for word in words:
        if word == "--project-dir":
            next(words, None)
        elif not word.startswith("-"):
            return word
    return None


def option_of(argv: Sequence[str], name: str, default: str) -> str:
    """Returns the value of an option in a command line, `--port 80` or `--port=80`."""
    for word, following in zip(argv, [*argv[1:], default], strict=True):
        if word == name:
            return following
        if word.startswith(f"{name}="):
            return word.removeprefix(f"{name}=")
    return default


def port_problem(host: str, port: str) -> str | None:
    """Returns why no server can listen on this port, or None."""
    if not port.isdecimal() or int(port) > 65535:  # with 0, the system chooses one
        return f"GATEHOUSE_LOCAL_PORT: {port!r} is not a port. A port is a number from 1 to 65535."
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, int(port)))
        except OSError:
            return f"Port {port} is in use. To use another port, run `GATEHOUSE_LOCAL_PORT=<port> make local`."
    return None


def pool_verifier(signing_key: Callable[[str], jwt.PyJWK], issuer: str) -> Verify:
    """Returns the check of a user pool's tokens: RS256, the pool's key and issuer, and the times.

    signing_key  returns the key that a token names; raises PyJWKClientConnectionError if the pool does not answer
    """

    def verify(token: str) -> Mapping[str, Any]:
        if not _COMPACT.fullmatch(token):
            raise TokenRefused("Unauthorized")
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                signing_key(token),
                algorithms=["RS256"],
                issuer=issuer,
                # An access token has no audience, and API Gateway does not check the audience of an ID token.
                options={"require": ["exp", "iat", "iss", "token_use"], "verify_aud": False},
            )
        except jwt.PyJWKClientConnectionError:
            raise  # the token is not the cause
        except jwt.ExpiredSignatureError as error:
            raise TokenRefused("The incoming token has expired") from error
        except jwt.PyJWTError as error:
            raise TokenRefused("Unauthorized") from error
        return claims

    return verify


def _settings(outputs: Mapping[str, Any]) -> dict[str, str]:
    settings: dict[str, str] = outputs["environment"]
    if not all(isinstance(value, str) for value in settings.values()):
        raise TypeError("a setting is not a text")
    return settings


def _replace_aws_settings(environ: MutableMapping[str, str], settings: Mapping[str, str]) -> None:
    remove_aws_settings(environ)
    environ.update(settings)


def _gateway_responses(template_path: Path) -> Mapping[str, Any]:
    found: Any = json.loads(template_path.read_text(encoding="utf-8")) if template_path.exists() else {}
    for name in ("Resources", "RestAPI", "Properties", "DefinitionBody", EXTENSION):
        found = found.get(name, {})
    responses: Mapping[str, Any] = found
    return responses


def _exit(message: str) -> NoReturn:
    print(message, file=sys.stderr, flush=True)
    if threading.current_thread() is not threading.main_thread():
        # Chalice's reloader imports the app in a thread. SystemExit would end this thread only.
        os._exit(1)
    raise SystemExit(1)
