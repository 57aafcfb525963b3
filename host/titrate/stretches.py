"""Stretches of time in which a rate is constant or changes linearly, before they have their place in a plan."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from pump.core import units, wire
from titrate.places import Path

LONGEST_PAUSE_S = Fraction(wire.MAX_PHASE_MS, units.MS_PER_S)


@dataclass(frozen=True)
class Stretch:
    """Rates in mg/h. path: the phase of the file. floor and ceiling: between what an operator may set the rate."""

    kind: str
    duration_s: Fraction
    begin_mg_h: Fraction
    end_mg_h: Fraction
    path: Path
    source: str | None = None
    floor_mg_h: Fraction | None = None
    ceiling_mg_h: Fraction | None = None

    @property
    def dose_mg(self) -> Fraction:
        return (self.begin_mg_h + self.end_mg_h) / 2 * self.duration_s / units.S_PER_H

    @property
    def highest_mg_h(self) -> Fraction:
        return max(self.begin_mg_h, self.end_mg_h)


def pause(duration_s: Fraction, path: Path) -> list[Stretch]:
    """Nothing for a while, cut into pieces that the wire can hold."""
    whole, rest_s = divmod(duration_s, LONGEST_PAUSE_S)
    pieces_s = [LONGEST_PAUSE_S] * int(whole) + [rest_s] * bool(rest_s)
    return [Stretch("pause", piece_s, Fraction(), Fraction(), path) for piece_s in pieces_s]


def length_s(stretches: Iterable[Stretch]) -> Fraction:
    """How long they are together."""
    return sum((stretch.duration_s for stretch in stretches), Fraction())


def largest_dose_mg(stretches: Sequence[Stretch], window_s: Fraction) -> tuple[Fraction, Fraction]:
    """(largest dose within any window, when that window ends in s), exactly.

    Both ends of a window that slides along cross boundaries only at known times; in between, the dose within it is a
    quadratic of time, largest at an end or at its vertex.
    """
    begins_s, before_mg = [Fraction()], [Fraction()]
    for stretch in stretches:
        begins_s.append(begins_s[-1] + stretch.duration_s)
        before_mg.append(before_mg[-1] + stretch.dose_mg)
    end_s = begins_s[-1]

    def at(time_s: Fraction, side: int) -> tuple[Fraction, Fraction]:
        """(dose until then in mg, rate in mg/h on the side before (-1) or after (1) that time)."""
        if time_s < 0 or (time_s == 0 and side < 0):
            return Fraction(), Fraction()
        index = bisect_right(begins_s, time_s) - 1
        if begins_s[index] == time_s and side < 0:
            index -= 1
        index = min(index, len(stretches) - 1)
        stretch, elapsed_s = stretches[index], time_s - begins_s[index]
        rate = stretch.begin_mg_h + (stretch.end_mg_h - stretch.begin_mg_h) * elapsed_s / stretch.duration_s
        return before_mg[index] + (stretch.begin_mg_h + rate) / 2 * elapsed_s / units.S_PER_H, rate

    times = sorted({time for begin in begins_s for time in (begin, begin + window_s) if time <= end_s})
    best_mg, best_s = Fraction(), Fraction()
    for begin, end in pairwise(times):
        dose_begin, rate_in = at(begin, 1)
        rear_begin, rate_out = at(begin - window_s, 1)
        dose_end, rate_in_end = at(end, -1)
        rear_end, rate_out_end = at(end - window_s, -1)
        rise, rise_end = rate_in - rate_out, rate_in_end - rate_out_end
        candidates = [(dose_begin - rear_begin, begin), (dose_end - rear_end, end)]
        if rise > 0 > rise_end:
            vertex_s = (end - begin) * rise / (rise - rise_end)
            candidates.append((dose_begin - rear_begin + rise * vertex_s / 2 / units.S_PER_H, begin + vertex_s))
        for dose_mg, time_s in candidates:
            if dose_mg > best_mg:
                best_mg, best_s = dose_mg, time_s
    return best_mg, best_s
