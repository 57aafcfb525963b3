"""Twins of drivers/stepper_pio.py and drivers/odometer_pio.py: words in, pulses out, each at its exact time."""

from collections import deque
from functools import lru_cache

from hil.devices.clock import Clock
from hil.devices.interlock import Interlock
from hil.devices.motor_driver import AtThePins
from pump.core.infusion import PULSE_TICKS
from pump.core.planner import OVERHEAD_TICKS
from pump.core.units import US_PER_TICK

FIFO_WORDS = 4
PULSE_US = PULSE_TICKS * US_PER_TICK


@lru_cache(maxsize=1024)  # most words come again and again
def decode(word: int) -> tuple[int, int]:
    """(steps, period_ticks) of a word; 0 steps for a rest. The state machine's reading of the planner's layout."""
    count, fine, coarse, pulse = word & 0xFF, word >> 8 & 0x3F, word >> 14 & 0x3FF, word >> 24 & 1
    return (count + 1) * pulse, OVERHEAD_TICKS + fine + (32 * (coarse + 1) if coarse else 0)


class Stepper:
    """driver: what its pins lead to; it gets each pulse, in order, when somebody looks (`catch_up`).
    interlock: counts them on their way, and may turn the driver off.

    pulses: since power-on. A pulse that the driver does not get, or gets while it is off, is counted and moves nothing.
    lose_every: one pulse in so many is lost on the wire and reaches neither odometer nor motor; 0: none.
    """

    def __init__(self, clock: Clock, driver: AtThePins, interlock: Interlock) -> None:
        self._clock = clock
        self._driver = driver
        self._interlock = interlock
        self._waiting: list[int] = []  # words put before start
        self._starts: deque[int] = deque()  # when each word that was put leaves the FIFO
        self._edges: deque[int] = deque()
        self._end_us = 0
        self._running = False
        self._pulsing = False
        self.pulses = 0
        self.lose_every = 0
        self._generated = 0

    def forward(self, on: bool) -> None:
        self._driver.drive(backward=not on)

    def room(self) -> int:
        starts, now_us = self._starts, self._clock.now_us
        while starts and starts[0] <= now_us:
            starts.popleft()
        return FIFO_WORDS - len(starts) - len(self._waiting)

    def put(self, word: int) -> None:
        if not self._running:
            self._waiting.append(word)
            return
        start_us = self._end_us
        if start_us < self._clock.now_us:
            start_us = self._clock.now_us
        steps, period_ticks = decode(word)
        self._starts.append(start_us)
        self._end_us = end_us = start_us + period_ticks * US_PER_TICK * (steps or 1)
        if steps == 1:
            self._edges.append(end_us - PULSE_US)
        elif steps:
            period_us = period_ticks * US_PER_TICK
            self._edges.extend(range(start_us + period_us - PULSE_US, end_us, period_us))

    def start(self) -> None:
        self._running = True
        self._end_us = self._clock.now_us
        words, self._waiting = self._waiting, []
        for word in words:
            self.put(word)

    def halt(self) -> None:
        self.catch_up()
        self._running = False
        self._waiting.clear()
        self._starts.clear()
        self._edges.clear()

    def catch_up(self) -> None:
        """Makes the pulses that are due by now."""
        edges, now_us = self._edges, self._clock.now_us
        if not edges or edges[0] > now_us or self._pulsing:  # who is told of a pulse may look, too
            return
        self._pulsing = True
        while edges and edges[0] <= now_us:
            at_us = edges.popleft()
            if self.lose_every:
                self._generated += 1
                if self._generated % self.lose_every == 0:
                    continue
            self._pulse(at_us)
        self._pulsing = False

    def add_pulses(self, count: int) -> None:
        """Pulses that nobody made, now: noise on the wire."""
        self.catch_up()
        for _ in range(count):
            self._pulse(self._clock.now_us)

    def _pulse(self, at_us: int) -> None:
        self._driver.turn(at_us, self._driver.direction)
        self.pulses += 1
        self._interlock.passed()


class Odometer:
    """steps(): pulses at the step pin since power-on."""

    def __init__(self, stepper: Stepper) -> None:
        self._stepper = stepper

    def steps(self) -> int:
        stepper = self._stepper
        stepper.catch_up()
        return stepper.pulses
