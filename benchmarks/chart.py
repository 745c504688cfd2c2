"""Draws line charts as SVG: small panels in two columns, readable on a light and on a dark page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, log10

_WIDTH, _HEIGHT, _LEGEND = 440, 280, 40
_LEFT, _RIGHT, _TOP, _BOTTOM = 48, 32, 64, 46

_STYLE = """
  .paper { fill: #ffffff }  .ink { fill: #1f2328 }  .faint { fill: #59636e }  .grid { stroke: #d1d9e0 }
  .s0 { color: #0969da }  .s1 { color: #1a7f37 }  .s2 { color: #bc4c00 }  .s3 { color: #8250df }
  .s4 { color: #57606a }
  .line { fill: none; stroke: currentColor; stroke-width: 2; stroke-linejoin: round }  .dot { fill: currentColor }
  text { font: 12px system-ui, sans-serif }  .title { font-size: 14px; font-weight: 600 }
  @media (prefers-color-scheme: dark) {
    .paper { fill: #0d1117 }  .ink { fill: #f0f6fc }  .faint { fill: #9198a1 }  .grid { stroke: #3d444d }
    .s0 { color: #4493f8 }  .s1 { color: #3fb950 }  .s2 { color: #f0883e }  .s3 { color: #ab7df8 }
    .s4 { color: #b1bac4 }
  }"""


@dataclass(frozen=True, slots=True)
class Panel:
    """One chart. The axis of the sizes is logarithmic. The axis of the values starts at zero.

    series  name → a value for each size. A name has the same colour in all panels
    limit   the largest possible size, and the reason
    """

    title: str
    sizes: Sequence[int]
    size_name: str
    value_name: str
    series: Mapping[str, Sequence[float]]
    limit: tuple[int, str] | None = None


def draw(panels: Sequence[Panel], title: str) -> str:
    """Draws the panels under one legend."""
    width, height = 2 * _WIDTH, _LEGEND + ceil(len(panels) / 2) * _HEIGHT
    names = list(dict.fromkeys(name for panel in panels for name in panel.series))
    colours = {name: f"s{number}" for number, name in enumerate(names)}
    offsets = [(number % 2 * _WIDTH, _LEGEND + number // 2 * _HEIGHT) for number in range(len(panels))]
    drawn = [
        f'<g transform="translate({x} {y})">{_panel(panel, colours)}</g>'
        for (x, y), panel in zip(offsets, panels, strict=True)
    ]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" role="img">',
            f"<title>{escape(title)}</title><style>{_STYLE}\n</style>",
            f'<rect class="paper" width="{width}" height="{height}" rx="6"/>',
            _legend(colours),
            *drawn,
            "</svg>\n",
        ]
    )


def _legend(colours: Mapping[str, str]) -> str:
    parts, x = [], 22
    for name, colour in colours.items():
        parts += [f'<circle class="dot {colour}" cx="{x}" cy="24" r="5"/>', _text(x + 11, 28, name, "ink")]
        x += 42 + 6 * len(name)  # approximate width of the text
    return "".join(parts)


def _panel(panel: Panel, colours: Mapping[str, str]) -> str:
    largest = max(panel.limit[0] if panel.limit else 0, *panel.sizes)
    step, steps = _grid(max(value for values in panel.series.values() for value in values))
    right, floor = _WIDTH - _RIGHT, _HEIGHT - _BOTTOM

    def x(size: int) -> float:
        return round(_LEFT + log10(size / panel.sizes[0]) / log10(largest / panel.sizes[0]) * (right - _LEFT), 1)

    def y(value: float) -> float:
        return round(floor - value / (step * steps) * (floor - _TOP), 1)

    parts = [_text(16, 24, panel.title, "ink title"), _text(16, 44, panel.value_name, "faint")]
    for value in (number * step for number in range(steps + 1)):
        parts.append(f'<path class="grid" d="M{_LEFT} {y(value)}H{right}"/>')
        parts.append(_text(_LEFT - 6, y(value) + 4, f"{value:g}", "faint", "end"))
    parts += [_text(x(size), floor + 18, f"{size:,}", "faint", "middle") for size in panel.sizes]
    parts.append(_text((_LEFT + right) / 2, _HEIGHT - 10, panel.size_name, "faint", "middle"))
    if panel.limit:
        size, reason = panel.limit
        parts.append(f'<path class="grid" stroke-dasharray="4 4" d="M{x(size)} {floor}V{_TOP - 12}"/>')
        parts.append(_text(x(size), _TOP - 18, reason, "faint", "end"))
    for name, values in panel.series.items():
        points = [f"{x(size)} {y(value)}" for size, value in zip(panel.sizes, values, strict=True)]
        dots = "".join('<circle class="dot" cx="{}" cy="{}" r="2.5"/>'.format(*point.split()) for point in points)
        parts.append(f'<g class="{colours[name]}"><path class="line" d="M{"L".join(points)}"/>{dots}</g>')
    return "".join(parts)


def _grid(highest: float) -> tuple[float, int]:
    """Returns a round step, and the number of steps that reach the highest value."""
    power = 10 ** (ceil(log10(highest)) - 1)
    step = next(power * factor for factor in (0.2, 0.5, 1, 2) if highest <= power * factor * 5)
    return step, ceil(highest / step)


def _text(x: float, y: float, text: str, style: str, anchor: str = "start") -> str:
    return f'<text class="{style}" x="{x}" y="{y}" text-anchor="{anchor}">{escape(text)}</text>'
