"""The rig's pictures: flow, trumpet, pressure. They differ by line and mark, not by colour, so they print in grey.

Each returns a matplotlib Figure; what is simulated says so in the picture.
"""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from hil.flow import SAMPLE_MIN, Array, checked

WIDE_IN = 7.5
INK, GREY = "#1b1f24", "#7a858f"
STYLES = (("-", "o"), ("--", "s"), (":", "^"), ("-.", "D"))

Curve = Sequence[tuple[float, float, float]]


def start_up_plot(
    flow_ml_h: ArrayLike, set_rate_ml_h: float, simulated: bool, sample_min: float = SAMPLE_MIN
) -> Figure:
    """Rate against time from the start; mL/h each sample interval in min."""
    rates: Array = checked(flow_ml_h, 1, "rates")
    figure, axes = _figure(f"Start-up at {set_rate_ml_h:g} mL/h", simulated)
    times_min = [sample_min * index for index in range(len(rates) + 1)]
    axes.stairs(rates, times_min, baseline=None, color=INK, linewidth=1.2)
    axes.axhline(set_rate_ml_h, color=GREY, linewidth=1, linestyle="--")
    axes.annotate("set", (times_min[-1], set_rate_ml_h), xytext=(4, -3), textcoords="offset points", color=GREY)
    axes.set_xlabel("time, min")
    axes.set_ylabel("rate, mL/h")
    axes.set_xlim(0, times_min[-1])
    axes.set_ylim(bottom=min(0.0, float(rates.min())))
    return figure


def trumpet_plot(curves: Mapping[str, Curve], means_percent: Mapping[str, float], simulated: bool) -> Figure:
    """Ep(max) and Ep(min) in % against the window, for each named curve, with its overall mean error."""
    figure, axes = _figure("Trumpet curve", simulated)
    for (name, curve), (line, mark) in zip(curves.items(), STYLES, strict=False):
        windows = [window for window, _, _ in curve]
        label = f"{name}: mean error {means_percent[name]:+.2f} %".replace("-", "−")
        for errors, shown in (([low for _, low, _ in curve], ""), ([high for _, _, high in curve], label)):
            axes.plot(windows, errors, linestyle=line, marker=mark, color=INK, linewidth=1.2, markersize=5, label=shown)
        axes.axhline(means_percent[name], color=GREY, linewidth=0.8, linestyle=line)
    windows = [window for window, _, _ in next(iter(curves.values()))]
    axes.set_xticks(windows, [f"{window:g}" for window in windows])
    axes.set_xlabel("observation window, min")
    axes.set_ylabel("error of the mean rate, %")
    axes.legend(frameon=False, fontsize=9)
    return figure


def pressure_plot(time_s: ArrayLike, pressure_kpa: ArrayLike, moments: Mapping[str, float], simulated: bool) -> Figure:
    """Pressure against time, with named moments: clamp closed, alarm, opened."""
    figure, axes = _figure("Pressure at the syringe", simulated)
    times, pressures = checked(time_s, 2, "times"), checked(pressure_kpa, 2, "pressures")
    axes.plot(times, pressures, color=INK, linewidth=1.2)
    for index, ((name, at_s), (line, _)) in enumerate(zip(moments.items(), STYLES, strict=False)):
        axes.axvline(at_s, color=GREY, linewidth=1, linestyle=line)
        height = 0.97 - 0.2 * (index % 2)  # in turn higher and lower: moments may lie close together
        axes.annotate(
            name, (at_s, height), xycoords=("data", "axes fraction"), xytext=(3, 0), textcoords="offset points",
            rotation=90, va="top", fontsize=9,
        )  # fmt: skip
    axes.set_xlabel("time, s")
    axes.set_ylabel("pressure, kPa")
    axes.set_xlim(times[0], times[-1])
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + 0.45 * (high - low) * bool(moments))  # room for the words above the curve
    return figure


def _figure(title: str, simulated: bool) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(WIDE_IN, 3.4), layout="constrained")
    axes = figure.subplots()
    axes.set_title(f"{title} ({'simulated' if simulated else 'measured'})", loc="left", fontsize=11)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25)
    return figure, axes
