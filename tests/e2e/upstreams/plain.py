"""A server without code for Gatehouse: `python plain.py PORT`. It describes each request in its response."""

from __future__ import annotations

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Plain(BaseHTTPRequestHandler):
    """Answers every method and path alike."""

    def do_GET(self) -> None:
        size = len(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
        described: dict[str, Any] = {"method": self.command, "path": self.path, "size": size}
        content = json.dumps({**described, "headers": self.headers.items()}).encode()
        if self.path.startswith("/public/download"):
            content = bytes(range(256)) * 4096 * 9  # 9 MB that are not UTF-8
        self.send_response(200)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_GET

    def log_message(self, *_: Any) -> None:
        pass


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Plain).serve_forever()
