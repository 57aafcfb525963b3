"""One program being delivered from one syringe after another: where it stands in steps, time and volume."""

from pump.core.law import BEGIN_PL_H, BOUNDS, DURATION_MS, END_PL_H, KIND, Law
from pump.core.planner import Planner
from pump.core.units import MS_PER_H, S_PER_H, TICKS_PER_MS, TICKS_PER_S, US_PER_TICK

TYPE_CHECKING = False  # MicroPython has no typing
if TYPE_CHECKING:
    from pump.core.hardware import Phase

# The generator raises its pulse this long before a word ends; so much later every word ends, to be on time.
PULSE_TICKS = 3
# What the interlock lets pass on one grant: twice what the generator is ever given ahead, and more steps than a stop
# leaves to be made up.
GRANT_MS, GRANT_STEPS = 500, 16


class Infusion:
    """A list of phases, its law and its planner: a program, a hold at the KVO rate, or the relief of an occlusion.

    grant_steps: pulses that the interlock lets pass on one grant; kept twice, so that a flipped bit is found.
    base_steps: the odometer when it started; steps of its own are what the odometer shows beyond. phase: index of the
    one in force. backward: whether its steps go back.

    phases are those of the program, until a person changes what is still to come: then one of them is there in pieces,
    and `program_phase` says which of the program's `phase` belongs to. The program's digest does not know the pieces:
    a second copy of each stands for it (SR-DIAG-09), and so for the phase of a course that is no program's.
    """

    def __init__(
        self, phases: list["Phase"], step_volume: tuple[int, int], shortest_ticks: int, backward: bool = False
    ) -> None:
        self.phases = phases
        self.step_volume = step_volume
        self.backward = backward
        self._copy = phases
        self.planner = Planner(Law(phases, step_volume), 0, shortest_ticks)
        self._ahead = Law(phases, step_volume)  # for a look ahead that leaves the planner's place alone
        self._ends = _ends_of(phases)  # infusion tick at which each phase ends
        self._of = list(range(len(phases)))  # index in the program, of each phase
        self._wait = -1  # index of the phase in which a timed bolus waits for one on request
        self.phase = 0
        self.base_steps = 0
        self._allow()

    @property
    def program_phase(self) -> int:
        return self._of[self.phase]

    def begin(self, total_steps: int, end_steps: int) -> None:
        """Starts with the odometer at total_steps; end_steps is the odometer at the last step that it may make."""
        self.base_steps = total_steps
        self.planner.limit = end_steps - total_steps
        self.rewind(0, total_steps)

    def rewind(self, at: int, total_steps: int) -> None:
        """Plans on from infusion tick `at`, with the odometer at total_steps."""
        self.planner.seek(at - PULSE_TICKS, total_steps - self.base_steps)

    def refit(self, syringe_end_steps: int, total_steps: int) -> None:
        """A new syringe, whose last step by the odometer is syringe_end_steps; the motor is off."""
        self.planner.limit = syringe_end_steps - self.base_steps
        self.planner.seek(self.planner.position, total_steps - self.base_steps)

    def made_elsewhere(self, steps: int) -> None:
        """Steps on the odometer that are not this infusion's own, such as those of a hold in between."""
        self.base_steps += steps

    def taken_back(self, steps: int, total_steps: int) -> int:
        """The plunger went back by `steps`, which the odometer has counted like any: they are to be delivered again.

        Infusion time goes back to where the law had wanted no more than what is still delivered; that tick. Boluses
        that are over have no place in that time: what went back of them, beyond all that the phases gave, is not
        delivered again (SR-BOLUS-05).
        """
        self.base_steps += 2 * steps
        made = total_steps - self.base_steps
        law = self.planner.law
        law.cap_boluses(made)
        while law.steps_due(law.segment_end) <= made and law.segment_end < law.end:
            law.seek(law.segment_end)
        at = law.segment_begin if made <= law.steps_due(law.segment_begin) else law.tick_of(made, law.segment_begin)
        self.phase = 0
        self.enter_phase(at)
        self.rewind(at, total_steps)
        return at

    def now_ticks(self, lead_us: int) -> int:
        """Infusion time of the step generator, given how long it can still go on."""
        planner = self.planner
        return planner.position - planner.ahead_ticks - lead_us // US_PER_TICK + PULSE_TICKS

    def phase_is_planned(self) -> bool:
        """Whether planning has reached the end of the phase in force, so that it may be over."""
        return self.planner.position >= self._ends[self.phase]

    def enter_phase(self, at: int) -> bool:
        """Updates `phase` for infusion tick `at`; whether it changed."""
        before = self.phase
        while self.phase < len(self._ends) - 1 and at >= self._ends[self.phase]:
            self.phase += 1
        return self.phase != before

    def rate_pl_h(self, at: int) -> int:
        """Rate at infusion tick `at`, bolus included; leaves the planner's place in the law alone."""
        return self.phase_pl_h(at) + self.planner.law.bolus_pl_h(at)

    def phase_pl_h(self, at: int) -> int:
        """Rate of the phase in force at infusion tick `at`, without a bolus on request."""
        phase = self.phases[self.phase]
        begin_pl_h: int = phase[BEGIN_PL_H]
        end_pl_h: int = phase[END_PL_H]
        if begin_pl_h == end_pl_h:
            return end_pl_h
        duration_ms: int = phase[DURATION_MS]
        left = min(max(self._ends[self.phase] - at, 0), duration_ms * TICKS_PER_MS)
        return end_pl_h - (end_pl_h - begin_pl_h) * left // (duration_ms * TICKS_PER_MS)

    def intact(self) -> bool:
        """Whether phases, the law in use and what is planned agree with their second copies (SR-DIAG-09)."""
        if self.phases != self._copy or self.grant_steps != ~self._grant_kept:
            return False
        return self.planner.law.intact(self._ahead) and self.planner.intact()

    def copy_phases(self) -> None:
        """Keeps a second copy of each phase: for a course whose phases stand in no program."""
        self._copy = [list(phase) for phase in self.phases]

    def steps_within(self, at: int, ticks: int) -> int:
        """Steps that may be made from infusion tick `at` until `ticks` later at most, the bolus of now included."""
        ahead, law = self._ahead, self.planner.law
        begin = min(max(at, 0), ahead.end)
        end = min(begin + ticks, ahead.end)
        ahead.seek(begin)
        before = ahead.steps_due(begin)
        ahead.seek(end)
        steps = ahead.steps_due(end) - before + 2  # what either end cuts through
        bolus_at = max(at, law.bolus_begin)  # it begins behind what is planned
        if law.bolus_end > bolus_at:
            pl, divisor = self.step_volume
            length = min(ticks, law.bolus_end - bolus_at)
            steps += law.bolus_pl_h(bolus_at) * length * divisor // (TICKS_PER_S * S_PER_H * pl) + 1
        return steps

    def highest_pl_h(self) -> int:
        """Highest rate of the program from the phase in force on."""
        highest = 0
        for phase in self.phases[self.phase :]:
            highest = max(highest, phase[BEGIN_PL_H], phase[END_PL_H])
        return highest

    def _allow(self) -> None:
        """Settles `grant_steps` anew: those of GRANT_MS at the highest rate that may still come, and a few."""
        law = self.planner.law
        pl, divisor = self.step_volume
        highest_pl_h = self.highest_pl_h() + law.bolus_pl_h(law.bolus_begin)
        self.grant_steps = highest_pl_h * GRANT_MS * divisor // (pl * MS_PER_H) + GRANT_STEPS
        self._grant_kept = ~self.grant_steps

    def add_bolus(self, volume_pl: int, length_ticks: int) -> bool:
        """Adds a bolus behind what is already planned; False when the program would end before it.

        A timed bolus waits for it, and then goes on with what is left of it (SR-BOLUS-10).
        """
        at = max(self.planner.position, 0)
        law = self.planner.law
        if at < law.bolus_end or at >= law.end:
            return False
        self._wait = -1
        index, head_ms, tail_ms = self._cut()
        phase = self.phases[index]
        if phase[KIND] == "bolus" and tail_ms > 0:
            at = self._begin_of(index) + head_ms * TICKS_PER_MS
            wait = ["pause", length_ticks // TICKS_PER_MS, 0, 0]
            self._wait = self._replace(index, head_ms, [wait, [phase[KIND], tail_ms] + phase[BEGIN_PL_H:]])
        elif at + length_ticks > law.end:
            return False
        law.add_bolus(volume_pl, length_ticks, at)
        self.planner.enter(self.planner.position)
        self._allow()
        return True

    def abandon_bolus(self, at: int) -> None:
        """Drops what is left of a bolus at infusion tick `at`; a timed one that waits for it does so no more."""
        at = max(at, 0)
        self.planner.law.abandon_bolus(at)
        wait = self._wait
        self._wait = -1
        if wait >= 0 and at < self._ends[wait]:
            waited_ms = max(-(-(at - self._begin_of(wait)) // TICKS_PER_MS), 0)  # it may not have begun
            self._replace(wait, 0, [["pause", waited_ms, 0, 0]] if waited_ms else [])
        self._allow()

    def adjust(self, rate_pl_h: int) -> bool:
        """Another rate for the rest of the phase that is being planned; False where the program is all planned."""
        index, head_ms, tail_ms = self._cut()
        if tail_ms <= 0:
            return False
        phase = self.phases[index]
        self._replace(index, head_ms, [[phase[KIND], tail_ms, rate_pl_h, rate_pl_h] + phase[BOUNDS:]])
        self.planner.enter(self.planner.position)
        return True

    def planned_phase(self) -> "Phase":
        """The phase that is being planned: the one that `adjust` is about."""
        return self.phases[self._cut()[0]]

    def _begin_of(self, index: int) -> int:
        return self._ends[index - 1] if index else 0

    def _cut(self) -> tuple[int, int, int]:
        """(index, ms before, ms behind) of the phase at the first millisecond that is not planned yet."""
        at_ms = -(-max(self.planner.position, 0) // TICKS_PER_MS)
        index = 0
        while index < len(self._ends) - 1 and at_ms * TICKS_PER_MS >= self._ends[index]:
            index += 1
        head_ms = at_ms - self._begin_of(index) // TICKS_PER_MS
        duration_ms: int = self.phases[index][DURATION_MS]
        return index, head_ms, duration_ms - head_ms

    def _replace(self, index: int, head_ms: int, phases: "list[Phase]") -> int:
        """Puts phases in place of one with a constant rate, of which the first head_ms stay; index of the first."""
        old = self.phases[index]
        head = [[old[KIND], head_ms] + old[BEGIN_PL_H:]] if head_ms else []
        pieces = head + phases
        if old == self._copy[index]:  # else the copies stay as they are, and `intact` finds what differs
            self._copy = self._copy[:index] + [list(piece) for piece in pieces] + self._copy[index + 1 :]
        self.phases = self.phases[:index] + pieces + self.phases[index + 1 :]
        self._of = self._of[:index] + [self._of[index]] * len(pieces) + self._of[index + 1 :]
        self._ends = _ends_of(self.phases)
        self._ahead.use(self.phases)
        self.planner.law.use(self.phases)
        self._allow()
        return index + len(head)


def _ends_of(phases: "list[Phase]") -> list[int]:
    ends = []
    end = 0
    for phase in phases:
        end += phase[DURATION_MS] * TICKS_PER_MS
        ends.append(end)
    return ends
