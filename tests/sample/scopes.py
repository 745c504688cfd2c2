"""The full names of the scopes for the file routes of the sample."""

from chalicelib.settings import Settings

READ, WRITE = (f"{Settings({}).resource_server}/{scope}" for scope in ("file.read", "file.write"))
