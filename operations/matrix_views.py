"""Shows the access matrix as a table for a terminal, as SVG and as CSV. Pure."""

import csv
from collections.abc import Mapping
from html import escape
from io import StringIO

from chalicelib.core.route import Route
from chalicelib.matrix import Access, Cell, Matrix

SIGNS = {Access.ALLOWED: "yes", Access.PARTLY: "partly", Access.DENIED: "-"}
_COLOURS = {Access.ALLOWED: "#1a7f37", Access.PARTLY: "#9a6700", Access.DENIED: "#d8dee4"}
_TEXT = {Access.ALLOWED: "#ffffff", Access.PARTLY: "#ffffff", Access.DENIED: "#57606a"}
_ROW, _COLUMN, _CHARACTER = 28, 120, 7.5


def rows(matrix: Matrix) -> list[tuple[Route, list[Cell]]]:
    """Returns each route with the cells of all subjects, in the order of the subjects."""
    cells: Mapping[tuple[Route, str], Cell] = {(cell.route, cell.subject): cell for cell in matrix.cells}
    return [(route, [cells[route, subject] for subject, _ in matrix.subjects]) for route in matrix.routes]


def sign(cell: Cell) -> str:
    """Returns the word for a cell. `scope`: a token with a scope is allowed."""
    by_scope = cell.exceptions and all(other.allowed and other.case.scopes for other in cell.exceptions)
    return "scope" if by_scope else SIGNS[cell.access]


def explained(cell: Cell) -> str:
    """Returns why a cell is as it is, in one line."""
    because = f" ({', '.join(cell.because)})" if cell.because else ""
    exceptions = [
        f"{'allowed' if other.allowed else 'denied'}: {other.case.path}"
        + (f" with {' '.join(sorted(other.case.scopes))}" if other.case.scopes else "")
        for other in cell.exceptions
    ]
    return "; ".join([f"{cell.reason}{because}", *exceptions])


def as_table(matrix: Matrix) -> tuple[list[str], list[list[str]]]:
    """Returns the headings and the rows of a table with one row for each route."""
    headings = ["route", *(subject for subject, _ in matrix.subjects)]
    return headings, [[str(route), *map(sign, cells)] for route, cells in rows(matrix)]


def as_csv(matrix: Matrix) -> str:
    """Returns one line for each cell, and a header."""
    written = StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(["subject", "method", "path", "access", "reason"])
    for cell in matrix.cells:
        writer.writerow([cell.subject, cell.route.method, cell.route.path, cell.access.value, explained(cell)])
    return written.getvalue()


def as_svg(matrix: Matrix) -> str:
    """Returns a picture with a coloured cell for each subject and route. Each cell has its reason as a tooltip."""
    names = [str(route) for route in matrix.routes]
    left = int(max(map(len, names), default=0) * _CHARACTER) + 16
    width, height = left + _COLUMN * len(matrix.subjects) + 8, _ROW * (len(names) + 1) + 8
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        ' font-family="ui-monospace, monospace" font-size="12" role="img" aria-label="Access matrix">',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
    ]
    for column, (subject, _) in enumerate(matrix.subjects):
        parts.append(_text(left + _COLUMN * column + _COLUMN // 2, 18, _shortened(subject), "#1f2328", subject))
    for line, (route, cells) in enumerate(rows(matrix), start=1):
        top = _ROW * line
        parts.append(f'<text x="8" y="{top + 18}" fill="#1f2328">{escape(str(route))}</text>')
        for column, cell in enumerate(cells):
            x = left + _COLUMN * column
            parts.append(
                f'<rect x="{x + 1}" y="{top + 1}" width="{_COLUMN - 2}" height="{_ROW - 2}" rx="3"'
                f' fill="{_COLOURS[cell.access]}"/>'
            )
            word = "no" if cell.access is Access.DENIED else sign(cell)
            title = f"{cell.subject} {route}: {explained(cell)}"
            parts.append(_text(x + _COLUMN // 2, top + 18, word, _TEXT[cell.access], title))
    return "\n".join([*parts, "</svg>", ""])


def _text(x: int, y: int, text: str, colour: str, title: str) -> str:
    shown = f"{escape(text)}<title>{escape(title)}</title>"
    return f'<text x="{x}" y="{y}" fill="{colour}" text-anchor="middle">{shown}</text>'


def _shortened(subject: str) -> str:
    most = int(_COLUMN // _CHARACTER) - 1
    return subject if len(subject) <= most else f"{subject[: most - 1]}…"
