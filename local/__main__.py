"""What the Makefile calls: run, demo, token, reset."""

import argparse
import os
import shutil
import sys

from local.cloud import LocalCloud, from_environment
from local.isolation import isolate
from local.outputs import NotRunning, read_outputs


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("run", help="run the local cloud until interrupted")
    commands.add_parser("demo", help="play the story against the running cloud")
    token = commands.add_parser("token", help="print an access token")
    token.add_argument("user", nargs="?", default="", help="a sample user")
    token.add_argument("--client", default="", help="machine: by client credentials, in place of a user")
    token.add_argument("--scope", default="", help="read, write or full names; several are separated by commas")
    commands.add_parser("reset", help="forget people, policies and documents")
    parsed = parser.parse_args(arguments)
    isolate(os.environ)
    cloud = from_environment()
    try:
        return {"run": _run, "demo": _demo, "token": _token, "reset": _reset}[parsed.command](cloud, parsed)
    except NotRunning as problem:
        print(problem, file=sys.stderr)
        return 1


def _run(cloud: LocalCloud, _: argparse.Namespace) -> int:
    from local.run import run

    return run(cloud)


def _demo(cloud: LocalCloud, _: argparse.Namespace) -> int:
    from local.demo import PromiseBroken, demo

    try:
        demo(read_outputs(cloud.outputs))
    except PromiseBroken as broken:
        print(f"\nThe story ended badly: {broken}.", file=sys.stderr)
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
        print("The local cloud is running: stop it first, with Ctrl-C in its terminal.", file=sys.stderr)
        return 1
    shutil.rmtree(cloud.folder, ignore_errors=True)
    print("Forgotten: people, policies and documents of the local cloud.")
    return 0


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)  # a pipe or a file shows each line at once, as a terminal does
    sys.exit(main(sys.argv[1:]))
