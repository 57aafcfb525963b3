"""Decides: requests and conditions in, state out. Holds the alarms, the program, the syringe and the log.

It moves nothing itself. `state` alone says whether the motor may run (`course`); the app follows it.
"""

from pump.core import alarms, states, wire
from pump.core.commands import COMMANDS
from pump.core.infusion import Infusion
from pump.core.log import Log
from pump.core.monitors import Occlusion, Silence, motor_fault
from pump.core.program import Refusal
from pump.core.units import MS_PER_H, PL_PER_NL, TICKS_PER_MS, TICKS_PER_S

TYPE_CHECKING = False  # MicroPython has no typing
if TYPE_CHECKING:
    from pump.core.feeder import Feeder
    from pump.core.hardware import Board, Build, Message
    from pump.core.program import Program

KVO_MOST_PL_H = 1000000000  # 1 mL/h

_OCCLUSION = alarms.BITS["OCCLUSION"]
_MOTOR_FAULT = alarms.BITS["MOTOR_FAULT"]
_SYRINGE_EMPTY = alarms.BITS["SYRINGE_EMPTY"]
_LINK_LOST = alarms.BITS["LINK_LOST"]


class Controller:
    """board: the board's data (boards/*/board.py). build: VERSION and DIGEST. feeder: what the generator was given.

    state, course, alarms (bits in force), conditions (bits true now), now_ms since power-on, total_steps by the
    odometer. syringe, step_volume, syringe_end_steps: the one that is fitted, and its last step by the odometer.
    """

    def __init__(self, board: "Board", build: "Build", feeder: "Feeder") -> None:
        self.board = board
        self.build = build
        self.feeder = feeder
        self.log = Log()
        self.state = "BOOT"
        self.course: "Infusion | None" = None  # what the step generator is to run; None: the motor is off
        self.alarms = self.conditions = 0
        self.now_ms = self.total_steps = self.pressure_pa = 0
        self.program: "Program | None" = None
        self.infusion: "Infusion | None" = None
        self.syringe: "str | None" = None
        self.step_volume: "tuple[int, int] | None" = None
        self.syringe_end_steps = 0
        self.changed = True  # state, phase or alarms: the host is told at once
        self.attended = False
        self.kvo_steps = 0  # made at the hold rate, counted in no program
        self.shortest_ticks = TICKS_PER_S // board.MAX_STEPS_PER_S
        self._over = False  # the program is delivered, but for the KVO
        self._hold: "Infusion | None" = None
        self._relief: "Infusion | None" = None
        self._last = [-1, 0, 0, 0, 0, 0]  # the progress of the program that ended
        self._occlusion = Occlusion(board.OCCLUSION_PA[-1])
        self._silence = Silence(board.LINK_TIMEOUT_MS)

    # --- what happens

    def event(self, name: str) -> None:
        """Takes the table's step for an event, or for a request that has been found good."""
        state: str = states.after(self.state, name)  # type: ignore[assignment]  # None would be a bug, and must raise
        if state != self.state:
            self.log.add(self.now_ms, "state", "%s > %s: %s" % (self.state, state, name))
            self.state = state
            self.changed = True
        self._steer()

    def _steer(self) -> None:
        """Sets the course that the state allows: the only place where the motor is let run."""
        motor = states.STATES[self.state][states.MOTOR]
        if motor == states.RUN:
            self.course = self._hold if self.state == "KVO" else self.infusion
        elif motor == states.RELIEVE:
            self.course = self._relief
        else:
            self.course = None

    def raise_alarms(self, bits: int) -> None:
        """Puts alarms in force and takes their effect on the motor."""
        for name in alarms.named(bits & ~self.alarms):
            self.log.add(self.now_ms, "alarm", name)
            self.changed = True
        self.alarms |= bits
        effect = alarms.lowest_effect(bits)
        if effect == alarms.STOP_FOR_GOOD:
            self.event("FAIL")
        elif effect == alarms.STOP:
            self._relief = None
            self.event("HALT")
        elif effect == alarms.HOLD and self.state in ("INFUSING", "BOLUS"):
            self._hold = self._hold_course()
            self.event("HOLD")
            if not self._hold:  # a hold rate of 0 is a pause
                self.event("HOLD_DONE")

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
        course = self.course
        if self._occlusion.update(course is not None and not course.backward, pressure_pa):
            conditions |= _OCCLUSION
        if motor_fault(feeder.due, total_steps, feeder.asked):
            conditions |= _MOTOR_FAULT
        if self._silence.update(elapsed_ms) and self.attended:
            conditions |= _LINK_LOST
        if self.conditions & _SYRINGE_EMPTY and total_steps >= self.syringe_end_steps:
            conditions |= _SYRINGE_EMPTY  # until another is fitted
        if course:
            if course.backward and pressure_pa <= self.board.RELIEVED_PA:
                self._relief = None
                self._steer()
            elif feeder.is_over():
                if course.backward:
                    self._relief = None
                    self._steer()
                elif course.planner.dry:
                    conditions |= _SYRINGE_EMPTY
                else:
                    self._complete(course)
        if conditions != self.conditions:
            rising = conditions & ~self.conditions
            self.conditions = conditions
            if rising:
                self.raise_alarms(rising)

    def follow(self) -> None:
        """Behind the tick: notices a new phase and the end of a bolus. The planner is ahead of both."""
        infusion = self.infusion
        if infusion and self.course is infusion:
            if infusion.phase_is_planned() and infusion.enter_phase(infusion.now_ticks(self.feeder.lead_us)):
                self.changed = True
            if self.state == "BOLUS" and infusion.now_ticks(self.feeder.lead_us) >= infusion.planner.law.bolus_end:
                self.event("BOLUS_DONE")

    def halted(self, course: "Infusion", total_steps: int) -> None:
        """The motor, which ran `course`, has just been turned off with the odometer at total_steps."""
        self.total_steps = total_steps
        infusion = self.infusion
        own = total_steps - course.base_steps
        if course is infusion:
            at = infusion.now_ticks(self.feeder.lead_us)
            infusion.abandon_bolus(at)
            infusion.rewind(at, total_steps)
            if self.alarms & _OCCLUSION and self.state == "ALARM":
                self._relief = self._relief_course(own)
                self._steer()
        elif course.backward:
            self.syringe_end_steps += 2 * own
            self.log.add(self.now_ms, "relief", "%d nL back at %d Pa" % (self.nl_of(own), self.pressure_pa))
            if infusion:
                infusion.taken_back(own, total_steps)
                infusion.planner.limit = self.syringe_end_steps - infusion.base_steps
        else:
            self.kvo_steps += own
            if infusion:
                infusion.made_elsewhere(own)
                infusion.planner.limit = self.syringe_end_steps - infusion.base_steps
        self.feeder.begin(None, total_steps)  # what was handed over and not made is asked for no more
        if self.state in ("IDLE", "FAULT") or (self.state == "KVO" and self._over):
            self.end()

    def begun(self, course: "Infusion", total_steps: int) -> None:
        """The motor is about to run `course`."""
        if course is not self.infusion:
            course.begin(total_steps, self.syringe_end_steps if not course.backward else total_steps + (1 << 29))
        self.feeder.begin(course.planner, total_steps)

    def _complete(self, course: "Infusion") -> None:
        """The course has come to its end: a program goes over to the hold rate, a hold ends."""
        if course is self.infusion:
            self._over = True
            self._hold = self._hold_course()
            self.event("PROGRAM_DONE")
            if not self._hold:
                self.event("KVO_DONE")
            self.raise_alarms(alarms.BITS["INFUSION_COMPLETE"])
        else:
            self._hold = None
            self.event("HOLD_DONE" if self.infusion else "KVO_DONE")

    def _hold_course(self) -> "Infusion | None":
        """The hold at the KVO rate: at most the rate that ran; bounded in time and volume (SR-KVO-01, SR-KVO-02)."""
        infusion, step_volume = self.infusion, self.step_volume
        if not infusion or not step_volume:
            return None
        running_pl_h = infusion.rate_pl_h(max(infusion.now_ticks(self.feeder.lead_us) - 1, 0))
        rate_pl_h = min(running_pl_h, self.board.KVO_NL_H * PL_PER_NL, KVO_MOST_PL_H)
        if not rate_pl_h:
            return None
        duration_ms = min(self.board.KVO_MS, self.board.KVO_NL * PL_PER_NL * MS_PER_H // rate_pl_h)
        return Infusion([["infuse", duration_ms, rate_pl_h, rate_pl_h]], step_volume, self.shortest_ticks)

    def _relief_course(self, delivered_steps: int) -> "Infusion | None":
        """One backward move, bounded in volume and by what the program has pushed (SR-OCC-04, SR-DIR-01)."""
        if not self.step_volume or not delivered_steps:
            return None
        rate_pl_h = self.board.RELIEF_NL_H * PL_PER_NL
        volume_pl = min(self.nl_of(delivered_steps), self.board.RELIEF_NL) * PL_PER_NL
        duration_ms = volume_pl * MS_PER_H // rate_pl_h
        if not duration_ms:
            return None
        return Infusion([["infuse", duration_ms, rate_pl_h, rate_pl_h]], self.step_volume, self.shortest_ticks, True)

    def end(self) -> None:
        """Forgets the infusion but not what it delivered; the motor is off."""
        self._over = False
        if self.infusion:
            self._last = self.progress()
            self.infusion = None
            self.attended = False

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
        rate_pl_h = infusion.rate_pl_h(at) if self.course is infusion else 0
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
