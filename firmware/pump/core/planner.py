"""Turns the delivery law into words for the step generator, a little ahead of time and off the control tick.

A word is a few equal steps, or a rest; it lasts a whole number of ticks (the layout is `word`, the state machine that
runs it is in drivers/stepper_pio.py). No step is ever planned before the tick at which the law wants it. Slow rates
get one word a step, exact to the tick (SR-RATE-05). Fast ones share words of about GROUP_TICKS; inside a flat phase
their steps are late by at most a quarter of a tick a step, inside a ramp by the curvature of a tenth of a second.
"""

from array import array

TYPE_CHECKING = False  # MicroPython has no typing
if TYPE_CHECKING:
    from pump.core.law import Law

OVERHEAD_TICKS = 11  # of the state machine's loop: the shortest word
MAX_WORD_TICKS = 10000  # 100 ms: two words more than cover a control period
GROUP_TICKS = 10000
GROUP_BELOW_TICKS = 4000  # steps closer than 40 ms share words, or four words would not last a control period
MAX_STEPS = 256
LATE_TICKS, STOP_TICKS = 10000, 200  # a stop is known to 2 ms, and the steps that came due in them are made up
RING = 32  # words planned, and those handed over that may still be in work; a power of two


def word(steps: int, period_ticks: int) -> int:
    """The word for `steps` equal steps (1 to 256), or for a rest of one period (steps = 0). Below 2^30.

    From the lowest bit: steps - 1 (8 bits), fine (6), coarse (10), pulse (1);
    period = OVERHEAD_TICKS + fine + (32 (coarse + 1) if coarse else 0).
    """
    spare = period_ticks - OVERHEAD_TICKS
    fine, coarse = (spare, 0) if spare < 64 else (spare & 31, (spare >> 5) - 1)
    return (steps - 1 if steps else 0) | fine << 8 | coarse << 14 | (1 << 24 if steps else 0)


_LONG_REST = word(0, MAX_WORD_TICKS)


class Planner:
    """A ring of planned words. `refill` makes them up to `tail`; the feeder takes them from `head` on, and keeps those
    from `oldest` on until they must be over: they are not written over before.

    words, ticks, steps: the ring's columns. position: infusion tick at the end of the last planned word.
    planned: number of the last planned step. astray: the law wants a step that is long overdue, which no stop explains:
    no more is planned, and nothing is made up. dry: the syringe's last step is planned and the law wants more.
    beats: how often it was asked to plan (SR-DIAG-04). ramp: ticks of the steps that end with the syringe's last one
    (slowing.py): where they come later, infusion time goes so much slower, so that nothing is made up behind them.
    """

    def __init__(self, law: "Law", limit_steps: int, shortest_ticks: int) -> None:
        self.law = law
        self.limit = limit_steps  # the syringe's last step
        self.shortest = shortest_ticks  # the motor's fastest step; nothing is ever planned faster
        self.words, self.ticks, self.steps = array("I", [0] * RING), array("I", [0] * RING), array("H", [0] * RING)
        self.beats = 0
        self.ramp: tuple[int, ...] = ()
        self.astray = False
        self.seek(0, 0)

    def seek(self, position: int, planned: int) -> None:
        """Forgets all planned words and plans on from infusion tick `position` with `planned` steps made."""
        self.oldest = self.head = self.tail = 0
        self.ahead_ticks = 0  # in the ring, not yet with the hardware
        self.position = position
        self.planned = planned
        self.dry = self.done = False
        self.enter(position)

    def enter(self, at: int) -> None:
        """Moves to the law's segment at infusion tick `at`."""
        self.law.seek(max(at, 0))
        self._due = 0  # tick of the next step, once it is known
        self._even_ticks = 0  # of a step's word, the long rests before it apart, while `_plan_evenly` may go on
        self._last = self.law.steps_due(self.law.segment_end)  # last step of the segment
        self._hint = self.law.segment_begin  # a tick before the next step

    def refill(self, until_ticks: int) -> None:
        """Plans words until `until_ticks` of them wait in the ring, or it is full, or there is nothing to plan."""
        self.beats = (self.beats + 1) & 0xFFFF
        while self.ahead_ticks < until_ticks and (self.tail - self.oldest) & (RING - 1) < RING - 2:
            if self.done or self.dry or self.astray:
                return
            if self._even_ticks:
                self._plan_evenly(until_ticks)
            else:
                self._plan()

    def _put(self, steps: int, period: int) -> None:
        length = period * steps if steps else period
        i = self.tail
        self.words[i] = word(steps, period)
        self.ticks[i] = length
        self.steps[i] = steps
        self.tail = (i + 1) & (RING - 1)
        self.ahead_ticks += length
        self.position += length
        self.planned += steps

    def _made(self, due: int) -> None:
        self._hint = due
        self._due = 0

    def _rest(self, gap: int) -> None:
        if gap >= MAX_WORD_TICKS + OVERHEAD_TICKS:
            gap = MAX_WORD_TICKS
        self._put(0, max(gap, OVERHEAD_TICKS))

    def _plan(self) -> None:
        law = self.law
        step = self.planned + 1
        while step > self._last and law.segment_end < law.end:
            self.enter(law.segment_end)
        if step > self._last:  # no step is left; the rest of the program is waiting
            if self.position < law.end:
                self._rest(law.end - self.position)
            else:
                self.done = True
            return
        if step > self.limit:
            self.dry = True
            return
        due = self._due or law.tick_of(step, self._hint)
        self._due = due
        gap = due - self.position
        if gap < -LATE_TICKS:
            self.astray = True
            return
        if gap > MAX_WORD_TICKS:
            self._rest(gap if gap >= MAX_WORD_TICKS + self.shortest else gap // 2)
            return
        gap = max(gap, self.shortest)  # a step that came due while the motor was off is made up at once
        left = self.limit - self.planned
        if left <= len(self.ramp) and gap < self.ramp[-left]:
            self._put(1, self.ramp[-left])
            self.position -= self.ramp[-left] - gap
            self._made(due)
            return
        share = 1
        interval = due - self._hint
        if 0 < interval < GROUP_BELOW_TICKS and self._hint > law.segment_begin:  # a segment's first step stands alone
            for ticks in self.ramp:
                if ticks > interval:
                    left -= 1  # it is planned alone
            share = min(GROUP_TICKS // interval, self._last - self.planned, left, MAX_STEPS)
        if share > 1:
            self._plan_group(step, share, due)
            return
        self._put(1, gap)
        self._made(due)
        if law.flat:
            due, self._fraction_left, ticks, self._fraction, self._whole = law.evenly(step)
            rests, period = divmod(ticks, MAX_WORD_TICKS)
            if due == self.position and ticks >= GROUP_BELOW_TICKS and period >= self.shortest:
                self._even_ticks = period
                self._rests = self._rests_left = rests
                self._short, self._long = word(1, period), word(1, period + 1)

    def intact(self) -> bool:
        """Whether what `_plan_evenly` adds up is what the law says of the last step; while it adds up nothing, whether
        the law wants as many steps by `position` as are planned (SR-DIAG-09)."""
        law, period = self.law, self._even_ticks
        if self.astray:
            return False
        if not period:
            # It may be looking for the next step in a segment that is not reached yet.
            at = max(self.position, law.segment_begin)
            before, behind = at - LATE_TICKS, at + LATE_TICKS
            if not law.flat:  # outside its segment the parabola of a ramp turns back
                before, behind = max(before, law.segment_begin), min(behind, law.segment_end)
            least, most = law.steps_due(before), law.steps_due(behind)
            late_steps = 2 + STOP_TICKS // self.shortest
            return least - late_steps <= self.planned <= most + late_steps
        due, left, ticks, fraction, whole = law.evenly(self.planned)
        return (
            (due, left, ticks) == (self._hint, self._fraction_left, self._rests * MAX_WORD_TICKS + period)
            and (fraction, whole) == (self._fraction, self._whole)
            and (self._short, self._long) == (word(1, period), word(1, period + 1))
            and self.position == due + (self._rests - self._rests_left) * MAX_WORD_TICKS
        )

    def _plan_evenly(self, until_ticks: int) -> None:
        """More steps of a flat segment, a word each and the long rests before it, by addition alone: most of what a
        pump ever does."""
        rest, rests = self._fraction_left, self._rests_left
        words, lengths, steps = self.words, self.ticks, self.steps
        ahead, tail, planned = self.ahead_ticks, self.tail, self.planned
        last = min(self._last, self.limit)
        full = (self.oldest - 2) & (RING - 1)
        begin = ahead
        while ahead < until_ticks and tail != full:
            if planned >= last:
                self._even_ticks = 0
                break
            if rests:
                rests -= 1
                length = MAX_WORD_TICKS
                words[tail] = _LONG_REST
                steps[tail] = 0
            else:
                rests = self._rests
                length = self._even_ticks
                rest -= self._fraction
                if rest < 0:
                    rest += self._whole
                    length += 1
                    words[tail] = self._long
                else:
                    words[tail] = self._short
                steps[tail] = 1
                planned += 1
            lengths[tail] = length
            tail = (tail + 1) & (RING - 1)
            ahead += length
        self._fraction_left, self._rests_left = rest, rests
        self.tail = tail
        self.ahead_ticks = ahead
        self.planned = planned
        self.position += ahead - begin
        self._made(self.position - (self._rests - rests) * MAX_WORD_TICKS)

    def _plan_group(self, step: int, share: int, due: int) -> None:
        """Plans `share` steps in two words so that the last stands on its tick and none before its own."""
        law = self.law
        while True:
            last = law.tick_of(step + share - 1, due)
            total = max(last - self.position, share * self.shortest)
            if law.flat:
                period, longer = divmod(total, share)
                first, first_period = (longer, period + 1) if longer else (share // 2, period)
                break
            # On a ramp all but the first step keep the group's shortest interval, and so come late, never early.
            ends = law.tick_of(step + 1, due) - due, last - law.tick_of(step + share - 2, due)
            period = max(min(ends) - 1, self.shortest)
            first, first_period = 1, total - (share - 1) * period
            if first_period <= max(due - self.position, self.shortest) + (period >> 1):
                break
            share >>= 1  # too steep for so long a group
            if share == 1:
                self._put(1, max(due - self.position, self.shortest))
                self._made(due)
                return
        self._put(first, first_period)
        self._put(share - first, period)
        self._made(last)
