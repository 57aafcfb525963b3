"""Symbols of a schematic on a matplotlib figure: a sheet that takes wires, parts and words, and gives an SVG."""

from __future__ import annotations

import io
import math

import matplotlib
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Polygon, Rectangle

Point = tuple[float, float]
RIGHT = 1
INK, PALE = "#1f2d3d", "#f2f5f8"
LINE = 1.1
SIZE, SMALL = 8.5, 7.0
INCH = 0.42  # of one unit


class Sheet:
    """Coordinates in units, y upwards. figure: what has been drawn."""

    def __init__(self) -> None:
        self.figure = Figure()
        self._axes = self.figure.add_axes((0, 0, 1, 1))
        self._axes.set_axis_off()
        self._axes.set_aspect("equal")

    # --- what everything is made of

    def wire(self, *points: Point, dot: bool = False) -> None:
        """dot: the last point joins another wire."""
        self._axes.plot([x for x, _ in points], [y for _, y in points], color=INK, lw=LINE, solid_capstyle="round")
        if dot:
            self._axes.add_patch(Circle(points[-1], 0.09, color=INK))

    def text(self, x: float, y: float, words: str, align: str, small: bool = False, bold: bool = False) -> None:
        size = SMALL if small else SIZE
        weight = "bold" if bold else "normal"
        self._axes.text(x, y, words, ha=align, va="center", fontsize=size, fontweight=weight, color=INK)

    def box(self, x: float, far_x: float, bottom: float, top: float, title: str, note: str) -> None:
        """A part; its title above it, and a note below."""
        left, width = min(x, far_x), abs(far_x - x)
        self._axes.add_patch(Rectangle((left, bottom), width, top - bottom, fc=PALE, ec=INK, lw=LINE, zorder=0))
        self.text(left + width / 2, top + 0.3, title, "center", bold=True)
        self.text(left + width / 2, bottom - 0.28, note, "center", small=True)

    # --- parts

    def resistor(self, begin: Point, end: Point, label: str, at: float = 0.5) -> None:
        """at: where between its ends it lies."""
        (x0, y0), (x1, y1) = begin, end
        length = math.hypot(x1 - x0, y1 - y0)
        ux, uy = (x1 - x0) / length, (y1 - y0) / length
        mx, my = x0 + at * (x1 - x0), y0 + at * (y1 - y0)
        half = 0.42
        near, far = (mx - half * ux, my - half * uy), (mx + half * ux, my + half * uy)
        self.wire(begin, near)
        self.wire(far, end)
        width, height = (2 * half, 0.3) if abs(ux) > abs(uy) else (0.3, 2 * half)
        self._axes.add_patch(Rectangle((mx - width / 2, my - height / 2), width, height, fc="white", ec=INK, lw=LINE))
        if abs(ux) > abs(uy):
            self.text(mx, my + 0.33, label, "center", small=True)
        else:
            self.text(mx + 0.27, my, label, "left", small=True)

    def pull(self, at: Point, label: str, supply: str) -> None:
        """A resistor from a wire up to a supply."""
        x, y = at
        self._axes.add_patch(Circle(at, 0.09, color=INK))
        self.resistor(at, (x, y + 1.1), label, at=0.55)
        self.supply((x, y + 1.1), 0, supply)

    def capacitor(self, at: Point, label: str) -> None:
        """From a wire down to ground."""
        x, y = at
        self._axes.add_patch(Circle(at, 0.09, color=INK))
        self.wire(at, (x, y - 0.38))
        for plate in (y - 0.38, y - 0.52):
            self.wire((x - 0.25, plate), (x + 0.25, plate))
        self.wire((x, y - 0.52), (x, y - 0.62))
        self.ground((x, y - 0.62))
        self.text(x + 0.35, y - 0.45, label, "left", small=True)

    def ground(self, at: Point, side: int = 0) -> None:
        """side: to which it leads away before it goes down; 0 for straight down."""
        x, y = at
        self.wire(at, (x + side * 0.6, y), (x + side * 0.6, y - 0.15))
        for i, half in enumerate((0.25, 0.16, 0.07)):
            self.wire((x + side * 0.6 - half, y - 0.15 - 0.09 * i), (x + side * 0.6 + half, y - 0.15 - 0.09 * i))

    def supply(self, at: Point, side: int, label: str) -> None:
        """An arrow to a supply; side: 0 upwards."""
        x, y = at
        if side:
            end = (x + side * 0.6, y)
            tip = ((end[0], y + 0.12), (end[0] + side * 0.25, y), (end[0], y - 0.12))
            self.text(end[0] + side * 0.35, y, label, "left" if side > 0 else "right")
        else:
            end = (x, y + 0.15)
            tip = ((x - 0.12, end[1]), (x, end[1] + 0.25), (x + 0.12, end[1]))
            self.text(x + 0.2, end[1] + 0.15, label, "left")
        self.wire(at, end)
        self._axes.add_patch(Polygon(tip, fc=INK, ec=INK))

    def switch(self, begin: Point, end: Point) -> None:
        """A contact that is open at rest."""
        (x0, y), (x1, _) = begin, end
        a, b = x0 + 0.5, x1 - 0.5
        self.wire(begin, (a, y))
        self.wire((b, y), end)
        self.wire((a, y), (b - 0.05, y + 0.4))
        for x in (a, b):
            self._axes.add_patch(Circle((x, y), 0.08, fc="white", ec=INK, lw=LINE, zorder=3))

    def diode(self, anode: Point, cathode: Point, label: str) -> None:
        """One that shines."""
        (x0, y), (x1, _) = anode, cathode
        side = 1 if x1 > x0 else -1
        mid = (x0 + x1) / 2
        self.wire(anode, (mid - side * 0.25, y))
        self.wire((mid + side * 0.25, y), cathode)
        tip = ((mid - side * 0.25, y + 0.25), (mid + side * 0.25, y), (mid - side * 0.25, y - 0.25))
        self._axes.add_patch(Polygon(tip, fc="white", ec=INK, lw=LINE))
        self.wire((mid + side * 0.25, y + 0.25), (mid + side * 0.25, y - 0.25))
        for shift in (0.0, 0.2):
            begin = (mid - 0.05 + shift, y + 0.3)
            self._axes.annotate(
                "", (begin[0] + 0.22, begin[1] + 0.26), begin, arrowprops={"arrowstyle": "->", "lw": 0.8, "color": INK}
            )
        self.text(mid, y - 0.45, label, "center", small=True)

    def buzzer(self, at: Point) -> None:
        x, y = at
        self._axes.add_patch(Circle((x + 0.45, y), 0.45, fc="white", ec=INK, lw=LINE))
        self.text(x + 0.45, y, "BZ", "center", small=True)
        self.wire((x + 0.9, y), (x + 1.5, y))
        self.ground((x + 1.5, y))
        self.text(x + 2.0, y + 0.1, "piezo, without a drive", "left", small=True)

    def motor(self, x: float, y: float) -> None:
        """Left of the driver's edge x, by four wires."""
        for i in range(4):
            self.wire((x, y + 0.45 - 0.3 * i), (x - 1.0, y + 0.45 - 0.3 * i))
        self._axes.add_patch(Circle((x - 1.75, y), 0.95, fc=PALE, ec=INK, lw=LINE))
        self.text(x - 1.75, y, "M", "center", bold=True)
        self.text(x - 1.75, y - 1.25, "NEMA 17", "center", small=True)

    # --- the whole

    def svg(self, title: str) -> bytes:
        """With the title below everything; the same drawing gives the same bytes."""
        self._axes.autoscale_view()
        (left, right), (bottom, top) = self._axes.get_xlim(), self._axes.get_ylim()
        left, right, bottom, top = left - 1.2, right + 3.5, bottom - 1.2, top + 0.6
        self.text((left + right) / 2, bottom + 0.4, title, "center")
        self._axes.set_xlim(left, right)
        self._axes.set_ylim(bottom, top)
        self.figure.set_size_inches((right - left) * INCH, (top - bottom) * INCH)
        data = io.BytesIO()
        with matplotlib.rc_context({"svg.hashsalt": "titrate", "svg.fonttype": "none", "font.family": "DejaVu Sans"}):
            self.figure.savefig(data, format="svg", metadata={"Date": None, "Creator": None}, facecolor="white")
        return b"\n".join(line.rstrip() for line in data.getvalue().splitlines()) + b"\n"
