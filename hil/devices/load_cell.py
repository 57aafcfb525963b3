"""A load cell with its HX711, as the bench has it; and the twin of drivers/load_hx711_pio.py."""

from collections.abc import Callable

HIGHEST, LOWEST = 0x7FFFFF, -0x800000
PERIOD_US = 100_000  # ten conversions a second
NOISE_COUNTS = 60


class Cell:
    """conversion(): what the converter makes of the force now; a real one never gives the same twice for long.

    fault: None, or "short" (its output is at the stop), "open" (the wire is off: never ready), "stuck".
    """

    faults = ("open", "short", "stuck")

    def __init__(self, force_n: Callable[[], float], zero_count: int, un_per_64_counts: int, seed: int = 1) -> None:
        self._force_n = force_n
        self._zero, self._un = zero_count, un_per_64_counts
        self._noise = seed
        self.fault: str | None = None
        self._last = 0

    def conversion(self) -> int | None:
        """None: there is none."""
        if self.fault == "open":
            return None
        if self.fault == "short":
            return HIGHEST
        if self.fault == "stuck":
            return self._last
        self._noise = (self._noise * 1103515245 + 12345) & 0x7FFFFFFF
        noise = (self._noise >> 16) % (2 * NOISE_COUNTS + 1) - NOISE_COUNTS
        count = self._zero + round(self._force_n() * 1e6 / self._un * 64) + noise
        self._last = min(max(count, LOWEST), HIGHEST)
        return self._last


class Converter:
    """count(): the newest conversion since it was asked last; None for none."""

    def __init__(self, cell: Cell, now_us: Callable[[], int]) -> None:
        self._cell = cell
        self._now_us = now_us
        self._taken_us = now_us() - PERIOD_US  # the first is there at once: the driver waits for it

    def count(self) -> int | None:
        if self._now_us() - self._taken_us < PERIOD_US:
            return None
        self._taken_us = self._now_us()
        return self._cell.conversion()
