"""The delivery law: how many steps should have been made by a given infusion time. Exact integers throughout.

Infusion time is counted in PIO ticks and stands still while the motor is off. A phase is (duration, begin rate, end
rate), all its own (SR-RATE-02); its volume is a quadratic of time, with integer coefficients once everything is scaled
by the phase's length:

    2 x ticks an hour x volume_pl x length = 2 begin length t + (end - begin) t^2

A bolus on request is a second, linear term that may start in one phase and end in another (SR-BOLUS-07); the phases
stay as they are (SR-BOLUS-09). Nothing is rounded: a step is due when the scaled volume reaches a whole multiple of the
scaled step volume, and not one tick before, after days as in the first minute (SR-ACC-01).
"""

from pump.core.units import S_PER_H, TICKS_PER_MS, TICKS_PER_S

TYPE_CHECKING = False  # MicroPython has no typing
if TYPE_CHECKING:
    from pump.core.hardware import Phase

_SCALE = 2 * TICKS_PER_S * S_PER_H  # scaled volumes are picolitres times this

KIND, DURATION_MS, BEGIN_PL_H, END_PL_H = 0, 1, 2, 3  # of a phase on the wire
BOUNDS = 4  # floor and ceiling in pL/h may follow: between them an operator may set the rate


def _gcd(a: int, b: int) -> int:
    while b:
        a, b = b, a % b
    return a


class Law:
    """Steps against infusion time, one segment at a time: a stretch in which neither phase nor bolus changes.

    phases: [kind, duration_ms, begin_pl_h, end_pl_h] rows; step_volume: (picolitres, divisor) of one step.
    `at` is infusion time in ticks. `seek(at)` first: everything else speaks of the segment that holds `at`.
    """

    def __init__(self, phases: list["Phase"], step_volume: tuple[int, int]) -> None:
        pl, divisor = step_volume
        shared = _gcd(pl * _SCALE, divisor)
        self._step = pl * _SCALE // shared  # scaled volume of a step, times divisor
        self._divisor = divisor // shared
        self._bolus: "tuple[int, int, int] | None" = None  # the latest bolus: (scaled volume, begin, length)
        self._bolus_before = 0  # scaled volume of the boluses before it
        self.use(phases)

    def use(self, phases: list["Phase"]) -> None:
        """Takes phases in place of those before; boluses stay. The segment is that of tick 0."""
        self._phases = phases
        self.end = sum([phase[DURATION_MS] for phase in phases]) * TICKS_PER_MS
        self.phase = 0
        self._begin = 0
        self._end = self._length_of(0)
        self._before = 0  # scaled volume of the phases that are over
        self._fit(0)

    def _length_of(self, phase: int) -> int:
        duration_ms: int = self._phases[phase][DURATION_MS]
        return duration_ms * TICKS_PER_MS

    def _volume_of(self, phase: int) -> int:
        begin_pl_h: int = self._phases[phase][BEGIN_PL_H]
        end_pl_h: int = self._phases[phase][END_PL_H]
        return (begin_pl_h + end_pl_h) * self._length_of(phase)

    def seek(self, at: int) -> None:
        """Moves to the segment that holds tick `at`; behind the end the last one stays."""
        while at >= self._end and self.phase < len(self._phases) - 1:
            self._before += self._volume_of(self.phase)
            self.phase += 1
            self._begin = self._end
            self._end += self._length_of(self.phase)
        while at < self._begin:
            self.phase -= 1
            self._end = self._begin
            self._begin -= self._length_of(self.phase)
            self._before -= self._volume_of(self.phase)
        self._fit(at)

    def _fit(self, at: int) -> None:
        """Coefficients of the segment, t in ticks since the phase's begin: c0 + c1 t + c2 t^2 >= n step."""
        begin_pl_h: int = self._phases[self.phase][BEGIN_PL_H]
        end_pl_h: int = self._phases[self.phase][END_PL_H]
        self.flat = begin_pl_h == end_pl_h
        length = 1 if self.flat else self._end - self._begin
        self.segment_begin, self.segment_end = self._begin, self._end
        c0 = self._before + self._bolus_before
        slope, span = 0, 1
        if self._bolus:
            volume, begin, span = self._bolus
            if at < begin:
                self.segment_end = min(self._end, begin)
                span = 1
            elif at < begin + span:
                self.segment_begin = max(self._begin, begin)
                self.segment_end = min(self._end, begin + span)
                slope = volume
                c0 = c0 * span - volume * (begin - self._begin)
            else:
                self.segment_begin = max(self._begin, begin + span)
                c0 += volume
                span = 1
        scale = self._divisor * length
        self._c0 = c0 * scale
        self._c1 = (2 * begin_pl_h * span + slope) * scale
        self._c2 = (end_pl_h - begin_pl_h) * self._divisor * span
        self._s = self._step * length * span

    def intact(self, other: "Law") -> bool:
        """Whether what decides rate and volume is what it was: against another law of the same phases, which has no
        bolus and is moved to this segment, and against a fresh look at the segment (SR-DIAG-09)."""
        other.seek(self.segment_begin)
        kept = self._c0, self._c1, self._c2, self._s
        self._fit(self.segment_begin)
        return self._place() == other._place() and kept == (self._c0, self._c1, self._c2, self._s)

    def _place(self) -> tuple[int, ...]:
        return self._step, self._divisor, self.end, self._before, self._begin, self._end

    def _scaled(self, t: int) -> int:
        return (self._c2 * t + self._c1) * t + self._c0

    def steps_due(self, at: int) -> int:
        """Steps that the law wants by tick `at`: floor(volume / step volume)."""
        return self._scaled(at - self._begin) // self._s

    def tick_of(self, step: int, hint: int) -> int:
        """First tick of the segment at which `step` is due, by its end. hint: a tick of the segment before that."""
        if self.flat:
            return max(self.evenly(step)[0], self.segment_begin)
        target = step * self._s
        low, high = hint - self._begin, self.segment_end - self._begin
        if self._scaled(low) >= target:
            return hint
        guess = low
        while high - low > 1:  # Newton's rule, kept inside a bracket that shrinks at every turn
            slope = 2 * self._c2 * guess + self._c1
            if slope > 0:
                guess -= (self._scaled(guess) - target) // slope
            if not low < guess < high:
                guess = (low + high) // 2
            if self._scaled(guess) < target:
                low = guess
                if self._scaled(guess + 1) >= target:
                    high = guess + 1
            else:
                high = guess
                if self._scaled(guess - 1) < target:
                    low = guess - 1
        return self._begin + high

    def evenly(self, step: int) -> tuple[int, int, int, int, int]:
        """For a flat segment: (tick of `step`, its rest, ticks to the next, their fraction, what a whole tick is).

        The next step comes `ticks` later, and its rest is less by the fraction; below 0 it comes one tick later still
        and the rest is more by a whole tick. Thus every following step costs additions only, and stays exact.
        """
        tick, rest = divmod(self._c0 - step * self._s, self._c1)
        ticks, fraction = divmod(self._s, self._c1)
        return self._begin - tick, rest, ticks, fraction, self._c1

    def bolus_pl_h(self, at: int) -> int:
        """Rate that a bolus adds at tick `at`, rounded down."""
        if self._bolus and self._bolus[1] <= at < self._bolus[1] + self._bolus[2]:
            return self._bolus[0] // (2 * self._bolus[2])
        return 0

    @property
    def bolus_begin(self) -> int:
        """Tick at which the latest bolus begins, or 0."""
        return self._bolus[1] if self._bolus else 0

    @property
    def bolus_end(self) -> int:
        """Tick at which the latest bolus ends, or 0."""
        return self._bolus[1] + self._bolus[2] if self._bolus else 0

    def add_bolus(self, volume_pl: int, length: int, at: int) -> None:
        """Lays a bolus over the law from tick `at` on, `length` ticks long; the one before it must be over."""
        self._bolus_before += self._bolus[0] if self._bolus else 0
        self._bolus = (volume_pl * _SCALE, at, length)
        self.seek(at)

    def abandon_bolus(self, at: int) -> None:
        """Ends the latest bolus at tick `at`: what is delivered stays booked, the rest is dropped (SR-BOLUS-05)."""
        if self._bolus and at < self.bolus_end:
            volume, begin, span = self._bolus
            self._bolus_before += volume * max(at - begin, 0) // span  # down by less than 1.4e-9 pL
            self._bolus = None
            self.seek(at)

    def cap_boluses(self, steps: int) -> None:
        """Of the boluses that are over no more is kept than `steps`: what was taken back of them is not given again."""
        self._bolus_before = min(self._bolus_before, -(-steps * self._step // self._divisor))
        self.seek(0)
