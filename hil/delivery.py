"""What a run shows beside its flow: occlusion, end of infusion, hold rate, latency of an alarm.

Series are one-dimensional and of equal length: time in s, rising; volumes in uL at the open end; pressures in kPa.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

S_PER_H = 3600


@dataclass(frozen=True)
class Occlusion:
    """time_s: from the closed clamp to the alarm. pressure_kpa: at the alarm; highest_kpa: until the clamp was opened.
    released_ul: bolus at the open end once the clamp is open and until `settled`, less what was due in that time.
    """

    time_s: float
    pressure_kpa: float
    highest_kpa: float
    released_ul: float


def occlusion(
    time_s: ArrayLike,
    pressure_kpa: ArrayLike,
    delivered_ul: ArrayLike,
    *,
    closed_s: float,
    alarm_s: float,
    opened_s: float,
    settled_s: float,
    due_ul: float = 0.0,
) -> Occlusion:
    """Reads the figures of one occlusion from what was recorded around it.

    ValueError if the four moments are out of order or outside of the record.
    """
    times = np.asarray(time_s, dtype=np.float64)
    moments = [closed_s, alarm_s, opened_s, settled_s]
    if moments != sorted(moments) or closed_s < times[0] or settled_s > times[-1]:
        raise ValueError(f"closed, alarm, opened, settled at {moments} s are not in order within the record")
    pressures = np.asarray(pressure_kpa, dtype=np.float64)
    shut = (times >= closed_s) & (times <= opened_s)
    at_alarm = float(np.interp(alarm_s, times, pressures))
    opened_ul, settled_ul = np.interp([opened_s, settled_s], times, np.asarray(delivered_ul, dtype=np.float64))
    highest = max(at_alarm, float(pressures[shut].max(initial=at_alarm)))
    return Occlusion(alarm_s - closed_s, at_alarm, highest, float(settled_ul - opened_ul) - due_ul)


def rate_ml_h(time_s: ArrayLike, delivered_ul: ArrayLike, begin_s: float, end_s: float) -> float:
    """Mean rate between two times: of a phase, or of holding (KVO)."""
    if end_s <= begin_s:
        raise ValueError(f"from {begin_s:g} s to {end_s:g} s is no time")
    begin_ul, end_ul = np.interp([begin_s, end_s], np.asarray(time_s, float), np.asarray(delivered_ul, float))
    return float(end_ul - begin_ul) / 1000 * S_PER_H / (end_s - begin_s)


@dataclass(frozen=True)
class Ending:
    """error_percent: volume at the open end against the set volume. late_s: the alarm after the end that was due.
    after_ul: what came after the alarm."""

    error_percent: float
    late_s: float
    after_ul: float


def ending(time_s: ArrayLike, delivered_ul: ArrayLike, *, set_ul: float, due_s: float, alarm_s: float) -> Ending:
    """The end of an infusion of set_ul that began with the record and was due to end at due_s."""
    times, volumes = np.asarray(time_s, dtype=np.float64), np.asarray(delivered_ul, dtype=np.float64)
    total_ul, at_alarm_ul = float(volumes[-1] - volumes[0]), float(np.interp(alarm_s, times, volumes))
    after_ul = float(volumes[-1]) - at_alarm_ul
    return Ending(100 * (total_ul - set_ul) / set_ul, alarm_s - due_s, after_ul)


def latency_s(cause_s: float, edges: Sequence[tuple[float, bool]]) -> float | None:
    """From a cause to the first edge at which a signal turns on (or at once where it is on); None if it never does.

    edges: (time in s, on) in order, as recorded at a pin.
    """
    on = False
    for at_s, now in edges:
        if at_s > cause_s and on:
            return 0.0
        if at_s >= cause_s and now:
            return at_s - cause_s
        on = now
    return 0.0 if on else None
