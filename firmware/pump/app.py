"""The loop: read, monitor, decide, act, tell. A cyclic executive without callbacks (D11).

The hardware comes in as objects, so the same loop runs on a board, on the emulated chip and in a simulation. Control
ticks have a fixed period; between them the loop sleeps until a byte comes from the host. Planning, telling and
collecting garbage happen behind the tick, bounded, so that none of them can make the motor starve.
"""

from pump.core import framing
from pump.core.controller import Controller
from pump.core.feeder import Feeder
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
        Link,
        Message,
        Odometer,
        Pressure,
        Stepper,
        Watchdog,
    )
    from pump.core.infusion import Infusion
    from pump.core.selftest import Parts
    from pump.core.store import Store

PLAN_TICKS = 20000  # planned ahead of what the generator holds: two control periods
COLLECT_EVERY = 200  # control ticks: 20 s make less than half a heap of garbage
EVENTS_PER_TICK = 2


class App:
    """stepper, odometer, pressure, clock, link, watchdog, inputs, annunciator, store: see hil/devices for what each
    must offer. parts: what the self-test is to look at.

    board: data of boards/*/board.py. build: VERSION, DIGEST. watchdog_reset: whether the last reset was one.
    collect(): collects garbage; a simulation has none to fear.
    """

    def __init__(
        self,
        board: "Board",
        build: "Build",
        stepper: "Stepper",
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
    ) -> None:
        self._board = board
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
        self.controller = Controller(board, build, self.feeder)
        self._session = Session()
        self._deframer = framing.Deframer()
        self._course: "Infusion | None" = None  # what the generator runs
        self._us = 0  # elapsed, not yet a whole millisecond
        self._to_status_ms = 0
        self._to_collect = COLLECT_EVERY
        self.faulty_lines = 0
        stepper.enable(False)
        self.controller.booted(watchdog_reset)
        collect()

    def run(self) -> None:
        """For ever. Whatever is raised in here is a bug: the motor goes off and the watchdog does the rest."""
        try:
            while True:
                self.turn()
        finally:
            self._stepper.halt()
            self._stepper.enable(False)

    def turn(self) -> None:
        """Sleeps until the next control tick or a byte from the host, and serves it."""
        wait_ms = self._clock.remaining_ms()
        if wait_ms:
            needs_ms = self.feeder.needs_ms() if self._course else wait_ms
            if self._link.wait(min(wait_ms, needs_ms)):
                self._listen()
            if needs_ms < wait_ms:
                self._feed_between()
            return
        self._clock.advance()
        self.tick()
        self._behind()

    def tick(self) -> None:
        """The control duties, in fixed order. Allocates nothing."""
        us = self._us + self._clock.elapsed_us()
        ms = us // 1000
        elapsed_us = us - self._us
        self._us = us - ms * 1000
        if self._course:
            self.feeder.elapse(elapsed_us)
        self.controller.sense(ms, self._pressure.pascal(), self._odometer.steps())
        if self._course is not self.controller.course:
            self._follow_state()
        if self._course:
            self.feeder.feed()
        self._to_status_ms -= ms
        self._watchdog.feed()

    def _feed_between(self) -> None:
        """Short words, as steep ramps need them, do not last from tick to tick."""
        if self._course:
            self.feeder.elapse(self._clock_on())
            self.controller.total_steps = self._odometer.steps()  # as of the same instant as the infusion time
            self._course.planner.refill(PLAN_TICKS)
            self.feeder.feed()

    def _follow_state(self) -> None:
        """Turns the motor on or off as the controller steers: the only place that does."""
        controller = self.controller
        if self._course:
            self._stepper.halt()
            self._stepper.enable(False)
            self.feeder.elapse(self._clock_on())
            controller.halted(self._course, self._odometer.steps())
        self._course = course = controller.course
        if course:
            controller.begun(course, controller.total_steps)
            course.planner.refill(PLAN_TICKS)
            self.feeder.feed()
            self._stepper.forward(not course.backward)
            self._stepper.enable(True)
            self._clock_on()
            self._stepper.start()

    def _clock_on(self) -> int:
        """Microseconds since the last look at the clock; kept for the next tick's milliseconds."""
        elapsed_us = self._clock.elapsed_us()
        self._us += elapsed_us
        return elapsed_us

    def _listen(self) -> None:
        for message, _fault in self._deframer.feed(self._link.read()):
            if message is None:
                self.faulty_lines += 1
                continue
            self.controller.heard()
            reply = self._session.answer(message, self.controller.act)
            if self._course is not self.controller.course:
                self._follow_state()
            if reply:
                self._link.write(framing.encode(reply))

    def _behind(self) -> None:
        """What follows a tick: plan, tell, tidy. Each bounded."""
        controller = self.controller
        if self._course:
            self._course.planner.refill(PLAN_TICKS)
            controller.follow()
        log = controller.log
        if log.told != log.last:
            for entry in log.after(log.told, EVENTS_PER_TICK):
                log.told = entry[0]
                self._tell("event", {"sequence": entry[0], "time_ms": entry[1], "kind": entry[2], "text": entry[3]})
        if controller.changed or self._to_status_ms <= 0:
            controller.changed = False
            self._to_status_ms = self._board.STATUS_PERIOD_MS
            self._tell("status", controller.status())
        self._to_collect -= 1
        if not self._to_collect:
            self._to_collect = COLLECT_EVERY
            self._collect()

    def _tell(self, method: str, params: "Message") -> None:
        self._link.write(framing.encode({"method": method, "params": params}))
