"""The books: how much was pushed, how much more may be, and when that is saved (D4, D9, D10).

Steps are the odometer's. What the plunger took back is taken from what was pushed, but no dose window is credited.
"""

from pump.core import memory, readings
from pump.core.units import MS_PER_S, TICKS_PER_S

TYPE_CHECKING = False  # MicroPython has no typing
if TYPE_CHECKING:
    from pump.core.controller import Controller
    from pump.core.ledger import Ledger
    from pump.core.memory import Memory

_CHECKPOINT_MS = memory.CHECKPOINT_S * MS_PER_S
_NL_PER_FL = 1000000
NO_PROGRAM = [-1, 0, 0, 0, 0, 0]


class Books:
    """last: the progress of the program that ended, as Controller.progress has it; last_ng_ml: its concentration, 0 for
    not known. dose_end_steps: the odometer at the last step that the dose windows allow. saved: whether the checkpoint
    in the store says what is so.
    """

    def __init__(self, kept: "Memory", ledger: "Ledger") -> None:
        self._memory = kept
        self._ledger = ledger
        self.last = NO_PROGRAM
        self.last_ng_ml = 0
        self.dose_end_steps = 0
        self.saved = False
        self._back_steps = 0  # taken back and counted as pushed by the odometer: twice what went back
        self._booked_steps = 0  # that the ledger knows
        self._booked_ms = 0  # device time up to which it knows
        self._before_steps = 0  # pushed before this power-on
        self._since_saved_ms = 0

    def pushed_steps(self, total_steps: int) -> int:
        """All that this pump has ever pushed and not taken back, with the odometer at total_steps."""
        return self._before_steps + total_steps - self._back_steps

    def recall(self, pump: "Controller") -> None:
        """Takes up what was delivered before the power failed; no time has passed, and nothing is too low."""
        kept, ledger = self._memory, self._ledger
        if kept.ledger_state and ledger.restore(kept.ledger_state):
            ledger.update(0, kept.lost_steps)
            if ledger.in_bolus:
                ledger.end_bolus(0, False)
        totals = kept.totals
        if totals:
            self._before_steps = totals[memory.FORWARD]
            counted = totals[memory.COUNTED]
            nl = counted * totals[memory.STEP_FL] // _NL_PER_FL
            self.last = [totals[memory.PHASE] - 1, totals[memory.INFUSED], 0, counted, counted, nl]
            if kept.interrupted:
                text = "%d nL at most were delivered, %d steps of it uncertain" % (nl, kept.lost_steps)
                pump.log.add(pump.now_ms, "interrupted", text)

    def book(self, pump: "Controller") -> None:
        """Brings the ledger up to now, with what was pushed, and tells the planner how much more may be."""
        ledger = self._ledger
        elapsed_ms = pump.now_ms - self._booked_ms
        self._booked_ms = pump.now_ms
        forward = pump.total_steps - self._back_steps
        course = pump.course
        if course and (course.backward or course is pump.filling):
            ledger.update(elapsed_ms, 0)  # booked when it is over
            return
        ledger.update(elapsed_ms, forward - self._booked_steps)
        self._booked_steps = forward
        self.dose_end_steps = pump.total_steps + ledger.left_steps
        if course:
            planner = course.planner
            limit = pump.end_steps() - course.base_steps
            if limit > planner.limit:  # steps have left a window
                planner.limit = limit
                planner.dry = False

    def taken_back(self, steps: int) -> None:
        """The plunger went back by so many steps, which the odometer has counted like any."""
        self._back_steps += 2 * steps
        self._booked_steps -= steps

    def refilled(self, steps: int) -> None:
        """So many steps, which the odometer has counted like any, drew liquid in: nothing was pushed."""
        self._back_steps += steps

    def primed(self, steps: int) -> None:
        """So many steps were pushed to nobody: no dose."""
        self._booked_steps += steps

    def pass_time(self, elapsed_ms: int, running: bool) -> None:
        """While the motor runs, a checkpoint is due every CHECKPOINT_S."""
        self._since_saved_ms += elapsed_ms
        if running and self._since_saved_ms >= _CHECKPOINT_MS:
            self.saved = False

    def checkpoint(self, pump: "Controller") -> bool:
        """Saves the totals as they are. False: they could not be saved, and the motor must not run."""
        course, step_volume = pump.course, pump.step_volume
        most = step_fl = 0
        if step_volume:
            step_fl = step_volume[0] * 1000 // step_volume[1]
        running = course is not None and not course.backward
        if course and running:
            most = course.steps_within(course.now_ticks(pump.feeder.lead_us), memory.BOUND_S * TICKS_PER_S)
        phase, infused_ms, _rate, _asked, counted, _nl = readings.progress(pump)
        self.book(pump)
        under_way = running or pump.infusion is not None  # a pause is lost with the power, too
        in_hold = course is not None and course is not pump.infusion
        pushed = self.pushed_steps(pump.total_steps)
        totals = [int(under_way), int(in_hold), pushed, counted, infused_ms, phase + 1, most, step_fl]
        stored = self._memory.save_totals(totals, self._ledger.state())
        self.saved = True  # one that failed is tried again with the next change
        self._since_saved_ms = 0
        return stored
