"""Chalice's memory of a stage, kept where every machine finds it.

Chalice writes `.chalice/deployed/<stage>.json` when a deployment has ended well, and knows its REST API and its stream
mapping from nowhere else: without that file it would make second ones. The file is a copy; the original is a parameter
in Systems Manager.

Shape:  {"deployed": the file's content, "fingerprint": of what was deployed last, or ""}; `deployed` is null, or knows
        of no REST API, while a first deployment is under way, or after it has died
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
class Memory:
    """What is remembered of a stage."""

    deployed: Mapping[str, Any] | None = None
    fingerprint: str = ""

    @property
    def api_id(self) -> str | None:
        return discovery.rest_api_id(self.deployed)


class ChaliceState:
    """Carries the memory between the parameter and the file."""

    def __init__(self, project: Path, stage: Stage, client: discovery.Client) -> None:
        self._file = project / f".chalice/deployed/{stage.name}.json"
        self._stage = stage
        self._client = client

    def recall(self) -> Memory | None:
        """What the parameter holds; None if there is no such parameter. Raises Refused."""
        ssm = self._client("ssm")
        try:
            value = ssm.get_parameter(Name=self._stage.state_parameter)["Parameter"]["Value"]
        except ssm.exceptions.ParameterNotFound:
            return None
        try:
            return Memory(**json.loads(value))
        except (TypeError, ValueError) as error:
            raise Refused(
                f"The parameter {self._stage.state_parameter} is not what this program has written:"
                " delete it, and give the command again"
            ) from error

    def remember(self, memory: Memory) -> bool:
        """Write the parameter, and say whether it held something else."""
        if memory == self.recall():
            return False
        value = json.dumps({"deployed": memory.deployed, "fingerprint": memory.fingerprint}, separators=(",", ":"))
        # Beyond 4 kB, which is twenty functions or so, a parameter costs a few cents a month.
        self._client("ssm").put_parameter(
            Name=self._stage.state_parameter, Value=value, Type="String", Tier="Intelligent-Tiering", Overwrite=True
        )
        return True

    def forget(self) -> bool:
        """Drop the parameter and the file, and say whether there was a parameter."""
        self._file.unlink(missing_ok=True)
        ssm = self._client("ssm")
        try:
            ssm.delete_parameter(Name=self._stage.state_parameter)
        except ssm.exceptions.ParameterNotFound:
            return False
        return True

    def pull(self, adopt: str | None = None) -> Memory:
        """Find out what is deployed: by the parameter, the file, or what an interrupted deployment has left.

        adopt  the REST API to go on with when all memory is lost

        Raises:  Refused when there is an API of this stage that nothing remembers, or `adopt` is another one
        """
        recalled, written = self.recall(), self.read_file()
        if recalled and recalled.api_id:
            if adopt not in (None, recalled.api_id):
                raise Refused(self._remembered(recalled.api_id, adopt))
            return recalled
        apis = discovery.apis(self._stage, self._client)
        if adopt is not None and adopt not in apis:
            there = " and ".join(apis) or "none"
            raise Refused(f"--adopt: {adopt} is no REST API of the stage {self._stage.name}; there is {there}")
        if written and discovery.rest_api_id(written) in ([adopt] if adopt else apis):
            return Memory(written)
        if apis and recalled is None and adopt is None:
            raise Refused(self._lost(apis))
        api_id = adopt or next(iter(apis), None)
        return Memory(discovery.deployed(self._stage, self._client, api_id))

    def read_file(self) -> Mapping[str, Any] | None:
        """What Chalice has written on this machine."""
        try:
            content: Mapping[str, Any] = json.loads(self._file.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):  # there is none, or half of one
            return None
        return content

    def write_file(self, deployed: Mapping[str, Any] | None) -> None:
        """Let Chalice find this memory, or none."""
        if deployed is None:
            self._file.unlink(missing_ok=True)
            return
        self._file.parent.mkdir(parents=True, exist_ok=True)
        replace_file(self._file, (json.dumps(deployed, indent=2) + "\n").encode())

    def _remembered(self, api_id: str, adopt: str | None) -> str:
        return (
            f"--adopt: the stage {self._stage.name} has the REST API {api_id}, and {adopt} is another one:"
            f" leave it out, or delete the parameter {self._stage.state_parameter} first"
        )

    def _lost(self, apis: list[str]) -> str:
        return (
            f"There is the REST API {' and '.join(apis)} of the stage {self._stage.name}, but what Chalice knew of it,"
            f" the parameter {self._stage.state_parameter}, is lost, and it would make a second one:"
            f" give `--adopt {apis[0]}` to go on with that API at its address"
        )
