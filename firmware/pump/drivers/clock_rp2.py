"""RP2040 timer: the control period and elapsed time. Differences only, so that no counter's wrap is ever seen."""

from time import sleep_us, ticks_add, ticks_diff, ticks_ms, ticks_us


class Clock:
    """remaining_ms(): until the control tick is due. advance(): on to the next one. elapsed_us(): since last asked.
    pause_us(): sleeps for so long, whatever is due."""

    def __init__(self, period_ms):
        self._period_ms = period_ms
        self._due_ms = ticks_add(ticks_ms(), period_ms)
        self._last_us = ticks_us()

    def remaining_ms(self):
        left_ms = ticks_diff(self._due_ms, ticks_ms())
        return left_ms if left_ms > 0 else 0

    def advance(self):
        self._due_ms = ticks_add(self._due_ms, self._period_ms)
        if ticks_diff(self._due_ms, ticks_ms()) <= 0:  # late by more than a period: no burst of ticks to catch up
            self._due_ms = ticks_add(ticks_ms(), self._period_ms)

    def elapsed_us(self):
        now_us = ticks_us()
        elapsed_us = ticks_diff(now_us, self._last_us)
        self._last_us = now_us
        return elapsed_us

    def pause_us(self, us):
        sleep_us(us)
