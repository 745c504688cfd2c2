"""`python -m local.front PORT` serves the front and ministack, with ministack's settings from the environment."""

import sys

from local.front.server import run

run(int(sys.argv[1]))
