"""The command for the copies of a stage's authorization state: shards."""

from typing import Annotated

from typer import Context, Option

from infra.errors import Refused
from operations.invocation import Invocation
from operations.options import AsJson, StageName


def shards(
    context: Context,
    stage_name: StageName,
    remove_unused: Annotated[
        bool, Option("--remove-unused", help="Remove the copies that no authorizer reads any more.")
    ] = False,
    as_json: AsJson = False,
) -> int:
    """Show the copies of the authorization state.

    StateShards of the stage file sets their number. `deploy` creates them before an authorizer reads them, and never
    removes one.
    """
    from infra.shards import Shards, readers_shards
    from operations.connection import open_stage, stack_outputs

    invocation: Invocation = context.obj
    stage, client = open_stage(invocation, stage_name)
    state = Shards(client("dynamodb"), stack_outputs(stage, client)["StateTableName"])
    read = readers_shards(stage, client)
    if remove_unused:
        if read > state.stored():
            raise Refused(
                f"Refused: the authorizers read {read} copies, but only {state.stored()} exist. Deploy the stage again."
            )
        state.shrink(read)
    counts = {"read": read, "stored": state.stored(), "unusable": state.unusable()}
    if as_json:
        invocation.output.json(counts)
        return 0
    rows = [
        ["that the authorizers read", str(read)],
        ["that the writers maintain", str(counts["stored"])],
        ["that cannot be read", ", ".join(map(str, state.unusable())) or "none"],
    ]
    invocation.output.table(["copies of the state", ""], rows)
    return 0


COMMANDS = (shards,)
