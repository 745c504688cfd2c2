"""The commands of the local cloud: run, demo, token, reset."""

import argparse
import io
import os
import shutil
import sys

from local.cloud import LocalCloud, from_environment
from local.isolation import isolate
from local.outputs import NotRunning, read_outputs


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="run the local cloud until interrupted")
    run.add_argument("--verbose", action="store_true", help="list the patches of ministack at the start")
    commands.add_parser("demo", help="run the demo against the running cloud")
    token = commands.add_parser("token", help="print an access token")
    token.add_argument("user", nargs="?", default="", help="a sample user")
    token.add_argument("--client", default="", help="machine, in place of a user")
    token.add_argument("--scope", default="", help="read, write or full names, separated by commas")
    commands.add_parser("reset", help="delete the users, policies and sample data")
    parsed = parser.parse_args(arguments)
    isolate(os.environ)
    cloud = from_environment()
    try:
        return {"run": _run, "demo": _demo, "token": _token, "reset": _reset}[parsed.command](cloud, parsed)
    except NotRunning as problem:
        print(problem, file=sys.stderr)
        return 1


def _run(cloud: LocalCloud, parsed: argparse.Namespace) -> int:
    from local.run import run

    return run(cloud, verbose=parsed.verbose)


def _demo(cloud: LocalCloud, _: argparse.Namespace) -> int:
    from local.demo import demo
    from local.story import PromiseBroken

    try:
        demo(read_outputs(cloud.outputs))
    except PromiseBroken as broken:
        print(f"\nThe demo failed: {broken}.", file=sys.stderr)
        return 1
    return 0


def _token(cloud: LocalCloud, parsed: argparse.Namespace) -> int:
    from local.tokens import TokenRefused, split_scopes, token_for

    try:
        print(token_for(read_outputs(cloud.outputs), parsed.user, parsed.client, split_scopes(parsed.scope)))
    except TokenRefused as refused:
        print(refused, file=sys.stderr)
        return 1
    return 0


def _reset(cloud: LocalCloud, _: argparse.Namespace) -> int:
    if cloud.is_running():
        print("The local cloud is running. To stop it, press Ctrl-C in its terminal. Then reset it.", file=sys.stderr)
        return 1
    shutil.rmtree(cloud.folder, ignore_errors=True)
    print("Deleted: the users, policies and sample data of the local cloud.")
    return 0


if __name__ == "__main__":
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # also for a pipe or a file
    sys.exit(main(sys.argv[1:]))
