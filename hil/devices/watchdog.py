"""Twin of drivers/watchdog_rp2.py."""

from hil.devices.clock import Clock


class Watchdog:
    """bites_us: when it will reset the chip unless it is fed."""

    def __init__(self, clock: Clock, timeout_ms: int) -> None:
        self._clock = clock
        self._timeout_us = timeout_ms * 1000
        self.bites_us = clock.now_us + self._timeout_us

    def feed(self) -> None:
        self.bites_us = self._clock.now_us + self._timeout_us
