"""Serves nanoidp on this machine until its standard input ends. The arguments are its port and its folder."""

import os
import sys
import threading

from nanoidp.app import run_app


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(0)  # nanoidp offers no way to stop its server


threading.Thread(target=_end_with_parent, daemon=True).start()
run_app(host="127.0.0.1", port=int(sys.argv[1]), config_dir=sys.argv[2])
