"""What was given, and when: the steps of the last 1, 4 and 24 hours, and the boluses with their lockout.

Steps go into buckets, a window of length W into 60 of W/60 and the one being filled. A window counts every bucket that
reaches into it, so it never counts less than what was given within W, and never more than what was given within
W + W/60, each update taken at its end. Time passes only by `update`: while the pump is off nothing expires (D9).
Volume that is drawn back is not credited.

It knows neither drug nor limits: limits.window_steps makes steps of them, `adopt` says what a step is worth.
"""

from array import array

TYPE_CHECKING = False  # MicroPython has no typing
if TYPE_CHECKING:
    from typing import Final

BUCKETS: "Final" = 60
MINUTE_MS: "Final" = 60000
WINDOWS_MIN = (60, 240, 1440)
MOST_STEPS: "Final" = 0x1FFFFFFF  # within a window; two of them are still a small int
MOST_BOLUSES: "Final" = 32
MOST_MINUTES: "Final" = 0x1FFFFFFF
LONG_AGO_MIN: "Final" = 8000  # 5.5 days, longer than any interval that is asked about

REQUESTED, DELIVERED, REFUSED, ABANDONED, GIVEN = 0, 1, 2, 3, 4  # of Ledger.run

_FORMAT: "Final" = 1
_HEAD: "Final" = 14  # ints of the state before boluses and windows


class _Window:
    """Full and partial buckets of `minutes` each; total: all of them."""

    def __init__(self, length_min: int) -> None:
        self.minutes = length_min // BUCKETS
        self.buckets = array("I", [0] * (BUCKETS + 1))
        self.total = 0
        self.at = 0  # the bucket being filled
        self.filled_min = 0

    def pass_minute(self, steps: int) -> None:
        """A minute is over, in which `steps` were given."""
        self.buckets[self.at] += steps
        self.total += steps
        self.filled_min += 1
        if self.filled_min == self.minutes:
            self.filled_min = 0
            self.at = self.at + 1 if self.at < BUCKETS else 0
            self.total -= self.buckets[self.at]
            self.buckets[self.at] = 0

    def convert(self, scale: int, divisor: int) -> None:
        """Makes n steps n x scale / divisor, rounded up. What cannot be held is held as the most, and as recent."""
        total = 0
        for index in range(BUCKETS + 1):
            steps = min(-(-self.buckets[index] * scale // divisor), MOST_STEPS)
            self.buckets[index] = steps
            total += steps
        if total > MOST_STEPS:
            for index in range(BUCKETS + 1):
                self.buckets[index] = 0
            self.buckets[self.at] = total = MOST_STEPS
        self.total = total


class Ledger:
    """Windows in steps, boluses in ms. Everything that `update` touches is a small int.

    run: this run's boluses [requested, delivered, refused, abandoned, steps given by them] (SR-DOSE-05).
    in_bolus: whether one is running; until it ends, no other may begin.
    """

    def __init__(self) -> None:
        self.run = array("I", [0] * 5)
        self.in_bolus = False
        self._windows = tuple([_Window(length_min) for length_min in WINDOWS_MIN])
        self._limits = array("I", [MOST_STEPS] * len(WINDOWS_MIN))
        self._room = MOST_STEPS  # steps until the first limit, from the last full minute on
        self._minutes = 0  # full minutes so far
        self._ms = 0  # of the minute that is passing
        self._steps = 0  # given in it
        self._step_fl = 1  # what the steps are worth: volume and concentration
        self._ng_ml = 1
        self._boluses = 0  # ends that are kept
        self._latest = 0
        self._end_min = array("I", [0] * MOST_BOLUSES)
        self._end_ms = array("I", [0] * MOST_BOLUSES)

    # --- in every control tick

    def update(self, elapsed_ms: int, steps: int) -> None:
        """elapsed_ms passed, and steps were counted forward in it; steps backward change nothing. No allocation."""
        self._ms += elapsed_ms
        while self._ms >= MINUTE_MS:
            self._ms -= MINUTE_MS
            self._pass_minute()
        if steps > 0:
            self._steps += steps

    def _pass_minute(self) -> None:
        for window in self._windows:
            window.pass_minute(self._steps)
        self._steps = 0
        self._minutes += 1
        self._find_room()

    def _find_room(self) -> None:
        room = MOST_STEPS
        for index in range(len(self._windows)):
            left: int = self._limits[index] - self._windows[index].total
            if left < room:
                room = left
        self._room = room

    @property
    def left_steps(self) -> int:
        """Steps that may still be given now; negative when more was given than the limits allow. No allocation."""
        return self._room - self._steps

    # --- dose windows

    def limit(self, steps: tuple[int, int, int]) -> None:
        """Sets the limits for 1, 4 and 24 h: those of limits.window_steps."""
        for index in range(len(WINDOWS_MIN)):
            self._limits[index] = min(steps[index], MOST_STEPS)
        self._find_room()

    def unlimited(self) -> None:
        """No dose limit: no library is in use."""
        self.limit((MOST_STEPS, MOST_STEPS, MOST_STEPS))

    def given(self) -> tuple[int, int, int]:
        """Steps counted within the last 1, 4 and 24 h."""
        one, four, day = self._windows
        return one.total + self._steps, four.total + self._steps, day.total + self._steps

    def given_ng(self) -> list[int]:
        """Dose within the last 1, 4 and 24 h, rounded up."""
        fl_to_ml = 1000000000000
        return [-(-steps * (self._step_fl + 1) * self._ng_ml // fl_to_ml) for steps in self.given()]

    def adopt(self, step_volume: tuple[int, int], concentration_ng_ml: int) -> None:
        """From here on a step is worth this volume of this concentration; what was given keeps its dose, rounded up.

        step_volume: (picolitres, divisor), at most 4 uL. Off the tick. A change adds a step a bucket at most, and some
        millionths.
        """
        pl, divisor = step_volume
        step_fl = pl * 1000 // divisor
        if step_fl == self._step_fl and concentration_ng_ml == self._ng_ml:
            return
        scale, shared = (self._step_fl + 1) * self._ng_ml, step_fl * concentration_ng_ml
        for window in self._windows:
            window.convert(scale, shared)
        self._steps = min(-(-self._steps * scale // shared), MOST_STEPS)
        self.run[GIVEN] = min(-(-self.run[GIVEN] * scale // shared), MOST_STEPS)
        self._step_fl, self._ng_ml = step_fl, concentration_ng_ml
        self._find_room()

    # --- boluses

    def begin_run(self) -> None:
        """A program starts: its boluses are counted from none. Lockout and windows go on."""
        for index in range(len(self.run)):
            self.run[index] = 0

    def request(self) -> None:
        """A bolus was asked for; `refuse` or `begin_bolus` follows."""
        self.run[REQUESTED] += 1

    def refuse(self) -> None:
        """It was refused."""
        self.run[REFUSED] += 1

    def lockout_left_ms(self, lockout_ms: int) -> int:
        """How long no bolus may begin yet: lockout_ms from the end of the latest, all of it while one is running."""
        if self.in_bolus:
            return max(lockout_ms, 1)
        return max(lockout_ms - self._age_ms(self._latest), 0) if self._boluses else 0

    def boluses_within(self, window_ms: int) -> int:
        """Boluses that ended within the last window_ms, and the one that is running; at most the last 32 are kept."""
        count = 1 if self.in_bolus else 0
        for index in range(self._boluses):
            if self._age_ms(index) < window_ms:
                count += 1
        return count

    def may_begin(self, lockout_ms: int, count: int, window_ms: int) -> bool:
        """Whether lockout and number of boluses allow another (SR-BOLUS-03)."""
        return not self.lockout_left_ms(lockout_ms) and self.boluses_within(window_ms) < count

    def begin_bolus(self) -> None:
        """A bolus begins."""
        self.in_bolus = True

    def end_bolus(self, steps: int, whole: bool) -> None:
        """The bolus is over, or abandoned, having given `steps`: the lockout begins."""
        if not self.in_bolus:
            return
        self.in_bolus = False
        self.run[DELIVERED if whole else ABANDONED] += 1
        self.run[GIVEN] += steps
        self._latest = (self._latest + 1) % MOST_BOLUSES if self._boluses else 0
        self._end_min[self._latest] = self._minutes
        self._end_ms[self._latest] = self._ms
        self._boluses = min(self._boluses + 1, MOST_BOLUSES)

    def _age_ms(self, index: int) -> int:
        minutes = min(self._minutes - self._end_min[index], LONG_AGO_MIN)
        return minutes * MINUTE_MS + self._ms - self._end_ms[index]

    # --- across a power cut

    def state(self) -> list[int]:
        """All of it but the limits, as whole numbers that fit 32 bits: for a checkpoint."""
        head = [_FORMAT, self._minutes, self._ms, self._steps, self._step_fl, self._ng_ml, int(self.in_bolus)]
        found = head + list(self.run) + [self._boluses, self._latest]
        found += list(self._end_min) + list(self._end_ms)
        for window in self._windows:
            found += [window.at, window.filled_min] + list(window.buckets)
        return found

    def restore(self, state: list[int]) -> bool:
        """Takes up a state; no time has passed since. False, and nothing changed, for what no ledger has written.

        A bolus that was running still is: end it as abandoned. Steps that are known to have been made after the
        state was written are added by update(0, steps).
        """
        if len(state) != STATE_LENGTH or any(type(value) is not int or not 0 <= value < 1 << 32 for value in state):
            return False
        form, minutes, ms, steps, step_fl, ng_ml, in_bolus = state[:7]
        boluses, latest = state[12], state[13]
        ends_min = state[_HEAD : _HEAD + MOST_BOLUSES]
        ends_ms = state[_HEAD + MOST_BOLUSES : _HEAD + 2 * MOST_BOLUSES]
        if form != _FORMAT or minutes > MOST_MINUTES or ms >= MINUTE_MS or steps > MOST_STEPS or in_bolus > 1:
            return False
        if not step_fl or not ng_ml or boluses > MOST_BOLUSES or latest >= max(boluses, 1):
            return False
        for index in range(MOST_BOLUSES):
            if ends_ms[index] >= MINUTE_MS or (ends_min[index], ends_ms[index]) > (minutes, ms):
                return False
        rows = []
        for index in range(len(WINDOWS_MIN)):
            begin = _HEAD + 2 * MOST_BOLUSES + index * (BUCKETS + 3)
            row = state[begin : begin + BUCKETS + 3]
            if row[0] > BUCKETS or row[1] >= self._windows[index].minutes or sum(row[2:]) > 2 * MOST_STEPS:
                return False
            rows.append(row)

        self._minutes, self._ms, self._steps, self._step_fl, self._ng_ml = minutes, ms, steps, step_fl, ng_ml
        self.in_bolus = bool(in_bolus)
        self.run = array("I", state[7:12])
        self._boluses, self._latest = boluses, latest
        self._end_min, self._end_ms = array("I", ends_min), array("I", ends_ms)
        for index, window in enumerate(self._windows):
            window.at, window.filled_min = rows[index][:2]
            window.buckets = array("I", rows[index][2:])
            window.total = sum(rows[index][2:])
        self._find_room()
        return True


STATE_LENGTH = _HEAD + 2 * MOST_BOLUSES + len(WINDOWS_MIN) * (BUCKETS + 3)
