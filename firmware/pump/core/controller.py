"""Decides: requests and conditions in, state out. Holds the alarms, the program, the syringe and the log.

It moves nothing itself. `state` alone says whether the motor may run (`motor_on`); the app follows it.
"""

from pump.core import alarms, states, wire
from pump.core.commands import COMMANDS
from pump.core.log import Log
from pump.core.monitors import Occlusion, Silence, motor_fault
from pump.core.program import Refusal
from pump.core.units import PL_PER_NL, TICKS_PER_MS

TYPE_CHECKING = False  # MicroPython has no typing
if TYPE_CHECKING:
    from pump.core.feeder import Feeder
    from pump.core.hardware import Board, Build, Message
    from pump.core.infusion import Infusion
    from pump.core.program import Program

_OCCLUSION = alarms.BITS["OCCLUSION"]
_MOTOR_FAULT = alarms.BITS["MOTOR_FAULT"]
_SYRINGE_EMPTY = alarms.BITS["SYRINGE_EMPTY"]
_LINK_LOST = alarms.BITS["LINK_LOST"]


class Controller:
    """board: the board's data (boards/*/board.py). build: VERSION and DIGEST. feeder: what the generator was given.

    state, motor_on, alarms (bits in force), conditions (bits true now), now_ms since power-on, total_steps by the
    odometer. syringe, step_volume, syringe_end_steps: the one that is fitted, and its last step by the odometer.
    """

    def __init__(self, board: "Board", build: "Build", feeder: "Feeder") -> None:
        self.board = board
        self.build = build
        self.feeder = feeder
        self.log = Log()
        self.state = "BOOT"
        self.motor_on = False
        self.alarms = self.conditions = 0
        self.now_ms = self.total_steps = self.pressure_pa = 0
        self.program: "Program | None" = None
        self.infusion: "Infusion | None" = None
        self.syringe: "str | None" = None
        self.step_volume: "tuple[int, int] | None" = None
        self.syringe_end_steps = 0
        self.changed = True  # state, phase or alarms: the host is told at once
        self._last = [-1, 0, 0, 0, 0, 0]  # the progress of the program that ended
        self._occlusion = Occlusion(board.OCCLUSION_PA)
        self._silence = Silence(board.LINK_TIMEOUT_MS)

    # --- what happens

    def event(self, name: str) -> None:
        """Takes the table's step for an event, or for a request that has been found good."""
        state: str = states.after(self.state, name)  # type: ignore[assignment]  # None would be a bug, and must raise
        if state != self.state:
            self.log.add(self.now_ms, "state", "%s > %s: %s" % (self.state, state, name))
            self.state = state
            self.motor_on = states.STATES[state][states.MOTOR] == states.RUN
            self.changed = True

    def raise_alarms(self, bits: int) -> None:
        """Puts alarms in force and takes their effect on the motor."""
        for name in alarms.named(bits & ~self.alarms):
            self.log.add(self.now_ms, "alarm", name)
            self.changed = True
        self.alarms |= bits
        effect = alarms.lowest_effect(bits)
        if effect == alarms.STOP_FOR_GOOD:
            self.event("FAIL")
        elif effect == alarms.STOP and self.state != "FAULT":
            self.event("HALT")

    def booted(self, watchdog_reset: bool) -> None:
        """The self-test has passed. After a watchdog reset the pump says so and stays still (SR-POWER-01)."""
        if watchdog_reset:
            self.raise_alarms(alarms.BITS["WATCHDOG_RESET"])
        else:
            self.event("SELF_TEST_PASSED")

    def sense(self, elapsed_ms: int, pressure_pa: int, total_steps: int) -> None:
        """Once in every control tick: samples to conditions to state. Allocates nothing unless a condition changes."""
        self.now_ms += elapsed_ms
        self.pressure_pa = pressure_pa
        self.total_steps = total_steps
        feeder = self.feeder
        conditions = 0
        if self._occlusion.update(self.motor_on, pressure_pa):
            conditions |= _OCCLUSION
        if motor_fault(feeder.due, total_steps, feeder.asked):
            conditions |= _MOTOR_FAULT
        if self._silence.update(elapsed_ms) and self._attended:
            conditions |= _LINK_LOST
        if self.conditions & _SYRINGE_EMPTY and total_steps >= self.syringe_end_steps:
            conditions |= _SYRINGE_EMPTY  # until another is fitted
        infusion = self.infusion
        if self.motor_on and infusion and not feeder.lead_us:
            if infusion.planner.dry:
                conditions |= _SYRINGE_EMPTY
            elif infusion.planner.done:
                self._complete()
        if conditions != self.conditions:
            rising = conditions & ~self.conditions
            self.conditions = conditions
            if rising:
                self.raise_alarms(rising)

    def follow(self) -> None:
        """Behind the tick: notices a new phase and the end of a bolus. The planner is ahead of both."""
        infusion = self.infusion
        if infusion and self.motor_on:
            if infusion.phase_is_planned() and infusion.enter_phase(infusion.now_ticks(self.feeder.lead_us)):
                self.changed = True
            if self.state == "BOLUS" and infusion.now_ticks(self.feeder.lead_us) >= infusion.planner.law.bolus_end:
                self.event("BOLUS_DONE")

    def halted(self, total_steps: int) -> None:
        """The motor has just been turned off with the odometer at total_steps: plan on from exactly there."""
        self.total_steps = total_steps
        infusion = self.infusion
        if infusion:
            at = infusion.now_ticks(self.feeder.lead_us)
            infusion.abandon_bolus(at)
            infusion.rewind(at, total_steps)
            if self.state in ("IDLE", "FAULT"):
                self.end()
        self.feeder.begin(self.infusion.planner if self.infusion else None, total_steps)

    def _complete(self) -> None:
        self.event("PROGRAM_DONE")
        # The hold rate comes with the drug library; without one it is 0 and the KVO is over at once.
        self.event("KVO_DONE")
        self.raise_alarms(alarms.BITS["INFUSION_COMPLETE"])

    def end(self) -> None:
        """Forgets the infusion but not what it delivered; the motor is off."""
        if self.infusion:
            self._last = self.progress()
            self.infusion = None

    @property
    def _attended(self) -> bool:
        return self.infusion is not None and self.infusion.program.header["attended"]

    # --- what is asked

    def heard(self) -> None:
        """A good line has come from the host."""
        self._silence.heard()

    def act(self, method: str, params: "Message") -> "tuple[Message | None, tuple[int, str] | None]":
        """Carries out one request: (result, None) or (None, (code, reason)). What is refused changes nothing."""
        command = wire.METHODS[method][0]
        try:
            if command and not states.allows(self.state, command):
                possible = ", ".join(states.states_of(command))
                raise Refusal(wire.NOT_IN_STATE, "%s in state %s; possible in %s" % (method, self.state, possible))
            result = COMMANDS[method](self, **params)
        except Refusal as refusal:
            self.log.add(self.now_ms, "refused", "%s: %s" % (method, refusal.reason))
            return None, (refusal.code, refusal.reason)
        if command:
            self.log.add(self.now_ms, "command", method)
        return result, None

    # --- what is told

    def progress(self) -> list[int]:
        """[phase, infused_ms, rate_nl_h, asked_steps, counted_steps, counted_nl] of the program, or of the last."""
        infusion = self.infusion
        if not infusion:
            return self._last
        at = infusion.now_ticks(self.feeder.lead_us)
        counted = self.total_steps - infusion.base_steps
        rate_pl_h = infusion.rate_pl_h(at) if self.motor_on else 0
        asked = self.feeder.asked - infusion.base_steps
        return [infusion.phase, max(at, 0) // TICKS_PER_MS, rate_pl_h // PL_PER_NL, asked, counted, self.nl_of(counted)]

    def nl_of(self, steps: int) -> int:
        """Volume of steps with the fitted syringe, rounded down."""
        if not self.step_volume:
            return 0
        pl, divisor = self.step_volume
        return steps * pl // (divisor * PL_PER_NL)

    def status(self) -> "Message":
        """The fields of wire.STATUS."""
        phase, infused_ms, rate_nl_h, asked, counted, counted_nl = self.progress()
        return {
            "time_ms": self.now_ms,
            "state": self.state,
            "phase": phase,
            "infused_ms": infused_ms,
            "rate_nl_h": rate_nl_h,
            "asked_steps": asked,
            "counted_steps": counted,
            "counted_nl": counted_nl,
            "remaining_nl": self.nl_of(max(self.syringe_end_steps - self.total_steps, 0)),
            "pressure_pa": self.pressure_pa,
            "alarms": alarms.named(self.alarms),
        }
