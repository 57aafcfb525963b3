"""Decides: requests and conditions in, state out. Holds the alarms, the program and the syringe.

It moves nothing itself. `state` alone says whether the motor may run (`course`); the app follows it. Monitors are
watch.py's, limits and boluses dosing.py's, totals books.py's.
"""

from pump.core import alarms, calibration, courses, filling, readings, slowing, states, wire
from pump.core.access import Access
from pump.core.books import Books
from pump.core.commands import COMMANDS
from pump.core.dosing import Dosing
from pump.core.monitors import Repeats, motor_fault
from pump.core.plunger import Plunger
from pump.core.program import Refusal
from pump.core.refusals import Refusals
from pump.core.signals import Annunciator
from pump.core.syringes import step_volume_pl
from pump.core.units import MS_PER_S, PL_PER_NL, TICKS_PER_S
from pump.core.watch import Watch

TYPE_CHECKING = False  # MicroPython has no typing
if TYPE_CHECKING:
    from pump.core.feeder import Feeder
    from pump.core.hardware import Board, Build, Inputs, Message
    from pump.core.infusion import Infusion
    from pump.core.memory import Memory
    from pump.core.program import Program

_OCCLUSION = alarms.BITS["OCCLUSION"]
_MOTOR_FAULT = alarms.BITS["MOTOR_FAULT"]
_SYRINGE_EMPTY = alarms.BITS["SYRINGE_EMPTY"]
_DOSE_LIMIT = alarms.BITS["DOSE_LIMIT"]
_MEMORY_FAULT = alarms.BITS["MEMORY_FAULT"]


class Controller:
    """board: the board's data (boards/*/board.py). build: VERSION and DIGEST. serial: number of the chip.
    feeder: what the generator was given. memory: opened. filling: the course that fills line or syringe, while it runs.

    state, course, alarms (bits in force), conditions (bits true now), now_ms since power-on (the app lets it pass),
    total_steps by the odometer. unsignalled: alarms that nobody can have seen or heard yet.
    syringe, step_volume, syringe_end_steps: the one that is fitted, and its last step by the odometer.
    signals: what the alarms in force sound and look like. report: of the self-test. boot: what main.py measured of it.
    leaving: the firmware is to end, for other firmware.
    """

    def __init__(
        self, board: "Board", build: "Build", serial: str, feeder: "Feeder", inputs: "Inputs", kept: "Memory"
    ) -> None:
        self.board = board
        self.build = build
        self.serial = serial
        self.feeder = feeder
        self.inputs = inputs
        self.memory = kept
        self.log = kept.journal
        self.watch = Watch(board, inputs)
        self.watch.use(kept.settings)
        self.dosing = Dosing(board)
        self.dosing.library = kept.library
        self.books = Books(kept, self.dosing.ledger)
        self.access = Access(kept.operators)
        self.clearing: "tuple[str, str] | None" = None  # (what, token) that the last request asked to forget
        self.clock: "tuple[int, int, int] | None" = None  # the host's time (s, ms) that was told last, and now_ms then
        self.signals = Annunciator()
        self.report: "dict[str, str]" = {}
        self.boot: "dict[str, int]" = {}
        self.leaving = False
        self.state = "BOOT"
        self.course: "Infusion | None" = None  # what the step generator is to run; None: the motor is off
        self.plunger = Plunger()
        self.alarms = self.conditions = 0
        self.unsignalled = self._detected_ms = 0
        self.now_ms = self.total_steps = self.pressure_pa = 0
        self._sensed_steps = 0  # total_steps of the last control tick
        self.beats = 0  # how often the monitors have looked (SR-DIAG-04)
        self.program: "Program | None" = None
        self.infusion: "Infusion | None" = None
        self.syringe: "str | None" = None
        self.fluid: "tuple[str, int] | None" = None  # (drug, concentration in ng/mL) that was declared to be in it
        self.step_volume: "tuple[int, int] | None" = None
        self.fill_ends(0)
        self.changed = True  # state, phase or alarms: the host is told at once
        self.attended = False
        self.kvo_steps = 0  # made at the hold rate, counted in no program
        self.shortest_ticks = TICKS_PER_S // board.MAX_STEPS_PER_S
        self._ramp = slowing.ramp(self.shortest_ticks, TICKS_PER_S // board.START_STOP_STEPS_PER_S)
        self._over = False  # the program is delivered, but for the KVO
        self._hold: "Infusion | None" = None
        self._relief: "Infusion | None" = None
        self._relief_of_hold = False  # it takes back what the hold has pushed, and not the program
        self._relief_most_pa = 0
        self.filling: "Infusion | None" = None
        self._refusals = Refusals(self.log)
        self._stopped_by = 0
        self._repeats = Repeats(board.REPEATS, board.REPEATS_S * MS_PER_S)

    # --- what happens

    def event(self, name: str) -> None:
        """Takes the table's step for an event, or for a request that has been found good."""
        state: str = states.after(self.state, name)  # type: ignore[assignment]  # None would be a bug, and must raise
        if state != self.state:
            self.log.add(self.now_ms, "state", "%s > %s: %s" % (self.state, state, name))
            if "BOLUS" in (self.state, state):
                self.books.saved = False  # the lockout begins, or ends, with what is in the store
            self.state = state
            self.changed = True
        self._steer()

    def _steer(self) -> None:
        """Sets the course that the state allows: the only place where the motor is let run."""
        motor = states.STATES[self.state][states.MOTOR]
        if motor == states.RUN:
            beside = {"KVO": self._hold, "PRIMING": self.filling, "FILLING": self.filling}
            self.course = beside.get(self.state, self.infusion)
        elif motor == states.RELIEVE:
            self.course = self._relief
        else:
            self.course = None

    def raise_alarms(self, bits: int) -> None:
        """Puts alarms in force, told, seen and heard (SR-ALARM-01), and takes their effect on the motor."""
        for name in alarms.named(bits & ~self.alarms):
            self.log.add(self.now_ms, "alarm", "%s at %s" % (name, self.watch.measured(self, name)))
            self.changed = True
        if not self.unsignalled:
            self._detected_ms = self.now_ms
        self.unsignalled |= bits & ~self.alarms
        self.alarms |= bits
        self.signals.set(alarms.highest_priority(self.alarms), True)
        effect = alarms.lowest_effect(bits)
        if effect == alarms.STOP_FOR_GOOD:
            self.event("FAIL")
        elif effect == alarms.STOP:
            self._relief = None
            self._stopped_by = bits & ~_SYRINGE_EMPTY  # which is no fault, and over with the next syringe
            self.event("HALT")
        elif effect == alarms.HOLD and self.state in ("INFUSING", "BOLUS"):
            self.hold("HOLD")

    def signalled(self) -> None:
        """Light and buzzer show what is in force now: the record of how long that took (SR-ALARM-11)."""
        names = " ".join(alarms.named(self.unsignalled))
        self.unsignalled = 0
        self.log.add(self.now_ms, "signal", "%s %d ms after detection" % (names, self.now_ms - self._detected_ms))

    def hold(self, event: str) -> None:
        """From the program down to the hold rate (KVO)."""
        self._hold = courses.hold(self)
        self.event(event)
        if not self._hold:  # a hold rate of 0 is a pause
            self.event("HOLD_DONE")

    def end_alarms(self, bits: int) -> None:
        """These alarms are no longer in force."""
        for name in alarms.named(bits & self.alarms):
            self.log.add(self.now_ms, "cleared", name)
            self.changed = True
        self.alarms &= ~bits
        self.signals.set(alarms.highest_priority(self.alarms))

    def booted(self, watchdog_reset: bool, failed: "str | None") -> None:
        """The self-test is over; `failed` is the step that did. After a reset in the middle of an infusion the pump
        says so and stays still (SR-POWER-01)."""
        self.log.add(self.now_ms, "boot", "%s %s" % (self.build.VERSION, self.build.DIGEST[:16]))
        self.books.recall(self)
        for text in self.memory.findings:
            self.log.add(self.now_ms, "fault", text)
        if self.log.torn:  # a fault that is mended is no alarm (SR-DIAG-10)
            self.log.add(self.now_ms, "mended", "journal: %d records cut off in the middle" % self.log.torn)
        bits = 0
        if watchdog_reset:
            bits |= alarms.BITS["WATCHDOG_RESET"]
        elif self.memory.interrupted:
            bits |= alarms.BITS["POWER_INTERRUPTED"]
        if self.memory.findings:
            bits |= _MEMORY_FAULT
        if failed:
            self.log.add(self.now_ms, "fault", "self-test: %s" % failed)
            bits |= alarms.BITS["SELF_TEST_FAILED"]
        if bits:
            self.raise_alarms(bits)
        else:
            self.event("SELF_TEST_PASSED")

    def fail(self, what: str) -> None:
        """A test that goes on while the pump runs has failed: a fault and its alarm (SR-DIAG-11, SR-LOG-02)."""
        self.log.add(self.now_ms, "fault", "self-test: %s" % what)
        self.raise_alarms(alarms.BITS["SELF_TEST_FAILED"])

    def sense(self, pressure_pa: int, total_steps: int) -> None:
        """Once in every control tick: samples to conditions to state. Allocates nothing unless a condition changes."""
        self.beats = (self.beats + 1) & 0xFFFF
        self.pressure_pa = pressure_pa
        steps = total_steps - self._sensed_steps
        self.total_steps = self._sensed_steps = total_steps
        feeder = self.feeder
        course = self.course
        running = drawing = False
        if course and course is not self._relief:
            running = True
            drawing = course.backward
            if course is self.filling and not drawing:
                steps = 0  # of air that goes ahead of the liquid none is too much
        conditions = self.watch.tick(running, drawing, pressure_pa, steps)
        if motor_fault(feeder.due, total_steps, feeder.asked):
            conditions |= _MOTOR_FAULT
        before = self.conditions
        if before & _SYRINGE_EMPTY and total_steps >= self.syringe_end_steps:
            conditions |= _SYRINGE_EMPTY  # until another is fitted
        if before & _DOSE_LIMIT and total_steps >= self.books.dose_end_steps:
            conditions |= _DOSE_LIMIT
        if course and (feeder.is_over() or (course is self._relief and self._relief_ends(pressure_pa))):
            conditions |= self._course_is_over(course)
        if conditions != before:
            self.conditions = conditions
            ending = before & ~conditions & alarms.PASSING_BITS
            if ending:
                self.end_alarms(ending)
            rising = conditions & ~before
            if rising:
                if rising & _MOTOR_FAULT and not self.watch.slow & _MOTOR_FAULT:
                    text = "pulses: %d counted, %d to %d expected" % (total_steps, feeder.due, feeder.asked)
                    self.log.add(self.now_ms, "fault", text)
                self.raise_alarms(rising)

    def _relief_ends(self, pressure_pa: int) -> bool:
        """Whether the back-off has done its work, or does the opposite: a plunger on its way back that makes the
        pressure rise goes the wrong way."""
        return pressure_pa <= self.board.RELIEVED_PA or pressure_pa >= self._relief_most_pa

    def cut_off(self) -> None:
        """The interlock has turned the motor driver off: more pulses came than the rate can want (SR-SAFE-01)."""
        self.log.add(self.now_ms, "fault", "interlock: cut off, %d pulses counted" % self.total_steps)
        self.raise_alarms(_MOTOR_FAULT)

    def _course_is_over(self, course: "Infusion") -> int:
        """The course has come to its end, or to where it may not go on: the condition that follows."""
        if course is self._relief:
            self._relief = None
            self._steer()
        elif course.backward:
            filling.over(self, course)
        elif not course.planner.dry:
            self._complete(course)
        elif self.total_steps >= self.syringe_end_steps:
            return _SYRINGE_EMPTY
        elif course is self.infusion:
            return _DOSE_LIMIT
        else:  # the hold rate, too, keeps to the dose windows
            self._complete(course)
        return 0

    def second(self, elapsed_ms: int) -> None:
        """Once a second, behind the tick: books, watches, and saves what must outlive the power."""
        self.books.book(self)
        self.signals.mark(self.dosing.overrides > 0)
        told = self.access.second(elapsed_ms, self.infusion is None)
        if told:
            self.log.add(self.now_ms, "session", told)
            self.signals.refuse()
            self.changed = True
        self.watch.second(self, elapsed_ms)
        self.books.pass_time(elapsed_ms, self.course is not None)

    def recheck(self) -> None:
        """Whether what decides rate and volume is still what a person confirmed, bit by bit (SR-DIAG-09)."""
        infusion, program, course = self.infusion, self.program, self.course
        if infusion and program and not (program.recheck() and self.step_volume_intact() and infusion.intact()):
            self.fail("program")
        elif course and course is not infusion and not course.intact():
            self.fail("course")
        elif self._fill_ends != ~self.syringe_end_steps:
            self.fail("syringe")

    def fill_ends(self, at_steps: int) -> None:
        """The fitted syringe's last step by the odometer; kept twice, so that a flipped bit is found (SR-DIAG-09)."""
        self.syringe_end_steps = at_steps
        self._fill_ends = ~at_steps

    def declare_fill(self, steps: int) -> None:
        """So many steps are in the syringe from here on. What a plunger on its way back has made so far counts twice
        when it is halted, and not for this fill."""
        self.fill_ends(self.total_steps + steps - 2 * self.plunger.under_way_back(self.total_steps))

    def step_volume_of(self, syringe: str) -> tuple[int, int]:
        """Volume of a step with this syringe, as it was calibrated: the one place that says so."""
        slope_ppm = calibration.slope_ppm(self.memory.calibration, syringe)
        return step_volume_pl(syringe, self.board.LEAD_UM, self.board.STEPS_PER_TURN, slope_ppm)

    def step_volume_intact(self) -> bool:
        """Whether a step's volume is that of the syringe that was declared."""
        return not self.syringe or self.step_volume == self.step_volume_of(self.syringe)

    def end_steps(self) -> int:
        """The odometer at the last step that syringe and dose windows allow."""
        return min(self.syringe_end_steps, self.books.dose_end_steps)

    def nl_of(self, steps: int) -> int:
        """Volume of steps with the fitted syringe, rounded down: what was pumped, by the count (SR-ACC-02)."""
        if not self.step_volume:
            return 0
        pl, divisor = self.step_volume
        return steps * pl // (divisor * PL_PER_NL)

    def remaining_nl(self) -> int:
        """Left in the syringe by the count (SR-RES-02, SR-RES-04)."""
        return self.nl_of(max(self.syringe_end_steps - self.total_steps, 0))

    def follow(self) -> None:
        """Behind the tick: notices a new phase and the end of a bolus. The planner is ahead of both."""
        infusion = self.infusion
        if infusion and self.course is infusion:
            if infusion.phase_is_planned() and infusion.enter_phase(infusion.now_ticks(self.feeder.lead_us)):
                self.changed = True
            if self.state == "BOLUS":
                at = infusion.now_ticks(self.feeder.lead_us)
                if at >= infusion.planner.law.bolus_end:
                    self.books.book(self)  # the lockout begins now
                    self.dosing.end_bolus(infusion, at)
                    self.event("BOLUS_DONE")

    def save(self) -> bool:
        """Behind the tick: writes what is new to the store, one thing at a time; whether anything was to be written."""
        if not self.books.saved:
            self.checkpoint()
            return True
        log = self.log
        if log.saved != log.last:
            log.save()
            return True
        return False

    def checkpoint(self) -> bool:
        """Saves the totals. False: they cannot be saved, and the motor must not run."""
        if not self.books.checkpoint(self):
            self.raise_alarms(_MEMORY_FAULT)
            return False
        return True

    def stops_at_once(self) -> bool:
        """Whether an alarm turns the motor off, and no step may follow, not even those of a ramp (SR-STOP-04)."""
        return self.state in ("ALARM", "FAULT") or alarms.lowest_effect(self.alarms) <= alarms.STOP

    def halted(self, course: "Infusion", total_steps: int) -> None:
        """The motor, which ran `course`, has just been turned off with the odometer at total_steps."""
        self.total_steps = total_steps
        infusion = self.infusion
        own = total_steps - course.base_steps
        self.plunger.halted(total_steps)
        went_back = course.backward
        if went_back and course is not self.filling and self.pressure_pa >= self._relief_most_pa:
            self.log.add(self.now_ms, "fault", "relief: %d Pa, and rising: DIR?" % self.pressure_pa)
            went_back = False  # in doubt it was pushed
        if went_back:
            self.fill_ends(self.syringe_end_steps + 2 * own)
        if course is infusion:
            at = infusion.now_ticks(self.feeder.lead_us)
            if self.dosing.ledger.in_bolus:
                self.books.book(self)
                self.dosing.end_bolus(infusion, at)
            infusion.rewind(at, total_steps)
            self._relieve(course, own)
        elif course is self.filling:
            filling.halted(self, course, own)
        elif went_back:
            self.books.taken_back(own)
            self.log.add(self.now_ms, "relief", "%d nL back at %d Pa" % (self.nl_of(own), self.pressure_pa))
            if self._relief_of_hold:
                self._made_beside(-own, own)
            elif infusion:
                infusion.taken_back(own, total_steps)
        else:
            self._made_beside(own, own)
            if not course.backward:
                self._relieve(course, own)
        self.books.book(self)
        if infusion:
            infusion.planner.limit = self.end_steps() - infusion.base_steps
        self.feeder.begin(None, total_steps)  # what was handed over and not made is asked for no more
        if self.state in ("IDLE", "FAULT") or (self.state == "KVO" and self._over):
            self.end()
        self.books.saved = False

    def _relieve(self, course: "Infusion", steps: int) -> None:
        """Lets the plunger back off by what `course` has pushed, if an occlusion has ended it (SR-OCC-04)."""
        if self.alarms & _OCCLUSION and self.state == "ALARM":
            self._relief = courses.relief(self, steps)
            self._relief_of_hold = course is not self.infusion
            self._steer()

    def _made_beside(self, steps: int, pulses: int) -> None:
        """At the hold rate, or taken back of it: in no case the program's."""
        self.kvo_steps += steps
        if self.infusion:
            self.infusion.made_elsewhere(pulses)

    def begun(self, course: "Infusion", total_steps: int) -> None:
        """The motor is about to run `course`."""
        self.plunger.begun(course.backward, total_steps)
        self._over = False  # an alarm in the tick of the end may have come before the hold, and taken volume back
        self.watch.motor_starts(self.pressure_pa)
        course.planner.ramp = self._ramp
        if course.backward:
            self._relief_most_pa = self.pressure_pa + self.board.PRESSURE_LEAP_PA
            course.begin(total_steps, total_steps + (1 << 29))
        elif course is not self.infusion:  # what fills the line is no dose
            course.begin(total_steps, self.syringe_end_steps if course is self.filling else self.end_steps())
        self.feeder.begin(course.planner, total_steps)

    def _complete(self, course: "Infusion") -> None:
        """The course has come to its end: a program goes over to the hold rate, a hold ends, a line is filled."""
        if course is self.infusion:
            self._over = True
            self._hold = courses.hold(self)
            self.event("PROGRAM_DONE")
            if not self._hold:
                self.event("KVO_DONE")
            self.raise_alarms(alarms.BITS["INFUSION_COMPLETE"])
        elif course is self.filling:
            filling.over(self, course)
        else:
            self._hold = None
            self.event("HOLD_DONE" if self.infusion else "KVO_DONE")

    def end(self) -> None:
        """Forgets the infusion but not what it delivered; the motor is off."""
        self._over = False
        if self.infusion:
            self.books.last = readings.progress(self)
            if self.program:
                self.books.last_ng_ml = self.program.header["concentration_ng_ml"]
            self.infusion = None
            self.attended = False
            self.watch.program_ended()
            self.drop_program()  # to start it again would repeat what is delivered (SR-STOP-05)

    # --- programs

    def is_staged(self) -> bool:
        """Whether a program waits for its confirmation or its start."""
        return self.program is not None and self.infusion is None and self.state in ("IDLE", "READY")

    def waits_for_a_person(self) -> bool:
        """Whether nothing goes on before somebody acts."""
        return self.is_staged() or self.state in ("PAUSED", "ALARM")

    def drop_program(self) -> None:
        """Forgets the program that is loaded."""
        self.program = None
        self.dosing.drop()

    def expire(self) -> None:
        """A program has waited too long for its start (SR-UI-09)."""
        self.drop_program()
        self.event("EXPIRED")
        self.raise_alarms(alarms.BITS["IDLE_TOO_LONG"])

    def restarting(self) -> None:
        """A start or resume is about to be done. Refusal where the same alarm came before too many (SR-STOP-06)."""
        stopped_by, self._stopped_by = self._stopped_by, 0
        if stopped_by and self._repeats.note(self.now_ms, stopped_by):
            self._repeats.forget()
            self.raise_alarms(alarms.BITS["REPEATED_ALARM"])
            raise Refusal(wire.STILL_TRUE, "the same alarm came too often: acknowledge first")

    # --- what is asked

    def heard(self) -> None:
        """A good line has come from the host."""
        self.watch.heard()

    def act(self, method: str, params: "Message", by: str = "") -> "tuple[Message | None, tuple[int, str] | None]":
        """Carries out one request: (result, None) or (None, (code, reason)). What is refused changes nothing.

        by: who asked, for the log; empty for the host.
        """
        command = wire.METHODS[method][0]
        try:
            if command and not states.allows(self.state, command):
                possible = ", ".join(states.states_of(command))
                raise Refusal(wire.NOT_IN_STATE, "%s in state %s; possible in %s" % (method, self.state, possible))
            if command and not by:
                self.access.check(command)
            result = COMMANDS[method](self, **params)
            if command and method != "clear":
                self.clearing = None
        except Refusal as refusal:
            self.refused("%s%s: %s" % (method, by, refusal.reason))
            return None, (refusal.code, refusal.reason)
        if command and params.get("first", 0) == 0 and params.get("index", 0) == 0:  # of a thing in parts the first
            self._refusals.end(self.now_ms)
            self.log.add(self.now_ms, "command", method + by)
        return result, None

    def refused(self, text: str) -> None:
        """Something that was asked for, by host or key, is not done: into the log, and the cue (SR-AUDIO-08)."""
        self._refusals.add(self.now_ms, text)
        self.signals.refuse()
