"""`python -m local.front PORT`: the front and ministack alone, with ministack's settings from the environment."""

import sys

from local.front.server import run

run(int(sys.argv[1]))
