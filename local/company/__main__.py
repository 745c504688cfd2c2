"""Serves nanoidp on this machine until its standard input ends. The arguments are its port and its folder."""

import os
import sys
import threading

from nanoidp.app import create_app


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(0)  # nanoidp offers no way to stop its server


threading.Thread(target=_end_with_parent, daemon=True).start()
app = create_app(config_dir=sys.argv[2])
app.config["TRUSTED_HOSTS"] = ["localhost", "127.0.0.1"]  # refuses DNS rebinding
app.run(host="127.0.0.1", port=int(sys.argv[1]))
