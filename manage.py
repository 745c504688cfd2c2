"""The command line for operators: `python manage.py --help`."""

import sys

from operations.command_line import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
