"""Reads and validates the reviewed file of a stage, `infra/stages/<stage>.yaml`, before any call to AWS."""

import re
from collections.abc import Mapping, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from chalicelib.core.errors import InternalError
from chalicelib.settings import Settings
from infra.errors import Refused
from infra.templates import parameter_text, read_json, read_yaml

# The program itself sets these parameters of the identity template.
_GIVEN = frozenset({"AppName", "Stage", "TriggerQualifier"})
_UPSTREAMS = "infra/upstreams.yaml"
# These names have another meaning. The value says what to use instead.
_RESERVED = {
    "local": "the cloud on this machine: use `make run`, `make policies` and `make reset`",
    "package": "the packaged application: use `make package`",
}


@dataclass(frozen=True)
class Stage:
    """One deployment of the application, and everything that can differ between two deployments.

    account      the only AWS account that this stage can be deployed to; None for any account
    identity     parameters of infra/identity.yaml, without those that the program sets
    application  parameters of .chalice/package.json, without those that the identity stack supplies
    """

    name: str
    app: str
    region: str
    account: str | None
    identity: Mapping[str, str]
    application: Mapping[str, str]

    @property
    def stack(self) -> str:
        return f"{self.app}-{self.name}-identity"

    @property
    def application_stack(self) -> str:
        return f"{self.app}-{self.name}-application"

    @property
    def identity_parameters(self) -> dict[str, str]:
        """The parameters of the identity stack. All others have the default of the template."""
        return {**self.identity, "AppName": self.app, "Stage": self.name}

    def application_parameters(self, outputs: Mapping[str, str]) -> dict[str, str]:
        """Returns the parameters of the application's stack. `outputs` are those of the identity stack."""
        return {**outputs, **self.application, "AppName": self.app, "Stage": self.name}

    def function(self, name: str) -> str:
        """Returns the deployed name of a function. `name` is its name in Chalice; `api_handler` is the API."""
        return f"{self.app}-{self.name}" if name == "api_handler" else f"{self.app}-{self.name}-{name}"


@dataclass(frozen=True)
class LocalStage(Stage):
    """The cloud of `make run`. Its stacks are deployed without a stage file."""

    @property
    def application_stack(self) -> str:
        return f"{self.app}-{self.name}"


def local_stage(project: Path, region: str) -> Stage:
    """Returns the stage of the local cloud. Raises Refused."""
    return LocalStage("local", _app_name(read_json(project, ".chalice/config.json")), region, None, {}, {})


def read_stage(project: Path, name: str) -> Stage:
    """Reads and validates a stage. Raises Refused; the message names the file and the field."""
    path = f"infra/stages/{name}.yaml"
    template = read_yaml(project, "infra/identity.yaml")
    definitions = template["Parameters"]
    if name in _RESERVED:
        raise Refused(f"--stage: the name {name!r} is reserved for {_RESERVED[name]}, or choose another name.")
    if not re.fullmatch(definitions["Stage"]["AllowedPattern"], name):
        raise Refused(f"--stage: got {name!r}, expected 2 to 10 lowercase letters and digits.")
    if not (project / path).exists():
        raise Refused(f"--stage: the file {path} does not exist. Copy infra/stages/dev.yaml and change what differs.")
    described = _described(path, read_yaml(project, path))
    # The identity stack supplies the parameters without a default, and those that have the name of an output.
    supplied = _GIVEN | set(template["Outputs"])
    settable = _settable(_without(read_json(project, ".chalice/package.json")["Parameters"], supplied))
    application = _parameters(path, "application", described, settable)
    _check_settings(path, application)
    region = _region(path, described)
    _check_certificate(path, region, application)
    _check_upstream(project, path, application)
    return Stage(
        name=name,
        app=_app_name(read_json(project, ".chalice/config.json")),
        region=region,
        account=_account(path, described),
        identity=_parameters(path, "identity", described, _without(definitions, _GIVEN)),
        application=application,
    )


def _app_name(config: Any) -> str:
    name = config.get("app_name") if isinstance(config, dict) else None
    if not isinstance(name, str):
        raise Refused(".chalice/config.json: app_name: expected the name of the application.")
    return name


def _described(path: str, content: Any) -> Mapping[str, Any]:
    if not isinstance(content, dict):
        raise Refused(f"{path}: expected the fields region, identity and application.")
    for field in content:
        if field not in ("region", "account", "identity", "application"):
            raise Refused(
                f"{path}: {field}: unknown field. Remove it, or use region, account, identity or application."
            )
    return content


def _region(path: str, described: Mapping[str, Any]) -> str:
    region = described.get("region")
    if not isinstance(region, str) or not re.fullmatch(r"[a-z]{2}(-[a-z]+)+-\d", region):
        raise Refused(f"{path}: region: expected the AWS region of this stage, for instance `region: eu-central-1`.")
    return region


def _account(path: str, described: Mapping[str, Any]) -> str | None:
    account = described.get("account")
    if account is not None and (not isinstance(account, str) or not re.fullmatch(r"\d{12}", account)):
        raise Refused(f"{path}: account: expected the 12 digits of an AWS account.")
    return account


def _parameters(
    path: str, section: str, described: Mapping[str, Any], definitions: Mapping[str, Any]
) -> dict[str, str]:
    given = described.get(section) or {}
    if not isinstance(given, dict):
        raise Refused(f"{path}: {section}: expected parameters and their values.")
    for name in given:
        if name not in definitions:
            raise Refused(
                f"{path}: {section}.{name}: the parameter does not exist, or this file cannot set it. Remove it."
            )
    return {
        name: parameter_text(f"{path}: {section}.{name}", definitions[name], value) for name, value in given.items()
    }


def _check_settings(path: str, application: Mapping[str, str]) -> None:
    """Refuses values that the functions would reject when a user signs in or calls the API."""
    variables = {
        "DefaultGroups": "DEFAULT_GROUPS",
        "GroupMap": "GROUP_MAP",
        "CustomClaims": "CUSTOM_CLAIMS",
        "ScopeGroups": "SCOPE_GROUPS",
        "AllowedOrigins": "ALLOWED_ORIGINS",
    }
    settings = Settings({variables[name]: value for name, value in application.items() if name in variables})
    for name, variable in variables.items():
        try:
            getattr(settings, variable.lower())
        except InternalError as error:
            raise Refused(f"{path}: application.{name}: {error.message}") from error
    privileged = settings.privileged_groups.intersection(settings.default_groups)
    if privileged:
        raise Refused(
            f"{path}: application.DefaultGroups: {', '.join(sorted(privileged))} cannot be a default group, because it"
            " is a privileged group. Remove it."
        )


def _check_certificate(path: str, region: str, application: Mapping[str, str]) -> None:
    certificate = application.get("ApiCertificateArn", "")
    if certificate and certificate.split(":")[3] != region:
        raise Refused(
            f"{path}: application.ApiCertificateArn: the certificate is in {certificate.split(':')[3]}, expected the"
            f" region of the stage, {region}. Request it there, or set ApiEdgeCertificateArn to a certificate in"
            " us-east-1."
        )


def _check_upstream(project: Path, path: str, application: Mapping[str, str]) -> None:
    host = urlsplit(application.get("UpstreamUrl", "")).hostname
    if host is None:
        return
    listed = read_yaml(project, _UPSTREAMS)
    hosts = listed.get("hosts") if isinstance(listed, dict) else None
    if not isinstance(hosts, list):
        raise Refused(f"{_UPSTREAMS}: hosts: expected a list of hosts.")
    if host not in hosts:
        raise Refused(
            f"{path}: application.UpstreamUrl: the host {host} is not in {_UPSTREAMS}. Add it there, in a reviewed"
            " change."
        )
    if not application.get("UpstreamSecretArn"):
        raise Refused(f"{path}: application.UpstreamSecretArn: missing. It is required with UpstreamUrl.")


def _without(definitions: Mapping[str, Any], names: Set[str]) -> dict[str, Any]:
    return {name: definition for name, definition in definitions.items() if name not in names}


def _settable(definitions: Mapping[str, Any]) -> dict[str, Any]:
    return {name: definition for name, definition in definitions.items() if "Default" in definition}
