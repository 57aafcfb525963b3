"""Twin of drivers/pressure_adc.py: what a 12-bit converter makes of the plant's pressure, noise and faults included."""

from collections.abc import Callable

FAULTS = ("open", "short", "stuck")
HIGHEST = 4095


def reading(pressure_kpa: float, zero_count: int, mpa_per_count: int) -> int:
    """The converter's 12-bit value for a pressure; clipped at its ends."""
    value = int((zero_count + pressure_kpa * 1e6 / mpa_per_count) / 65535 * HIGHEST + 0.5)
    return value if 0 <= value <= HIGHEST else 0 if value < 0 else HIGHEST


class Sensor:
    """value(): the converter's 12-bit reading, which a real one never gives twice for long: one count of noise.

    fault: None, or what is wrong with it: "open" (the pin is pulled low), "short" (to its supply), "stuck".
    offset_kpa, gain: what it adds to the pressure, and by how much it multiplies it first.
    """

    def __init__(self, pressure_kpa: Callable[[], float], zero_count: int, mpa_per_count: int, seed: int = 1) -> None:
        self._pressure_kpa = pressure_kpa
        self._zero, self._slope = zero_count, mpa_per_count
        self._noise = seed
        self.fault: str | None = None
        self.offset_kpa, self.gain = 0.0, 1.0
        self._last = 0

    def value(self) -> int:
        if self.fault:
            return self._last if self.fault == "stuck" else 0 if self.fault == "open" else HIGHEST
        self._noise = random = (self._noise * 1103515245 + 12345) & 0x7FFFFFFF
        kpa = self._pressure_kpa() * self.gain + self.offset_kpa
        value = reading(kpa, self._zero, self._slope) + (random >> 16) % 3 - 1
        self._last = value = value if 0 <= value <= HIGHEST else 0 if value < 0 else HIGHEST
        return value


class Pressure:
    """pascal(): gauge pressure as the firmware sees it. sensor: what it reads. fitted(bore_um): of no effect.
    correct(zero_pa, span_ppm): its calibration."""

    bore_um = 0

    def __init__(self, sensor: Sensor, zero_count: int, mpa_per_count: int) -> None:
        self._sensor = sensor
        self._nominal = zero_count, mpa_per_count
        self.correct(0, 0)

    def fitted(self, bore_um: int) -> None:
        pass

    def correct(self, zero_pa: int, span_ppm: int) -> None:
        zero, slope = self._nominal
        self._zero = zero + zero_pa * 1000 // slope
        self._slope = slope * (1000000 + span_ppm) // 1000000

    def pascal(self) -> int:
        value = self._sensor.value()
        count = value << 4 | value >> 8  # what MicroPython's read_u16 makes of 12 bits
        return (count - self._zero) * self._slope // 1000
