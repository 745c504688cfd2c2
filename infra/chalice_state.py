"""Stores Chalice's state of a stage in an SSM parameter, so that every machine can deploy the stage.

Chalice writes `.chalice/deployed/<stage>.json` after a successful deployment. Without this file, Chalice would create
a second REST API and a second stream mapping. The SSM parameter is authoritative, and the file is a copy of it.

Shape:  {"deployed": content of the file, "fingerprint": of the last complete deployment, or ""}. During a first
        deployment, and after it was interrupted, `deployed` is null or contains no REST API.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra import discovery
from infra.errors import Refused
from infra.files import replace_file
from infra.stage import Stage


@dataclass(frozen=True)
class State:
    """The stored state of a stage."""

    deployed: Mapping[str, Any] | None = None
    fingerprint: str = ""

    @property
    def api_id(self) -> str | None:
        return discovery.rest_api_id(self.deployed)


class ChaliceState:
    """Reads and writes the parameter and the file."""

    def __init__(self, project: Path, stage: Stage, client: discovery.Client) -> None:
        self._file = project / f".chalice/deployed/{stage.name}.json"
        self._stage = stage
        self._client = client

    def read(self) -> State | None:
        """Returns the state in the parameter, or None if there is no parameter. Raises Refused."""
        ssm = self._client("ssm")
        try:
            value = ssm.get_parameter(Name=self._stage.state_parameter)["Parameter"]["Value"]
        except ssm.exceptions.ParameterNotFound:
            return None
        try:
            return State(**json.loads(value))
        except (TypeError, ValueError) as error:
            raise Refused(
                f"Refused: the SSM parameter {self._stage.state_parameter} has an unexpected form. Delete it and run"
                " the same command again."
            ) from error

    def write(self, state: State) -> bool:
        """Writes the parameter. Returns whether its value changed."""
        if state == self.read():
            return False
        value = json.dumps({"deployed": state.deployed, "fingerprint": state.fingerprint}, separators=(",", ":"))
        # A value of more than 4 kB (about 20 functions) needs the advanced tier, which costs a few cents a month.
        self._client("ssm").put_parameter(
            Name=self._stage.state_parameter, Value=value, Type="String", Tier="Intelligent-Tiering", Overwrite=True
        )
        return True

    def delete(self) -> bool:
        """Deletes the parameter and the file. Returns whether there was a parameter."""
        self._file.unlink(missing_ok=True)
        ssm = self._client("ssm")
        try:
            ssm.delete_parameter(Name=self._stage.state_parameter)
        except ssm.exceptions.ParameterNotFound:
            return False
        return True

    def pull(self, adopt: str | None = None) -> State:
        """Returns the state from the parameter, from the file, or from the resources of an interrupted deployment.

        adopt  the REST API to use when the state is missing

        Raises:  Refused for an API of this stage without any state, or if `adopt` is not the API of the stage
        """
        stored, written = self.read(), self.read_file()
        if stored and stored.api_id:
            if adopt not in (None, stored.api_id):
                raise Refused(self._other_api(stored.api_id, adopt))
            return stored
        apis = discovery.apis(self._stage, self._client)
        if adopt is not None and adopt not in apis:
            existing = f"has {' and '.join(apis)}" if apis else "has no REST API"
            raise Refused(
                f"--adopt: {adopt} is not a REST API of the stage {self._stage.name}. The stage {existing}."
                " Correct the id or omit the option."
            )
        if written and discovery.rest_api_id(written) in ([adopt] if adopt else apis):
            return State(written)
        if apis and stored is None and adopt is None:
            raise Refused(self._missing(apis))
        api_id = adopt or next(iter(apis), None)
        return State(discovery.deployed(self._stage, self._client, api_id))

    def read_file(self) -> Mapping[str, Any] | None:
        """Returns what Chalice wrote on this machine, or None if there is no complete file."""
        try:
            content: Mapping[str, Any] = json.loads(self._file.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return None
        return content

    def write_file(self, deployed: Mapping[str, Any] | None) -> None:
        """Writes the file that Chalice reads, or deletes it if nothing is deployed."""
        if deployed is None:
            self._file.unlink(missing_ok=True)
            return
        self._file.parent.mkdir(parents=True, exist_ok=True)
        replace_file(self._file, (json.dumps(deployed, indent=2) + "\n").encode())

    def _other_api(self, api_id: str, adopt: str | None) -> str:
        return (
            f"--adopt: the stage {self._stage.name} uses the REST API {api_id}, not {adopt}. Omit the option. To use"
            f" {adopt} instead, first delete the SSM parameter {self._stage.state_parameter}."
        )

    def _missing(self, apis: list[str]) -> str:
        return (
            f"Refused: the stage {self._stage.name} already has the REST API {' and '.join(apis)}, but the SSM"
            f" parameter {self._stage.state_parameter} with Chalice's state is missing. Chalice would create a second"
            f" API. To keep using the existing API, pass `--adopt {apis[0]}`."
        )
