"""Records `make run` and `make demo` as pictures: docs/images/run.svg and demo.svg.

    .venv/bin/python -m website.record

The lines are the real output of both commands. Ids and ports are replaced, so that two recordings differ in their times
only. Each line appears after the one before, unless the reader has asked for reduced motion.
"""

import html
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
IMAGES = PROJECT / "docs/images"
_LAST = "The log of the functions follows."
_COLUMNS, _LINE, _WIDTH = 132, 19, 8.2  # characters; pixels for a line and for a character
_SECONDS = 0.15  # from one line to the next
_MASKS = (
    (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "0b7093bd-cc1b-4ec6-a236-cb08908dea67"),
    (r"\b[0-9a-f]{32}\b", "36a9a95b1eb64688bbb04904942ee03a"),
    (r"execute-api/[0-9a-f]{8}", "execute-api/38fe9e57"),
    (r"(client[: ])[A-Za-z0-9]{26}", r"\1zyeefeFlAscdz2vBf6zpXZt6ub"),
    (r'("client":")[A-Za-z0-9]{10,26}', r"\1STlfkFUDs2TLAhPgejGwmeuN8j"),
    (r"newcomer-[0-9a-f]{8}", "newcomer-7878a88a"),
    (r"/\S*/outputs\.json", ".local/outputs.json"),
)
_COLORS = ((r" 20\d ", "#98c379"), (r" 40\d ", "#e5c07b"), (r"^[A-Z]", "#61afef"))


def picture(lines: Iterable[str], title: str) -> str:
    """Returns the SVG of a terminal that shows the lines one after the other."""
    shown = [line if len(line) <= _COLUMNS else line[: _COLUMNS - 1] + "…" for line in lines]
    texts = "\n".join(_text(line, number) for number, line in enumerate(shown))
    width, height = round(_COLUMNS * _WIDTH + 40), len(shown) * _LINE + 70
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" aria-label="{title}">
<title>{title}</title>
<style>
text {{ font: 13.5px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; white-space: pre; fill: #dcdfe4; }}
@media (prefers-reduced-motion: no-preference) {{
  .line {{ opacity: 0; animation: show 0.01s forwards; }}
  @keyframes show {{ to {{ opacity: 1; }} }}
}}
</style>
<rect width="{width}" height="{height}" rx="9" fill="#282c34"/>
<circle cx="22" cy="20" r="6" fill="#e06c75"/><circle cx="42" cy="20" r="6" fill="#e5c07b"/>
<circle cx="62" cy="20" r="6" fill="#98c379"/>
<text x="{width / 2:.0f}" y="25" text-anchor="middle" style="fill:#9da5b4">{title}</text>
{texts}
</svg>
"""


def _text(line: str, number: int) -> str:
    color = next((f"fill:{color};" for pattern, color in _COLORS if re.search(pattern, line)), "")
    style = f"{color}animation-delay:{number * _SECONDS:.2f}s"
    return f'<text class="line" x="20" y="{60 + number * _LINE}" style="{style}">{html.escape(line)}</text>'


def masked(line: str, port: int) -> str:
    """Returns a line with the same ids and ports in every recording."""
    line = line.replace(f":{port}", ":4566")
    for pattern, replacement in _MASKS:
        line = re.sub(pattern, replacement, line)
    return line


def _until_ready(process: subprocess.Popen[str]) -> Iterator[str]:
    for line in process.stdout or ():
        yield line.rstrip()
        if _LAST in line:
            return


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        environment = {
            **os.environ,
            "GATEHOUSE_LOCAL": f"{folder}/cloud",
            "GATEHOUSE_PORT": str(port),
            "GATEHOUSE_COMPANY_PORT": str(port + 1),
        }
        manage = [sys.executable, "manage.py"]
        cloud = subprocess.Popen(  # noqa: S603
            [*manage, "run"], cwd=PROJECT, env=environment, stdout=subprocess.PIPE, text=True
        )
        try:
            started = ["$ make run", *_until_ready(cloud)]
            walk = subprocess.run(  # noqa: S603
                [*manage, "demo"], cwd=PROJECT, env=environment, stdout=subprocess.PIPE, text=True, check=True
            )
        finally:
            cloud.send_signal(signal.SIGINT)
            cloud.wait()
    for name, lines in (("run", started), ("demo", ["$ make demo", *walk.stdout.splitlines()])):
        content = picture([masked(line, port) for line in lines], f"make {name}")
        (IMAGES / f"{name}.svg").write_text(content, encoding="utf-8")


if __name__ == "__main__":
    main()
