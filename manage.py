"""The command line for operators: `python manage.py --help`."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036  # somebody may run it with the machine's own Python
    sys.exit(
        "manage.py needs Python 3.11 or newer: run `.venv/bin/python manage.py`; any `make` command creates .venv."
    )

try:
    from operations.command_line import main
except ModuleNotFoundError as error:
    if error.name is None or error.name.partition(".")[0] in ("chalicelib", "infra", "operations"):
        raise  # a fault of this repository, and not of how it was started
    sys.exit(
        f"The Python package {error.name} is missing: run `.venv/bin/python manage.py`,"
        " or `make`, which creates .venv (`make help` lists its commands)."
    )

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
