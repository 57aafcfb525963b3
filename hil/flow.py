"""Flow from weights, and what is read from it: mean error, trumpet curve, start-up, scatter. After IEC 60601-2-24.

The method is the standard's as far as it is known here (docs/rig.md); nothing measured with it claims conformity.
Arrays are one-dimensional float64, one value a sample interval; rates in mL/h, weights in g, intervals in min.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

SAMPLE_MIN = 0.5
WINDOWS_MIN = (2, 5, 11, 19, 31)
ANALYSIS_MIN = 60  # of a run of 120 min the second hour is analysed
DENSITY_G_ML = 0.998  # water at 20 Celsius
MIN_PER_H = 60


def flow_ml_h(
    weights_g: ArrayLike,
    sample_min: float = SAMPLE_MIN,
    density_g_ml: float = DENSITY_G_ML,
    evaporation_g_h: float = 0.0,
) -> Array:
    """Q_i = 60 (W_i - W_(i-1)) / (S d): n + 1 weights give n rates. Evaporation is what the pan loses in an hour.

    ValueError for fewer than two weights or one that is not a number.
    """
    weights = checked(weights_g, 2, "weights")
    rates: Array = (MIN_PER_H * np.diff(weights) / sample_min + evaporation_g_h) / density_g_ml
    return rates


def evaporation_g_h(time_s: ArrayLike, weights_g: ArrayLike) -> float:
    """What the pan loses in an hour, from a blank run: the slope of the straight line through it, changed in sign."""
    times_h, weights = checked(time_s, 2, "times") / 3600, checked(weights_g, 2, "weights")
    return float(-np.polyfit(times_h, weights, 1)[0])


def evenly(time_s: ArrayLike, values: ArrayLike, sample_min: float = SAMPLE_MIN) -> Array:
    """Values at every whole sample interval from the first time on, interpolated between the readings.

    ValueError where two readings lie further apart than two intervals: that is a gap and not a sample.
    """
    times, given = checked(time_s, 2, "times"), checked(values, 2, "values")
    widest_s = float(np.max(np.diff(times)))
    if widest_s > 2 * sample_min * 60:
        raise ValueError(f"a gap of {widest_s:g} s between readings; at most {2 * sample_min * 60:g} s are allowed")
    count = int(np.floor((times[-1] - times[0]) / (sample_min * 60) + 1e-9))
    return np.asarray(np.interp(times[0] + sample_min * 60 * np.arange(count + 1), times, given), np.float64)


def second_hour(flow: ArrayLike, sample_min: float = SAMPLE_MIN) -> Array:
    """The analysis hour of a run of two; ValueError for a shorter run."""
    samples = round(ANALYSIS_MIN / sample_min)
    return checked(flow, 2 * samples, "rates")[samples : 2 * samples]


def trumpet(
    flow_ml_h: ArrayLike,
    set_rate_ml_h: float,
    sample_min: float = SAMPLE_MIN,
    windows_min: Sequence[float] = WINDOWS_MIN,
) -> list[tuple[float, float, float]]:
    """[(window_min, ep_min_percent, ep_max_percent)]: the least and the most of the mean errors of all windows.

    flow_ml_h is the analysis hour; n rates have n - P/S + 1 overlapping windows. ValueError for a window that is
    no whole number of intervals, or longer than the flow.
    """
    rates = checked(flow_ml_h, 1, "rates")
    errors = 100 * (rates - set_rate_ml_h) / set_rate_ml_h
    sums = np.concatenate(([0.0], np.cumsum(errors)))
    curve = []
    for window_min in windows_min:
        samples = round(window_min / sample_min)
        if abs(samples * sample_min - window_min) > 1e-9 or not 0 < samples <= len(rates):
            raise ValueError(f"a window of {window_min:g} min does not fit {len(rates)} samples of {sample_min:g} min")
        means = (sums[samples:] - sums[:-samples]) / samples
        curve.append((float(window_min), float(means.min()), float(means.max())))
    return curve


def mean_error_percent(flow_ml_h: ArrayLike, set_rate_ml_h: float) -> float:
    """A = 100 (mean rate - set rate) / set rate over the analysis hour."""
    return float(100 * (np.mean(checked(flow_ml_h, 1, "rates")) - set_rate_ml_h) / set_rate_ml_h)


def spread_percent(flow_ml_h: ArrayLike) -> float:
    """%CV = standard deviation / mean, with n - 1."""
    rates = checked(flow_ml_h, 2, "rates")
    return float(100 * np.std(rates, ddof=1) / np.mean(rates))


@dataclass(frozen=True)
class StartUp:
    """delay_min: from start until the rate has first reached half of the set rate; None if it never does.
    to_90_percent_min: until it has reached 90 %. deficit_ml: what the first hour (or all there is) fell short of.
    """

    delay_min: float | None
    to_90_percent_min: float | None
    deficit_ml: float


def start_up(flow_ml_h: ArrayLike, set_rate_ml_h: float, sample_min: float = SAMPLE_MIN) -> StartUp:
    """What is read from the start-up curve: the rates from the start on, against time."""
    rates = checked(flow_ml_h, 1, "rates")

    def reached_min(share: float) -> float | None:
        above = np.flatnonzero(rates >= share * set_rate_ml_h)
        return float(above[0] + 1) * sample_min if len(above) else None

    first = rates[: round(ANALYSIS_MIN / sample_min)]
    deficit_ml = float(np.sum(set_rate_ml_h - first)) * sample_min / MIN_PER_H
    return StartUp(reached_min(0.5), reached_min(0.9), deficit_ml)


def checked(values: ArrayLike, at_least: int, name: str) -> Array:
    """As a one-dimensional array of finite numbers, at_least so many; ValueError otherwise, with the name."""
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or len(array) < at_least or not np.all(np.isfinite(array)):
        raise ValueError(f"{name}: a plain sequence of {at_least} or more finite numbers is needed")
    return array
