"""Changes the number of copies of a stage's authorization state (`STATE_SHARDS`), while the stage serves requests.

`tests/proofs/shard_model.py` holds the order of the steps. Each step can be repeated after a failed attempt.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from chalicelib.aws.authorization_state import StateTable
from chalicelib.aws.items import Item
from chalicelib.aws.state_copies import NOT_REVOKED, StateCopies, stored_shards
from chalicelib.aws.state_reads import GENERATION, client_attribute, copy_id, locked_until
from infra.clients import Client
from infra.differing_copies import Difference, differences
from infra.errors import DeploymentFailed, Refused
from infra.rollback import Move
from infra.stacks import Stacks
from infra.stage import Stage

_CLIENT = client_attribute("")


class Shards:
    """The copies in the state table of one stage.

    dynamodb  a boto3 client
    now       returns seconds since 1970
    """

    def __init__(self, dynamodb: Any, table: str, now: Callable[[], float] = time.time) -> None:
        self._client = dynamodb
        self._table = table
        self._now = now
        self._copies = StateCopies(dynamodb, table, now)
        self._revocations = StateTable(dynamodb, table)

    def stored(self) -> int:
        """Returns the number that writers maintain: at least the `STATE_SHARDS` of every authorizer that runs."""
        return stored_shards(self._copies.original())

    def unusable(self) -> list[int]:
        """Returns the copies that no authorizer can read. A failed `ensure` leaves such copies."""
        numbers = self._copies.numbers(self._copies.original())
        found = self._copies.read(numbers)
        return [number for number in numbers if "n" not in found[number]]

    def differences(self, stage: str) -> list[Difference]:
        """Returns the restrictions that are not the same in all copies. `stage` is the name for the commands."""
        if self.stored() == 1:
            return []
        return differences(self._copies, self._revocations.list(), stage, self._now())

    def ensure(self, shards: int) -> bool:
        """Creates copies, and repairs incomplete ones. Never removes a copy. Returns whether anything changed.

        Authorizers can read the copies afterwards. Raises DeploymentFailed, InternalError.
        """
        if shards == 1 and self.stored() == 1:
            return False
        before = (self.stored(), self.unusable())
        self.name_copies(shards)
        changed = self.complete_copies()
        self.start_copies()
        return changed or before != (self.stored(), [])

    def shrink(self, shards: int) -> None:
        """Removes the copies beyond a number. No authorizer may read them any more: it would answer 500.

        The copies are removed before the writers forget them. Otherwise an authorizer could read one that nobody
        counts up any more.
        """
        stored = self.stored()
        for number in range(shards + 1 if shards > 1 else 1, stored + 1):
            self._client.delete_item(TableName=self._table, Key={"id": {"S": copy_id(number)}})
        if shards < stored:
            self._set_number(shards, "state_shards = :stored", {":stored": {"N": str(stored)}})

    def name_copies(self, shards: int) -> None:
        """First step of `ensure`: the writers maintain the copies from now on, although nobody can read them yet."""
        if shards > self.stored():
            self._set_number(shards, "attribute_not_exists(state_shards) OR state_shards < :shards", {})

    def complete_copies(self) -> bool:
        """Second step: gives each copy the revocations and the lockdown of the original. Returns whether it wrote.

        A change while it works is no problem: whoever makes it knows the new copies.
        """
        original = self._copies.original()
        found = self._copies.read(self._copies.numbers(original))
        revoked = {it.value: it.revoked_at for it in self._revocations.list() if it.kind == "client"}
        stored = {name.removeprefix(_CLIENT) for copy in found.values() for name in copy if name.startswith(_CLIENT)}
        clients = [it for it in sorted(stored | set(revoked)) if not _all_have(found, it, revoked.get(it, NOT_REVOKED))]
        for client_id in clients:
            self._copies.copy_revocation(client_id)
        is_locked_alike = all(locked_until(copy) == locked_until(original) for copy in found.values())
        if not is_locked_alike:
            self._copies.copy_lockdown()
        return bool(clients) or not is_locked_alike

    def start_copies(self) -> None:
        """Third step: gives each new copy a generation, so that it can be read. It never had this generation before.

        The first generation is the time in milliseconds. Two resizes do not start in the same millisecond.
        """
        first = {":first": {"N": str(int(self._now() * 1000))}}
        for number in self.unusable():
            self._copies.update(number, "SET n = :first", "attribute_not_exists(n)", first)

    def _set_number(self, shards: int, condition: str, values: dict[str, Any]) -> None:
        change = "SET state_shards = :shards"
        try:
            self._client.update_item(
                TableName=self._table,
                Key={"id": {"S": GENERATION}},
                UpdateExpression=change,
                ConditionExpression=condition,
                ExpressionAttributeValues={":shards": {"N": str(shards)}, **values},
            )
        except self._client.exceptions.ConditionalCheckFailedException as error:
            raise DeploymentFailed("Another operator changed the number of shards. Run the command again.") from error


def _all_have(copies: Mapping[int, Item], client_id: str, revoked_at: int) -> bool:
    absent, name = {"N": str(NOT_REVOKED)}, client_attribute(client_id)
    return all(int(copy.get(name, absent)["N"]) == revoked_at for copy in copies.values())


def readers_shards(stage: Stage, client: Client) -> int:
    """Returns the largest `STATE_SHARDS` of the authorizer's versions that get requests."""
    functions, function = client("lambda"), stage.function("policy_authorizer")
    alias = functions.get_alias(FunctionName=function, Name="live")
    routed = alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})
    return max(shards_of_version(client, function, version) for version in (alias["FunctionVersion"], *routed))


def shards_of_version(client: Client, function: str, version: str) -> int:
    """Returns the `STATE_SHARDS` of one published version of the authorizer."""
    return int(_variables(client, function, version).get("STATE_SHARDS", "1"))


def _variables(client: Client, function: str, version: str) -> Mapping[str, str]:
    described = client("lambda").get_function_configuration(FunctionName=function, Qualifier=version)
    variables: Mapping[str, str] = described.get("Environment", {}).get("Variables", {})
    return variables


def refuse_rollback(stage: Stage, client: Client, moves: Iterable[Move]) -> None:
    """Refuses to move the authorizer to a release that cannot work with the copies of the state as they are now.

    The moves of a rollback, and those of its undoing. Raises Refused.
    """
    function = stage.function("policy_authorizer")
    for move in moves:
        if move.function == function:
            target = _variables(client, function, str(move.after))
            if "STATE_SHARDS" in target:
                _refuse_missing_copies(stage, client, move, int(target["STATE_SHARDS"]))
            else:
                _refuse_unwritten_copies(stage, client, move)


def _refuse_unwritten_copies(stage: Stage, client: Client, move: Move) -> None:
    """Refuses a release without shards while authorizers read copies: its writers would not write them.

    Authorizers could still use policies that they have cached, now or after the next deployment.
    """
    if shards_of_version(client, move.function, str(move.before)) > 1:
        raise Refused(
            f"Refused: {move.release} does not maintain the copies of the state that authorizers read now. Nothing"
            f" changed. Set application.StateShards to 1 in infra/stages/{stage.name}.yaml and deploy. Then run"
            " `manage.py shards --remove-unused`, and deploy the commit of that release."
        )


def _refuse_missing_copies(stage: Stage, client: Client, move: Move, read: int) -> None:
    """Refuses a release that reads copies that do not exist. Its instances that choose such a copy would answer 500."""
    if read == 1:
        return
    state = Shards(client("dynamodb"), Stacks(client("cloudformation")).outputs(stage.stack)["StateTableName"])
    stored, unusable = state.stored(), state.unusable()
    if read > stored or min(unusable, default=stored + 1) <= read:
        raise Refused(
            f"Refused: {move.release} reads {read} copies of the state, but only {stored - len(unusable)} can be read."
            f" Authorizers would answer 500. Nothing changed. Set application.StateShards to {read} or more in"
            f" infra/stages/{stage.name}.yaml, and deploy the commit of that release."
        )


def refuse_unknown_shards(stage: Stage, deployed: Mapping[str, Any] | None) -> None:
    """Refuses more than one shard while the functions of a release without shards still write.

    deployed  CloudFormation's description of the application stack, None before the first deployment
    """
    parameters = {it["ParameterKey"] for it in deployed.get("Parameters", [])} if deployed else {"StateShards"}
    if "StateShards" not in parameters:
        raise Refused(
            f"infra/stages/{stage.name}.yaml: application.StateShards: the deployed release does not maintain copies of"
            " the state. Remove StateShards, deploy, and then deploy again with StateShards."
        )
