"""A SLF3S on its bus, as the bench has it."""

from collections.abc import Callable

from pump.core import crc8

ADDRESS = 0x08
START_WATER, STOP = b"\x36\x08", b"\x3f\xf9"
AIR, HIGH, SMOOTHED = 1, 2, 32
WARM_UP_US = 60_000


class Slf3s:
    """write and read are its bus's. volume_ul(): that has passed it; air(): whether there is air in it now.

    fault: None, "silent" (it does not acknowledge) or "garbled" (a checksum of each read is wrong).
    factor: what it makes of the true flow; "as much again passes by its side" is 0.5.
    """

    faults = ("silent", "garbled")

    def __init__(
        self, volume_ul: Callable[[], float], air: Callable[[], bool], now_us: Callable[[], int], nl_h_per_count: int
    ) -> None:
        self._volume_ul, self._air, self._now_us = volume_ul, air, now_us
        self._scale = nl_h_per_count
        self.fault: str | None = None
        self.factor = 1.0
        self._last_us, self._last_ul = 0, 0.0
        self.power_on()

    def power_on(self) -> None:
        self._since_us: int | None = None  # when it began to measure

    @property
    def acknowledged(self) -> int:
        return 0 if self.fault == "silent" else 1 << 20

    def write(self, data: bytes) -> bool:
        """Whether it acknowledges."""
        if self.fault == "silent":
            return False
        if data == START_WATER:
            if self._since_us is not None:
                return False
            self._since_us = self._now_us()
            self._last_us, self._last_ul = self._now_us(), self._volume_ul()
        elif data == STOP:
            self._since_us = None
        return True

    def ready(self) -> bool:
        """Whether it acknowledges a read."""
        began = self._since_us
        return self.fault != "silent" and began is not None and self._now_us() - began >= WARM_UP_US

    def read(self, size: int) -> bytes | None:
        """The mean since the last read."""
        if not self.ready():
            return None
        now_us, volume_ul = self._now_us(), self._volume_ul()
        flow_nl_h = (volume_ul - self._last_ul) * self.factor * 3.6e12 / max(now_us - self._last_us, 1)
        self._last_us, self._last_ul = now_us, volume_ul
        count = round(flow_nl_h / self._scale)
        flags = SMOOTHED | (AIR if self._air() else 0) | (HIGH if abs(count) > 0x7FFF else 0)
        count = min(max(count, -0x8000), 0x7FFF)
        data = b""
        for word in (count & 0xFFFF, 25 * 200, flags):
            pair = word.to_bytes(2, "big")
            data += pair + bytes([crc8.sensirion(pair) ^ (4 if self.fault == "garbled" else 0)])
        return data[:size]
