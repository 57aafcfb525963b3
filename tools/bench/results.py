"""The results of `make bench`: a table for the terminal, build/bench.json, a page with plots, docs/figures.md."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure as Picture
from rich.console import Console
from rich.table import Table

from hil.boards import ROOT
from hil.figures import Figure
from hil.plots import INK, WIDE_IN
from hil.report import MARKS
from titrate import page
from tools.bench.growth import Growth
from tools.bench.table import ROWS

BUILD = ROOT / "build"
FIGURES = ROOT / "docs/figures.md"
TEMPLATES = Path(__file__).parent

Json = dict[str, dict[str, Any]]


def figures_of(values: dict[str, float]) -> list[Figure]:
    """In the table's order; of what was not measured there is none."""
    return [
        Figure(name, float(values[name]), row.unit, row.low, row.high, target="emu")
        for name, row in ROWS.items()
        if name in values
    ]


def as_json(figures: Sequence[Figure]) -> Json:
    """{name: {value, unit, limit, better}}; limit: null where there is none."""
    return {
        figure.name: {
            "value": figure.value,
            "unit": figure.unit,
            "limit": next((edge for edge in (figure.high, figure.low) if math.isfinite(edge)), None),
            "better": ROWS[figure.name].better,
        }
        for figure in figures
    }


def moved(figures: Sequence[Figure], older: Json) -> list[str]:
    """A line for each figure that is not what it was, and for each that is new or gone."""
    lines = []
    for figure in figures:
        before = older.get(figure.name, {}).get("value")
        if before is None:
            lines.append(f"{figure.name}: new, {page.number(figure.value)} {figure.unit}")
        elif before != figure.value:
            better = (figure.value < before) == (ROWS[figure.name].better == "lower")
            share = f", {100 * (figure.value / before - 1):+.1f} %" if before else ""
            change = f"{page.number(before)} to {page.number(figure.value)} {figure.unit}{share}"
            lines.append(f"{figure.name}: {change}: {'better' if better else 'worse'}")
    gone = set(older) - {figure.name for figure in figures}
    return lines + [f"{name}: no longer measured" for name in sorted(gone)]


def print_table(figures: Sequence[Figure], console: Console) -> None:
    table = Table("figure", "value", "unit", "limit", "", "what, and a peer's")
    table.columns[1].justify = "right"
    for figure in figures:
        row = ROWS[figure.name]
        table.add_row(
            figure.name, page.number(figure.value), figure.unit, figure.limit, MARKS[figure.verdict],
            row.what + (f"; peer: {row.peer}" if row.peer else ""),
        )  # fmt: skip
    console.print(table)


def write(figures: Sequence[Figure], growths: Sequence[Growth], date: str, revision: str, firmware: str) -> None:
    """build/bench.json and build/bench.html; docs/figures.md only if everything was measured."""
    BUILD.mkdir(exist_ok=True)
    (BUILD / "bench.json").write_text(json.dumps(as_json(figures), indent=1) + "\n")
    values = {"figures": figures, "rows": ROWS, "marks": MARKS, "date": date, "revision": revision}
    values |= {"firmware": firmware, "growths": growths}
    pictures = [{"svg": page.inline_svg(plot(growth), growth.name), "growth": growth} for growth in growths]
    html = page.render("bench.html.j2", TEMPLATES, pictures=pictures, **values)
    (BUILD / "bench.html").write_text(html, encoding="utf-8")
    if {figure.name for figure in figures} == set(ROWS):
        FIGURES.write_text(page.render("figures.md.j2", TEMPLATES, **values), encoding="utf-8")


def plot(growth: Growth) -> Picture:
    figure = Picture(figsize=(WIDE_IN, 3.0), layout="constrained")
    axes = figure.subplots()
    axes.plot(growth.xs, growth.ys, marker="o", color=INK, linewidth=1.2, markersize=5)
    axes.set_title(growth.name, loc="left", fontsize=11)
    axes.set_xlabel(growth.x_label)
    axes.set_ylabel(growth.y_label)
    axes.set_xlim(left=0)
    axes.set_ylim(bottom=0)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25)
    return figure
