"""One program being delivered from one syringe after another: where it stands in steps, time and volume."""

from pump.core.law import BEGIN_PL_H, DURATION_MS, END_PL_H, Law
from pump.core.planner import Planner
from pump.core.units import TICKS_PER_MS, US_PER_TICK

TYPE_CHECKING = False  # MicroPython has no typing
if TYPE_CHECKING:
    from pump.core.program import Program

# The generator raises its pulse this long before a word ends; so much later every word ends, to be on time.
PULSE_TICKS = 3


class Infusion:
    """A program, its law and its planner.

    base_steps: the odometer when it started. phase: index of the one in force.
    """

    def __init__(
        self,
        program: "Program",
        step_volume: tuple[int, int],
        shortest_ticks: int,
        base_steps: int,
        syringe_end_steps: int,
    ) -> None:
        self.program = program
        self.base_steps = base_steps
        self.planner = Planner(Law(program.phases, step_volume), syringe_end_steps - base_steps, shortest_ticks)
        self._ends: list[int] = []  # infusion tick at which each phase ends
        end = 0
        for phase in program.phases:
            end += phase[DURATION_MS] * TICKS_PER_MS
            self._ends.append(end)
        self.phase = 0
        self.rewind(0, base_steps)

    def rewind(self, at: int, total_steps: int) -> None:
        """Plans on from infusion tick `at`, with the odometer at total_steps."""
        self.planner.seek(at - PULSE_TICKS, total_steps - self.base_steps)

    def refit(self, syringe_end_steps: int, total_steps: int) -> None:
        """A new syringe, whose last step by the odometer is syringe_end_steps; the motor is off."""
        self.planner.limit = syringe_end_steps - self.base_steps
        self.planner.seek(self.planner.position, total_steps - self.base_steps)

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
        duration_ms: int = self.program.phases[self.phase][DURATION_MS]
        begin_pl_h: int = self.program.phases[self.phase][BEGIN_PL_H]
        end_pl_h: int = self.program.phases[self.phase][END_PL_H]
        left = min(max(self._ends[self.phase] - at, 0), duration_ms * TICKS_PER_MS)
        rate_pl_h = end_pl_h - (end_pl_h - begin_pl_h) * left // (duration_ms * TICKS_PER_MS)
        return rate_pl_h + self.planner.law.bolus_pl_h(at)

    def highest_pl_h(self) -> int:
        """Highest rate of the program from the phase in force on."""
        highest = 0
        for phase in self.program.phases[self.phase :]:
            highest = max(highest, phase[BEGIN_PL_H], phase[END_PL_H])
        return highest

    def add_bolus(self, volume_pl: int, length_ticks: int) -> bool:
        """Adds a bolus behind what is already planned; False when the program would end before it."""
        at = max(self.planner.position, 0)
        law = self.planner.law
        if at + length_ticks > law.end or at < law.bolus_end:
            return False
        law.add_bolus(volume_pl, length_ticks, at)
        self.planner.enter(at)
        return True

    def abandon_bolus(self, at: int) -> None:
        """Drops what is left of a bolus at infusion tick `at`."""
        self.planner.law.abandon_bolus(max(at, 0))
