"""The scopes of the sample's files, in full."""

from chalicelib.settings import Settings

READ, WRITE = (f"{Settings({}).resource_server}/{scope}" for scope in ("file.read", "file.write"))
