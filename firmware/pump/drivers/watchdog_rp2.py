"""RP2040 watchdog: resets the chip unless it is fed. Once started it cannot be stopped."""

import machine


class Watchdog:
    def __init__(self, timeout_ms):
        self._watchdog = machine.WDT(timeout=timeout_ms)

    def feed(self):
        self._watchdog.feed()
