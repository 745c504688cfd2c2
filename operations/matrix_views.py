"""Shows the access matrix as a table for a terminal, as SVG and as CSV. Pure."""

import csv
from collections.abc import Mapping, Sequence
from html import escape
from io import StringIO

from chalicelib.core.route import Authorizer, Route
from chalicelib.core.statement import Statement
from chalicelib.core.upstream_paths import is_upstream
from chalicelib.matrix import Access, Cell, Matrix

SIGNS = {Access.ALLOWED: "yes", Access.PARTLY: "partly", Access.DENIED: "-"}
_COLOURS = {Access.ALLOWED: "#1a7f37", Access.PARTLY: "#9a6700", Access.DENIED: "#d8dee4"}
_TEXT = {Access.ALLOWED: "#ffffff", Access.PARTLY: "#ffffff", Access.DENIED: "#57606a"}
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))
_MEANINGS = {
    "yes": "every request is allowed",
    "scope": "only tokens with a certain scope are allowed",
    "partly": "some requests are allowed; `policies explain` decides one request",
    "-": "no request is allowed",
}
_STEP_UP = "every request is allowed until the sign-in of the user is older (signed_in_within)"
_ROW, _COLUMN, _CHARACTER = 28, 160, 7.5


def rows(matrix: Matrix) -> list[tuple[Route, list[Cell]]]:
    """Returns each route with the cells of all subjects, in the order of the subjects."""
    cells: Mapping[tuple[Route, str], Cell] = {(cell.route, cell.subject): cell for cell in matrix.cells}
    return [(route, [cells[route, subject] for subject, _ in matrix.subjects]) for route in matrix.routes]


def duration(seconds: int) -> str:
    """Returns a time in the largest unit that divides it, such as `15 min`."""
    return next((f"{seconds // size} {unit}" for size, unit in _UNITS if seconds % size == 0), f"{seconds} s")


def sign(cell: Cell, limit: str = "signed in within") -> str:
    """Returns the word for a cell. `scope`: a token with a scope is allowed.

    limit  the words before the greatest age of the sign-in, if every request has the same
    """
    by_scope = cell.exceptions and all(other.allowed and other.case.scopes for other in cell.exceptions)
    if cell.signed_in_within is not None and not cell.exceptions:
        return f"{SIGNS[Access.ALLOWED]}, {limit} {duration(cell.signed_in_within)}"
    return "scope" if by_scope and cell.reason != "allowed_by" else SIGNS[cell.access]


def explained(cell: Cell, guards: Sequence[Statement] = ()) -> str:
    """Returns why a cell is as it is, in one line.

    guards  the statements that the stage adds for every caller
    """
    because = f" ({', '.join(cell.because)})" if cell.because else ""
    exceptions = [
        f"{'allowed' if other.allowed else 'denied'}: {other.case.path}"
        + (f" with {' '.join(sorted(other.case.scopes))}" if other.case.scopes else "")
        + _limit(other.signed_in_within)
        for other in cell.exceptions
    ]
    forwarded = is_upstream(cell.route.path) and cell.route.authorizer is Authorizer.POLICIES
    denied = [_guarded(guard) for guard in guards] if forwarded else []
    return "; ".join([f"{cell.reason}{because}{_limit(cell.signed_in_within)}", *exceptions, *denied])


def _limit(seconds: int | None) -> str:
    return "" if seconds is None else f", signed in within {duration(seconds)}"


def _guarded(guard: Statement) -> str:
    return f"denied to everyone ({guard.sid}): {' '.join(guard.paths)}"


def legend(matrix: Matrix) -> list[str]:
    """Returns one line for each word in the matrix, and for each statement that the stage adds for every caller."""
    shown = {sign(cell) for cell in matrix.cells}
    lines = [f"{word}: {meaning}" for word, meaning in _MEANINGS.items() if word in shown]
    if any(cell.signed_in_within is not None for cell in matrix.cells):
        lines.append(f"signed in within: {_STEP_UP}")
    return lines + [_guarded(guard) for guard in matrix.guards]


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
        reason = explained(cell, matrix.guards)
        writer.writerow([cell.subject, cell.route.method, cell.route.path, cell.access.value, reason])
    return written.getvalue()


def as_svg(matrix: Matrix) -> str:
    """Returns a picture with a coloured cell for each subject and route. Each cell has its reason as a tooltip."""
    names = [str(route) for route in matrix.routes]
    left = int(max(map(len, names), default=0) * _CHARACTER) + 16
    notes = legend(matrix)
    below = _ROW * (len(names) + 1)
    longest = int(max(map(len, notes), default=0) * _CHARACTER) + 16
    width, height = max(left + _COLUMN * len(matrix.subjects) + 8, longest), below + _ROW * len(notes) + 8
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
            word = "no" if cell.access is Access.DENIED else sign(cell, "within")
            title = f"{cell.subject} {route}: {explained(cell, matrix.guards)}"
            parts.append(_text(x + _COLUMN // 2, top + 18, word, _TEXT[cell.access], title))
    for line, note in enumerate(notes):
        shown = note.replace("-:", "no:", 1) if note.startswith("-:") else note
        parts.append(f'<text x="8" y="{below + _ROW * line + 24}" fill="#57606a">{escape(shown)}</text>')
    return "\n".join([*parts, "</svg>", ""])


def _text(x: int, y: int, text: str, colour: str, title: str) -> str:
    shown = f"{escape(text)}<title>{escape(title)}</title>"
    return f'<text x="{x}" y="{y}" fill="{colour}" text-anchor="middle">{shown}</text>'


def _shortened(subject: str) -> str:
    most = int(_COLUMN // _CHARACTER) - 1
    return subject if len(subject) <= most else f"{subject[: most - 1]}…"
