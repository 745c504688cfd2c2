"""Writes the reference pages that follow from the code."""

from pathlib import Path

from chalicelib.environment import Setting
from chalicelib.settings import Settings

SETTINGS_PAGE = "docs/settings.md"
_BEGIN, _END = "<!-- written by `make docs` -->\n", "<!-- end of what `make docs` writes -->\n"


def write_reference(project: Path) -> None:
    """Writes the table of `docs/settings.md` anew."""
    page = project / SETTINGS_PAGE
    page.write_text(with_settings(page.read_text(encoding="utf-8")), encoding="utf-8")


def with_settings(page: str) -> str:
    """Returns the page with the current table between its markers."""
    before, rest = page.split(_BEGIN)
    _, after = rest.split(_END)
    return f"{before}{_BEGIN}\n{settings_table()}\n{_END}{after}"


def settings_table() -> str:
    """Returns a Markdown table of all settings, in the order of the code."""
    rows = [_row(setting) for setting in vars(Settings).values() if isinstance(setting, Setting)]
    return "\n".join(["| name | meaning | default | unit |", "|---|---|---|---|", *rows, ""])


def _row(setting: Setting[object]) -> str:
    default = {None: "required", "": "empty"}.get(setting.default, f"`{setting.default}`")
    return f"| `{setting.name}` | {setting.meaning} | {default} | {setting.unit} |"
