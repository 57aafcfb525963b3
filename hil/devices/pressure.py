"""Twin of drivers/pressure_adc.py: what a 12-bit converter makes of the plant's pressure."""

from collections.abc import Callable


def reading(pressure_kpa: float, zero_count: int, mpa_per_count: int) -> int:
    """The converter's 12-bit value for a pressure; clipped at its ends."""
    count = zero_count + pressure_kpa * 1e6 / mpa_per_count
    return min(max(int(count / 65535 * 4095 + 0.5), 0), 4095)


class Pressure:
    """pascal(): gauge pressure as the firmware sees it."""

    def __init__(self, pressure_kpa: Callable[[], float], zero_count: int, mpa_per_count: int) -> None:
        self._pressure_kpa = pressure_kpa
        self._zero = zero_count
        self._slope = mpa_per_count

    def pascal(self) -> int:
        value = reading(self._pressure_kpa(), self._zero, self._slope)
        count = value << 4 | value >> 8  # what MicroPython's read_u16 makes of 12 bits
        return (count - self._zero) * self._slope // 1000
