"""The command line of Gatehouse: `python manage.py --help`."""

import io
import sys

if sys.version_info < (3, 11):  # noqa: UP036  # somebody may run it with the machine's own Python
    sys.exit(
        "manage.py needs Python 3.11 or newer: run `.venv/bin/python manage.py`; any `make` command creates .venv."
    )

OWN = frozenset({"app", "authorizers", "benchmarks", "chalicelib", "infra", "local", "operations"})


def run() -> int:
    from operations.command_line import main

    return main(sys.argv[1:])


if __name__ == "__main__":
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # also for a pipe or a file
    try:
        sys.exit(run())
    except KeyboardInterrupt:  # while the command line is imported; later, `main` reports it
        print("Interrupted. To continue, run the same command again.", file=sys.stderr)
        sys.exit(130)
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if not package or package in OWN:
            raise  # a fault of this repository, and not of how it was started
        sys.exit(
            f"The Python package {package} is missing: run `.venv/bin/python manage.py`,"
            " or `make`, which creates .venv (`make help` lists its commands)."
        )
