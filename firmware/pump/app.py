"""The loop: read, monitor, decide, act, tell. A cyclic executive without callbacks (D11).

The hardware comes in as objects, so the same loop runs on a board, on the emulated chip and in a simulation. Control
ticks have a fixed period; between them the loop sleeps until a byte comes from the host. Planning, telling and
collecting garbage happen behind the tick, bounded, so that none of them can make the motor starve.
"""

from pump.core import framing, panel, readings, selftest
from pump.core.controller import Controller
from pump.core.duties import Duties
from pump.core.feeder import Feeder
from pump.core.keys import Keys
from pump.core.memory import Memory
from pump.core.monitors import Doubling
from pump.core.session import Session

TYPE_CHECKING = False  # MicroPython has no typing
if TYPE_CHECKING:
    from collections.abc import Callable

    from pump.core.hardware import (
        Annunciator,
        Board,
        Build,
        Clock,
        Inputs,
        Interlock,
        Link,
        Message,
        Odometer,
        Pressure,
        Stepper,
        Watchdog,
    )
    from pump.core.infusion import Infusion
    from pump.core.journal import Journal
    from pump.core.selftest import Parts
    from pump.core.store import Store

PLAN_TICKS = 20000  # planned ahead of what the generator holds: two control periods
COLLECT_EVERY_S = 5  # before a busy host has filled the heap, which would then collect in the middle of a request
EVENTS_PER_TICK = 2
MOST_UNSAVED = 32  # log entries: half of what it keeps in memory
SETTLE_MS = 10  # between two samples of a key that has just changed
TICKS_A_SECOND = 10
WATCH_SLOT, CHECK_SLOT, COLLECT_SLOT = 0, 4, 7  # no two in one turn, nor with the status
SLOW_SLOTS = (WATCH_SLOT, CHECK_SLOT, COLLECT_SLOT)
LAST_SLOT = TICKS_A_SECOND - 1


class App:
    """stepper, interlock, odometer, pressure, clock, link, watchdog, inputs, annunciator, store: see hil/devices for
    what each must offer. parts: what the self-test is to look at.

    board: data of boards/*/board.py. build: VERSION, DIGEST. serial: number of the chip.
    watchdog_reset: whether the last reset was one.
    collect(): collects garbage; a simulation has none to fear. collect_every_s: seconds between two of them.
    """

    def __init__(
        self,
        board: "Board",
        build: "Build",
        serial: str,
        stepper: "Stepper",
        interlock: "Interlock",
        odometer: "Odometer",
        pressure: "Pressure",
        clock: "Clock",
        link: "Link",
        watchdog: "Watchdog",
        watchdog_reset: bool,
        collect: "Callable[[], object]",
        inputs: "Inputs",
        annunciator: "Annunciator",
        store: "Store",
        parts: "Parts",
        collect_every_s: int = COLLECT_EVERY_S,
    ) -> None:
        interlock.disable()
        self._interlock = interlock
        self._stepper = stepper
        self._odometer = odometer
        self._pressure = pressure
        self._clock = clock
        self._link = link
        self._watchdog = watchdog
        self._collect = collect
        self._inputs = inputs
        self._annunciator = annunciator
        self.feeder = Feeder(stepper)
        memory = Memory(store, watchdog.feed)
        memory.open()
        watchdog.feed()
        self.controller = Controller(board, build, serial, self.feeder, inputs, memory)
        self._signals = self.controller.signals
        self._keys = Keys()
        self._session = Session()
        self._deframer = framing.Deframer()
        self._course: "Infusion | None" = None  # what the generator runs
        self._us = 0  # elapsed, not yet a whole millisecond
        self._since_tick_ms = 0
        self._to_status_ms = 0
        self._slot = 0  # of this control tick among TICKS_A_SECOND: what is slow is spread over them
        self._since_second_ms = 0
        self._to_collect_s = self._collect_every_s = collect_every_s
        self._duties = Duties()
        self.faulty_lines = 0
        self._faulty_told = Doubling()
        self.controller.watch.driver = parts.driver
        self.controller.watch.pressure = pressure
        self.controller.watch.calibrated(memory.calibration["pressure"])
        self.controller.watch.meter = parts.flow_meter
        self._display = parts.display
        parts.library_intact = lambda: memory.library_intact
        parts.settings_intact = lambda: memory.settings_intact
        self.controller.report, failed = selftest.run(parts)
        self._background = selftest.Background(parts)
        watchdog.feed()
        clock.elapsed_us()  # the test took time, but no infusion did
        self.controller.booted(watchdog_reset, failed)
        collect()

    def run(self) -> None:
        """Until a host wants to put on other firmware. Whatever is raised in here is a bug: the motor goes off and the
        watchdog does the rest."""
        try:
            while not self.controller.leaving:
                self.turn()
        finally:
            self._motor_off()

    def turn(self) -> None:
        """Sleeps until the next control tick or a byte from the host, and serves it."""
        wait_ms = self._clock.remaining_ms()
        if wait_ms:
            if self._keys.unsettled:
                wait_ms = min(wait_ms, SETTLE_MS)
            needs_ms = self.feeder.needs_ms() if self._course else wait_ms
            heard = self._link.wait(min(wait_ms, needs_ms))
            if heard:
                self._listen()
            if needs_ms < wait_ms:
                self._feed_between()
            if self._keys.unsettled:
                self._sample_keys(0)
            if heard or self._clock.remaining_ms():
                return
        self._clock.advance()
        self.tick()
        self._behind()

    def tick(self) -> None:
        """The control duties, in fixed order. Allocates nothing."""
        elapsed_us = self._pass_time()
        ms = self._since_tick_ms
        self._since_tick_ms = 0
        if self._course:
            self.feeder.elapse(elapsed_us)
        self.controller.sense(self._pressure.pascal(), self._odometer.steps())
        self._sample_keys(ms)
        if self._course is not self.controller.course:
            self._follow_state()
        if self._course:
            self.feeder.feed()
        if self._signals.busy and self._signals.update(ms):
            self._annunciator.show(self._signals.tone_hz, self._signals.lights)
        if self.controller.unsignalled:
            self._catch_up()
            self.controller.signalled()
        self._to_status_ms -= ms
        self._since_second_ms += ms
        if self._duties.went_on(self.controller.beats, self.feeder, self._course):
            self._watchdog.feed()
            if self._course and not self._interlock.grant(self._course.grant_steps):
                self.controller.cut_off()

    def _sample_keys(self, elapsed_ms: int) -> None:
        keys = self._keys
        levels = self._inputs.keys()
        if levels:
            self.controller.watch.touched()
        if levels or keys.busy:
            actions = keys.update(elapsed_ms, levels)
            if actions:
                panel.pressed(self.controller, actions)
                if self._course is not self.controller.course:
                    self._follow_state()

    def _feed_between(self) -> None:
        """Short words, as steep ramps need them, do not last from tick to tick."""
        if self._course:
            self._catch_up()
            self._course.planner.refill(PLAN_TICKS)
            self.feeder.feed()

    def _catch_up(self) -> None:
        """Between ticks: device time, infusion time and the count of pulses as of one and the same instant."""
        elapsed_us = self._pass_time()
        if self._course:
            self.feeder.elapse(elapsed_us)
            self.controller.total_steps = self._odometer.steps()

    def _motor_off(self) -> None:
        self._stepper.halt()
        self._interlock.disable()

    def _follow_state(self) -> None:
        """Turns the motor on or off as the controller steers: the only place that does. Off is at once for an alarm
        (SR-STOP-04); else a fast motor makes a ramp of a few milliseconds, for which all waits (SR-STOP-03)."""
        controller = self.controller
        if self._course:
            ramp_us = 0 if controller.stops_at_once() else self.feeder.ramp_down(self._odometer.steps())
            if ramp_us:
                self._clock.pause_us(ramp_us)
            self._motor_off()
            elapsed_us = self._pass_time()
            total_steps = self._odometer.steps()
            if ramp_us:
                self.feeder.ramped(total_steps)
            else:
                self.feeder.elapse(elapsed_us)
            controller.halted(self._course, total_steps)
        course = controller.course
        if course and not course.backward and not controller.checkpoint():
            course = controller.course  # what cannot be recorded is not delivered
        self._course = course
        if course:
            controller.begun(course, controller.total_steps)
            course.planner.refill(PLAN_TICKS)
            self.feeder.feed()
            self._stepper.forward(not course.backward)
            self._interlock.enable(course.grant_steps)
            self._stepper.start()
            self._pass_time()  # behind the start: whatever comes between the two, no step counts as due too early

    def _pass_time(self) -> int:
        """Microseconds since the last look at the clock. Device time is that of now then (SR-LOG-04)."""
        elapsed_us = self._clock.elapsed_us()
        us = self._us + elapsed_us
        ms = us // 1000
        self._us = us - ms * 1000
        self._since_tick_ms += ms
        self.controller.now_ms += ms
        return elapsed_us

    def _listen(self) -> None:
        self._catch_up()
        for message, _fault in self._deframer.feed(self._link.read()):
            if message is None:
                self.faulty_lines += 1
                continue
            self.controller.heard()
            reply = self._session.answer(message, self.controller.act, self.controller.refused)
            if self._course is not self.controller.course:
                self._follow_state()
            if reply:
                self._link.write(framing.encode(reply))
            if message.get("method") == "load" and not self._course:
                self._collect()  # else the phases lie scattered, and among them no large piece of the heap is free
            if self.controller.log.last - self.controller.log.saved > MOST_UNSAVED:
                self.controller.log.save()

    def _behind(self) -> None:
        """What follows a tick: plan, tell, tidy. Each bounded."""
        controller = self.controller
        if self._course:
            self._course.planner.refill(PLAN_TICKS)
            controller.follow()
        slot = self._slot = (self._slot + 1) % TICKS_A_SECOND
        spare = False  # whether this turn has time for the display
        if slot == WATCH_SLOT:
            self._watch()
        elif slot == CHECK_SLOT:
            self._check()
        elif slot == COLLECT_SLOT:
            self._tidy()
        elif not controller.save():
            controller.dosing.turn()
            spare = True
        if controller.watch.driver_waits and slot not in SLOW_SLOTS:
            self._ask_driver(slot < LAST_SLOT)
        log = controller.log
        if log.told != log.last:
            self._tell_events(log)
        if controller.changed or (self._to_status_ms <= 0 and slot not in SLOW_SLOTS):
            controller.changed = False
            self._to_status_ms = self.controller.board.STATUS_PERIOD_MS
            self._tell("status", readings.status(controller))
        elif spare and self._display:
            self._display.turn(controller)
        if controller.state == "FAULT":  # by both ways, whatever is the matter with one (SR-STOP-07)
            if self._course:  # it failed behind the tick: what is cut off here is no step that was lost
                self._follow_state()
            self._motor_off()

    def _watch(self) -> None:
        """Once a second: monitors of slow things, and the books."""
        controller = self.controller
        controller.watch.keys_stuck = self._keys.stuck > 0
        controller.second(self._since_second_ms)
        self._since_second_ms = 0
        if self._faulty_told.update(self.faulty_lines):  # the host sends them again
            controller.log.add(controller.now_ms, "mended", "link: %d faulty lines passed over" % self.faulty_lines)

    def _ask_driver(self, may_wait: bool) -> None:
        """Once a second, in the first turn that is good for it. `_watch` takes up the answer."""
        controller = self.controller
        watch = controller.watch
        motor = controller.plunger.motor()
        self._catch_up()
        if watch.driver:
            watch.driver_waits = not watch.driver.ask(motor, controller.plunger.steps(controller.total_steps), may_wait)

    def _check(self) -> None:
        """Once a second: a piece of the self-test, and whether the program is still the one that was confirmed."""
        controller = self.controller
        if controller.state != "FAULT":  # it has said what is wrong, and would say so for ever
            controller.recheck()
            failed = self._background.advance()
            if failed:
                controller.fail(failed)

    def _tidy(self) -> None:
        """Once a second; the collection itself less often."""
        self._to_collect_s -= 1
        if not self._to_collect_s:
            self._to_collect_s = self._collect_every_s
            self._collect()

    def _tell_events(self, log: "Journal") -> None:
        """Entries as they are stored, so that none is told that a power cut could take back; all when none can be."""
        for entry in log.after(log.told, EVENTS_PER_TICK):
            if entry[0] > log.saved and not log.failed:
                break
            log.told = entry[0]
            self._tell("event", {"sequence": entry[0], "time_ms": entry[1], "kind": entry[2], "text": entry[3]})

    def _tell(self, method: str, params: "Message") -> None:
        self._link.write(framing.encode({"method": method, "params": params}))
