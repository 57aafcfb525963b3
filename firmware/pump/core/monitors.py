"""Samples in, conditions out: each monitor says whether its condition is true now. Thresholds are arguments.

`Occlusion`, `motor_fault` and `Air` run in every control tick: small integers only, nothing is allocated. The others
are asked once a second, or when something happens. What a condition leads to is the alarm table's business.
"""

from array import array

TYPE_CHECKING = False  # MicroPython has no typing
if TYPE_CHECKING:
    from typing import Final

RISE, FALL = 1, 2  # of Leap
LOW, DEPLETED, HIGH = 1, 2, 4  # of Supply

UNLIMITED: "Final" = 1 << 29  # steps: a small int that nobody makes
HOUR_MINUTES: "Final" = 60


class Occlusion:
    """Outlet pressure above the threshold while the motor runs; over when it has fallen to half (SR-OCC-01)."""

    def __init__(self, threshold_pa: int) -> None:
        self._active = False
        self.set(threshold_pa)

    def set(self, threshold_pa: int) -> None:
        """Chooses another level; a condition that is true stays so until half of the new one."""
        self.threshold_pa = threshold_pa
        self._release_pa = threshold_pa // 2

    def update(self, running: bool, pressure_pa: int) -> bool:
        if self._active:
            self._active = pressure_pa > self._release_pa
        else:
            self._active = running and pressure_pa > self.threshold_pa
        return self._active


class Suction:
    """Pressure that falls while the syringe draws in: its line is shut (SR-OCC-02)."""

    def __init__(self, fall_pa: int) -> None:
        self._fall_pa = fall_pa
        self._begin_pa = 0

    def begin(self, pressure_pa: int) -> None:
        """What it is while the motor still stands."""
        self._begin_pa = pressure_pa

    def update(self, pressure_pa: int) -> bool:
        return self._begin_pa - pressure_pa > self._fall_pa


def motor_fault(due_steps: int, counted_steps: int, asked_steps: int) -> bool:
    """The pulse count must lie between the steps that are due and those handed over (SR-DIAG-14)."""
    return not due_steps <= counted_steps <= asked_steps


class Doubling:
    """When to tell of a count that grows: each time that it has doubled, so the seldomer the more there is."""

    def __init__(self) -> None:
        self._at = 1

    def update(self, count: int) -> bool:
        if count < self._at:
            return False
        self._at = 2 * count
        return True


class Silence:
    """The host has been silent for too long. `heard` at each good line; time is what `update` is told."""

    def __init__(self, timeout_ms: int) -> None:
        self._timeout_ms = timeout_ms
        self._silent_ms = 0

    def heard(self) -> None:
        self._silent_ms = 0

    def update(self, elapsed_ms: int) -> bool:
        self._silent_ms = min(self._silent_ms + elapsed_ms, self._timeout_ms)
        return self._silent_ms >= self._timeout_ms


class Leap:
    """Pressure that rises (the line is shut, SR-OCC-01) or falls (line or syringe is off, SR-OCC-06) at a steady rate.

    It compares each sample with those of the window_s seconds before. A rate that differs from the first by more than
    one part in `steady` begins anew, and its first settle_s samples are no measure: a line behind a resistance needs
    some time constants. A leap is an event, so its condition stays until the rate changes or the motor stops.
    """

    def __init__(self, rise_pa: int, fall_pa: int, window_s: int, settle_s: int = 10, steady: int = 16) -> None:
        self._rise_pa = rise_pa
        self._fall_pa = fall_pa
        self._settle_s = settle_s
        self._steady = steady
        self._before_pa = array("i", [0] * window_s)
        self._next = 0
        self._begin(0)

    def _begin(self, rate_nl_h: int) -> None:
        self._rate_nl_h = rate_nl_h
        self._samples = self._found = 0

    def update(self, rate_nl_h: int, pressure_pa: int) -> int:
        """Once a second. rate_nl_h: 0 while the motor is off. RISE, FALL or 0."""
        before = self._before_pa
        first = self._rate_nl_h
        if abs(rate_nl_h - first) * self._steady > first or not rate_nl_h:
            self._begin(rate_nl_h)
        if self._samples <= self._settle_s:
            self._samples += 1
            for i in range(len(before)):
                before[i] = pressure_pa
            return 0
        if not self._found:
            if pressure_pa - min(before) > self._rise_pa:
                self._found = RISE
            elif max(before) - pressure_pa > self._fall_pa:
                self._found = FALL
        before[self._next] = pressure_pa
        self._next = (self._next + 1) % len(before)
        return self._found


class SensorBand:
    """A pressure reading that cannot be true: outside the band (open, shorted), or stuck_s seconds long the very same
    while the motor runs; stuck until it differs, whether the motor runs or not (SR-DIAG-13)."""

    def __init__(self, least_pa: int, most_pa: int, stuck_s: int) -> None:
        self._least_pa = least_pa
        self._most_pa = most_pa
        self._stuck_s = stuck_s
        self._last_pa: "int | None" = None
        self._same_s = 0

    def update(self, running: bool, pressure_pa: int) -> bool:
        """Once a second."""
        if pressure_pa != self._last_pa:
            self._last_pa = pressure_pa
            self._same_s = 0
        elif self._same_s < self._stuck_s:
            self._same_s = self._same_s + 1 if running else 0
        return self._same_s >= self._stuck_s or not self._least_pa <= pressure_pa <= self._most_pa


class Air:
    """Air that passes the detector, in steps of the motor: a single bubble, or the sum of an hour (SR-AIR-01).

    A bubble ends when liquid is seen, and with it the condition of a single one. The hour's sum does not lapse by
    itself once it has reached its limit: a person purges the line and says so (`forget`). What has been seen counts in
    the hour whether or not it was an alarm. The hour is that of the minutes that touch it: 60 to 61 of them.
    """

    def __init__(self) -> None:
        self._single_steps = self._hour_steps = UNLIMITED
        self._minutes = array("i", [0] * (HOUR_MINUTES + 1))  # steps of air in each, the one of now included
        self._minute = 0
        self._sum_steps = self._bubble_steps = 0
        self._air = False
        self._full = False  # the hour's sum has reached its limit

    def limits(self, single_steps: int, hour_steps: int) -> None:
        """A syringe was declared: what its limits are in its steps. The hour's air is converted, rounded up."""
        minutes = self._minutes
        self._sum_steps = 0
        for i in range(len(minutes)):
            minutes[i] = -(-minutes[i] * hour_steps // self._hour_steps)
            self._sum_steps += minutes[i]
        self._bubble_steps = -(-self._bubble_steps * hour_steps // self._hour_steps)
        self._single_steps = single_steps
        self._hour_steps = hour_steps

    def update(self, air: bool, steps: int) -> bool:
        """In every tick. air: as the detector says; steps: pushed since the last tick."""
        self._air = air
        if air:
            self._bubble_steps += steps
            self._minutes[self._minute] += steps
            self._sum_steps += steps
            if self._sum_steps >= self._hour_steps:
                self._full = True
        else:
            self._bubble_steps = 0
        return self._full or self._bubble_steps >= self._single_steps

    def seen_steps(self) -> "tuple[int, int]":
        """Of the bubble that is at the detector, and of all in the hour."""
        return self._bubble_steps, self._sum_steps

    def pass_minute(self) -> None:
        """Once a minute: the oldest leaves the hour."""
        minutes = self._minutes
        i = (self._minute + 1) % len(minutes)
        self._sum_steps -= minutes[i]
        minutes[i] = 0
        self._minute = i

    def forget(self) -> None:
        """A person has seen to the line. Ends the hour's condition, unless there is air at the detector still."""
        if self._full and not self._air:
            self._full = False
            self._sum_steps = 0
            for i in range(len(self._minutes)):
                self._minutes[i] = 0


class Supply:
    """Supply voltage below the low mark, below the depleted mark, or above the high one (SR-POWER-02)."""

    def __init__(self, low_mv: int, depleted_mv: int, high_mv: int, hysteresis_mv: int = 200) -> None:
        self._low_mv = low_mv
        self._depleted_mv = depleted_mv
        self._high_mv = high_mv
        self._hysteresis_mv = hysteresis_mv
        self._found = 0

    def update(self, mv: int) -> int:
        """LOW, DEPLETED and HIGH, or-ed; each is over when the voltage is back by the hysteresis."""
        before, back = self._found, self._hysteresis_mv
        found = 0
        if mv < self._low_mv + (back if before & LOW else 0):
            found |= LOW
        if mv < self._depleted_mv + (back if before & DEPLETED else 0):
            found |= DEPLETED
        if mv > self._high_mv - (back if before & HIGH else 0):
            found |= HIGH
        self._found = found
        return found


class Heat:
    """Temperature above the limit, in tenths of a degree; over when it is below by the hysteresis (SR-ALARM-09)."""

    def __init__(self, limit_dc: int, hysteresis_dc: int = 50) -> None:
        self._limit_dc = limit_dc
        self._hysteresis_dc = hysteresis_dc
        self._active = False

    def update(self, dc: int) -> bool:
        self._active = dc > self._limit_dc - (self._hysteresis_dc if self._active else 0)
        return self._active


class Waiting:
    """Something has waited for a person for limit_ms: a pause (SR-ALARM-10), a program without start (SR-UI-09)."""

    def __init__(self, limit_ms: int) -> None:
        self._limit_ms = limit_ms
        self._waited_ms = 0

    def update(self, waiting: bool, elapsed_ms: int) -> bool:
        """elapsed_ms: since the last look. The wait begins anew whenever nothing waits."""
        self._waited_ms = min(self._waited_ms + elapsed_ms, self._limit_ms) if waiting else 0
        return self._waited_ms >= self._limit_ms


class Reminder:
    """A person is waited for, and is to be reminded: after first_ms, and then every again_ms (SR-UI-08)."""

    def __init__(self, first_ms: int, again_ms: int) -> None:
        self._first_ms = first_ms
        self._again_ms = again_ms
        self._left_ms = first_ms

    def update(self, waiting: bool, elapsed_ms: int) -> bool:
        """elapsed_ms: since the last look. True once for each reminder; the first wait begins anew with each wait."""
        if not waiting:
            self._left_ms = self._first_ms
            return False
        self._left_ms -= elapsed_ms
        if self._left_ms > 0:
            return False
        self._left_ms = self._again_ms
        return True


class Repeats:
    """The same alarm was followed by a restart `times` times within window_ms (SR-STOP-06)."""

    def __init__(self, times: int, window_ms: int) -> None:
        self._times = times
        self._window_ms = window_ms
        self._restarts: "dict[int, list[int]]" = {}  # alarm bit: the latest restarts, in ms since power-on

    def note(self, now_ms: int, alarm_bits: int) -> bool:
        """At a restart after a stop by these alarms. True: for one of them it is one too many."""
        found = False
        while alarm_bits:
            bit = alarm_bits & -alarm_bits
            alarm_bits -= bit
            latest = (self._restarts.get(bit, []) + [now_ms])[-self._times :]
            self._restarts[bit] = latest
            if len(latest) == self._times and now_ms - latest[0] <= self._window_ms:
                found = True
        return found

    def forget(self) -> None:
        """A person has been told."""
        self._restarts = {}


def near_empty(remaining_nl: int, rate_nl_h: int, minutes: int) -> bool:
    """Whether the syringe lasts less than `minutes` at the rate of now (SR-RES-05); never at rate 0."""
    return remaining_nl * 60 < rate_nl_h * minutes
