"""Pictures of a plan and of a delivery against time, as PNG or SVG. Draws; decides nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from pump.core.units import S_PER_H
from titrate.errors import ProtocolError
from titrate.plan import Plan
from titrate.session import Series

if TYPE_CHECKING:
    from titrate.plasma import Preview

Array = NDArray[np.float64]

PREVIEW = (
    "preview only: {} published models of ketamine, from the lowest to the highest; they tell of no single subject"
)
DISCLAIMER = "bench and research device, not a medical device"
MOST_POINTS = 2000  # more than a picture has pixels across
RATE_WINDOWS = 240  # a measured rate is a mean over this part of the time, or the steps of the pump would show
MOST_CHANGES = 60
BAND: dict[str, Any] = {"color": "#1f5fa8", "alpha": 0.13, "linewidth": 0}
MODEL_COLORS = ("#1f5fa8", "#6a3d9a", "#2d7d46", "#d9660a", "#b01657", "#6b6b6b")
COMMANDED, COUNTED, DELIVERED = "#9aa5b1", "#1f5fa8", "#d9660a"
SUFFIXES = (".png", ".svg")


def plot_plan(plan: Plan, path: str | Path) -> None:
    """Writes rate, cumulative dose and, for ketamine, the predicted plasma concentration of a plan.

    Raises ProtocolError for a path that cannot be a picture.
    """
    from titrate.plasma import preview

    check_path(path)
    predicted = preview(plan)
    figure, (rate, volume, *plasma) = _figure(plan, 3 if predicted else 2)
    _draw_bounds(plan, rate)
    _draw_commanded(plan, rate, volume, color=COUNTED)
    _draw_changes(plan, volume)
    if predicted:
        _draw_plasma(plan, predicted, plasma[0])
    _finish(figure, DISCLAIMER)
    _save(figure, path)


def plot_delivery(plan: Plan, series: Series, path: str | Path, simulated: bool = False) -> None:
    """Writes what was commanded, counted and delivered, and by how much they differ. Raises ProtocolError."""
    check_path(path)
    _save(delivery_figure(plan, series, simulated), path)


def delivery_figure(plan: Plan, series: Series, simulated: bool) -> Figure:
    """Rate and volume: commanded, counted, delivered, and by how much they differ. Needs two samples at two times."""
    figure, (rate, volume, difference) = _figure(plan, 3)
    _draw_commanded(plan, rate, volume, color=COMMANDED, width=5)
    due_ml = commanded_ml(plan, series.time_s)
    unit_s, _ = _time_unit(plan)
    lines = [("counted at the pin", COUNTED, 2.5, series.counted_ml)]
    if series.delivered_ml is not None:
        lines.append(("delivered", DELIVERED, 1.1, series.delivered_ml))
    shown = np.unique(np.linspace(0, len(series.time_s) - 1, MOST_POINTS).astype(int))
    for label, color, width, volume_ml in lines:
        edges_s, rates_ml_h = _mean_rates(plan, series.time_s, volume_ml)
        corners_s, rates_ml_h = np.repeat(edges_s, 2)[1:-1], np.repeat(rates_ml_h, 2)
        rate.plot(corners_s / unit_s, rates_ml_h, color=color, linewidth=width)
        volume.plot(series.time_s[shown] / unit_s, volume_ml[shown], color=color, linewidth=width, label=label)
        difference.plot(series.time_s[shown] / unit_s, 1000 * (volume_ml - due_ml)[shown], color=color, linewidth=1.1)
    difference.axhline(0, color=COMMANDED, linewidth=1)
    difference.set_ylabel("ahead of commanded, µL")
    volume.legend(frameon=False, fontsize=9, loc="upper left")  # a cumulative curve leaves this corner free
    _finish(figure, f"{DISCLAIMER}; simulated" if simulated else DISCLAIMER)
    return figure


def commanded_ml(plan: Plan, time_s: Array) -> Array:
    """The volume due at each plan time, in floats: for pictures, where Plan.commanded_ml is exact but slow."""
    begins_s = np.array([float(phase.begin_s) for phase in plan.phases])
    ends_s = np.array([float(phase.end_s) for phase in plan.phases])
    begins_ml_h = np.array([float(phase.begin_ml_h) for phase in plan.phases])
    ends_ml_h = np.array([float(phase.end_ml_h) for phase in plan.phases])
    volumes_ml = np.concatenate(([0.0], np.cumsum([float(phase.volume_ml) for phase in plan.phases])))
    index = np.clip(np.searchsorted(begins_s, time_s, side="right") - 1, 0, len(begins_s) - 1)
    elapsed_s = np.clip(time_s, begins_s[index], ends_s[index]) - begins_s[index]
    slope = (ends_ml_h - begins_ml_h)[index] / (ends_s - begins_s)[index]
    due_ml: Array = volumes_ml[index] + elapsed_s / S_PER_H * (begins_ml_h[index] + slope * elapsed_s / 2)
    return due_ml


def _draw_commanded(plan: Plan, rate: Axes, volume: Axes, color: str, width: float = 1.5) -> None:
    unit_s, _ = _time_unit(plan)
    corners_s = np.array([float(time) for phase in plan.phases for time in (phase.begin_s, phase.end_s)])
    rates_ml_h = [float(flow) for phase in plan.phases for flow in (phase.begin_ml_h, phase.end_ml_h)]
    rate.plot(
        np.concatenate((corners_s[:1], corners_s, corners_s[-1:])) / unit_s,
        [0.0, *rates_ml_h, 0.0],
        color=color,
        linewidth=width,
    )
    times_s = np.union1d(np.linspace(0, float(plan.duration_s), MOST_POINTS), corners_s)
    volume.plot(times_s / unit_s, commanded_ml(plan, times_s), color=color, linewidth=width, label="commanded")


def _draw_bounds(plan: Plan, rate: Axes) -> None:
    """Between what an operator may set the rate, where the plan says so."""
    unit_s, _ = _time_unit(plan)
    label: str | None = "bounds for the operator"
    for phase in plan.phases:
        if phase.floor_ml_h is not None and phase.ceiling_ml_h is not None:
            span = [float(phase.begin_s) / unit_s, float(phase.end_s) / unit_s]
            rate.fill_between(span, float(phase.floor_ml_h), float(phase.ceiling_ml_h), **BAND, label=label)
            label = None
    if label is None:
        rate.legend(frameon=False, fontsize=8, loc="lower right", bbox_to_anchor=(1, 0.98))  # above, in no line's way


def _draw_changes(plan: Plan, volume: Axes) -> None:
    """Where a syringe is empty, as long as the marks can be told apart."""
    unit_s, _ = _time_unit(plan)
    if 1 < plan.syringes <= MOST_CHANGES + 1:
        times_s = np.array(plan.changes_s())
        label = f"change of syringe, {len(times_s)} in all" if len(times_s) > 1 else "change of syringe"
        style = {"color": DELIVERED, "linestyle": "none", "marker": "o", "markersize": 4}
        volume.plot(times_s / unit_s, commanded_ml(plan, times_s), **style, label=label)  # type: ignore[arg-type]
        volume.legend(frameon=False, fontsize=8, loc="upper left", handlelength=1)


def _draw_plasma(plan: Plan, predicted: Preview, axes: Axes) -> None:
    """The span of the models, each of them as a thin line in it, and what that is worth."""
    unit_s, _ = _time_unit(plan)
    time = predicted.time_s / unit_s
    axes.fill_between(time, predicted.lowest, predicted.highest, **BAND)
    for color, (name, values) in zip(MODEL_COLORS, predicted.ng_ml.items(), strict=False):
        axes.plot(time, values, color=color, linewidth=0.9, label=name)
    axes.set_ylabel("plasma, ng/mL")
    axes.set_ylim(bottom=0, top=1.32 * float(predicted.highest.max()))  # room for the legend
    axes.legend(frameon=False, fontsize=8, ncols=6, loc="upper left", columnspacing=1.2, handlelength=1.4)
    axes.set_title(PREVIEW.format(len(predicted.ng_ml)), fontsize=9, loc="left", color="#a03000")


def _mean_rates(plan: Plan, time_s: Array, volume_ml: Array) -> tuple[Array, Array]:
    """Edges in s and the mean rate between them in mL/h; the edges of the phases are among them."""
    bounds_s = [float(phase.end_s) for phase in plan.phases]
    edges_s = np.union1d(np.linspace(time_s[0], time_s[-1], RATE_WINDOWS + 1), bounds_s)
    edges_s = edges_s[(edges_s >= time_s[0]) & (edges_s <= time_s[-1])]
    # Windows shorter than two samples would show the sampling and not the rate.
    step_s = 2 * (time_s[-1] - time_s[0]) / max(len(time_s) - 1, 1)
    edges_s = edges_s[np.concatenate(([True], np.diff(edges_s) >= step_s))]
    return edges_s, np.diff(np.interp(edges_s, time_s, volume_ml)) / np.diff(edges_s) * S_PER_H


def _time_unit(plan: Plan) -> tuple[float, str]:
    duration_s = float(plan.duration_s)
    if duration_s > 4 * 24 * S_PER_H:
        return 24 * S_PER_H, "days"
    if duration_s > 2 * S_PER_H:
        return S_PER_H, "hours"
    return (60, "minutes") if duration_s > 600 else (1, "seconds")


def _figure(plan: Plan, panels: int) -> tuple[Figure, Sequence[Axes]]:
    """A figure of panels above each other on one time axis; the first is rate, the second volume."""
    figure = Figure(figsize=(9, 2.4 * panels + 0.8), layout="constrained")
    panel: Sequence[Axes] = list(figure.subplots(panels, 1, sharex=True))
    figure.suptitle(f"{plan.protocol}: {plan.title}", fontsize=11, x=0.01, ha="left")
    panel[0].set_title(
        f"{plan.drug} {float(plan.concentration_mg_ml):.4g} mg/mL, {float(plan.weight_kg):g} kg, "
        f"{float(plan.total_mg):.6g} mg in {float(plan.total_ml):.6g} mL, {plan.syringes} x {plan.syringe}",
        fontsize=9,
        loc="left",
    )
    mg_per_ml = float(plan.concentration_mg_ml)
    _label(panel[0], "rate, mL/h", "mg/kg/h", mg_per_ml / float(plan.weight_kg))
    _label(panel[1], "volume so far, mL", "dose so far, mg", mg_per_ml)
    for axes in panel:
        axes.grid(alpha=0.25)
        axes.spines["top"].set_visible(False)
        axes.margins(x=0.015)
    panel[-1].set_xlabel(f"time, {_time_unit(plan)[1]}")
    return figure, panel


def _label(axes: Axes, left: str, right: str, factor: float) -> None:
    """Both ways to read an axis: as volume on the left, as dose on the right."""
    axes.set_ylabel(left)

    def to_dose(value: ArrayLike) -> Array:
        return np.asarray(value, dtype=np.float64) * factor

    def to_volume(value: ArrayLike) -> Array:
        return np.asarray(value, dtype=np.float64) / factor

    dose = axes.secondary_yaxis("right", functions=(to_dose, to_volume))
    dose.set_ylabel(right)


def check_path(path: str | Path) -> None:
    """Raises ProtocolError, before anything is played, for a path at which no picture can be written."""
    if Path(path).suffix.lower() not in SUFFIXES:
        raise ProtocolError("--plot", path, f"a file name that ends in {' or '.join(SUFFIXES)}")
    if not Path(path).resolve().parent.is_dir():
        raise ProtocolError("--plot", path, "a place that can be written: its folder does not exist")


def _finish(figure: Figure, footer: str) -> None:
    for axes in figure.axes:
        if axes.get_ylabel().startswith(("rate", "volume")):
            axes.set_ylim(bottom=0)
    figure.supxlabel(footer, fontsize=8, color="#666666", x=0.99, ha="right")


def _save(figure: Figure, path: str | Path) -> None:
    try:
        figure.savefig(path, dpi=120)
    except OSError as error:
        raise ProtocolError("--plot", path, f"a place that can be written ({error.strerror})") from None
