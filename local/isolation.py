"""Removes the AWS and proxy settings of the developer's shell from the local cloud."""

import os
from collections.abc import MutableMapping

CLI_MODE = "AWS_CHALICE_CLI_MODE"  # Chalice sets it while its command line imports the application
_LOOPBACK = "localhost,127.0.0.1"


def isolate(environ: MutableMapping[str, str]) -> None:
    """Removes the AWS settings, and excludes this machine from the proxies."""
    remove_aws_settings(environ)
    bypass_proxies(environ)


def remove_aws_settings(environ: MutableMapping[str, str]) -> None:
    """Removes every AWS setting, including the profile files, so that no setting selects a real account."""
    for name in [name for name in environ if name.startswith("AWS_") and name != CLI_MODE]:
        del environ[name]
    environ["AWS_CONFIG_FILE"] = environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull


def bypass_proxies(environ: MutableMapping[str, str]) -> None:
    """Excludes this machine from the proxies. They stay set for the downloads of pip."""
    for name in ("NO_PROXY", "no_proxy"):  # a program reads one of them
        environ[name] = ",".join(filter(None, (environ.get(name), _LOOPBACK)))
