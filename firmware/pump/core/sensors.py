"""The slow inputs, sampled in turns: supply voltage, chip temperature, syringe and guard switch, air detector.

It smooths and judges whether a reading can be true; what a low supply or a bubble leads to is the monitors' business.
"""

TYPE_CHECKING = False  # MicroPython has no typing
if TYPE_CHECKING:
    from typing import Final

    from pump.core.hardware import Inputs


MEAN_OF = 10  # SR-POWER-03: readings that the judged value is the mean of
TURN: "Final" = 10  # samples between two slow readings; they alternate, so each is taken every 20 samples: 2 s
COLDEST_DC: "Final" = -200  # outside these the chip's sensor or the converter is broken, not the weather extreme
HOTTEST_DC: "Final" = 1250
MISSING_SAMPLES: "Final" = 3  # in a row, before a syringe counts as gone or as there: 300 ms


class Mean:
    """Mean of the latest MEAN_OF readings, of all there are before that many were taken. Allocates nothing."""

    def __init__(self, first: int) -> None:
        self._readings = [first] * MEAN_OF
        self._sum = first
        self._count = 1
        self._next = 1

    def add(self, reading: int) -> int:
        """Takes a reading; the mean, rounded down."""
        i = self._next
        if self._count < MEAN_OF:
            self._count += 1
        else:
            self._sum -= self._readings[i]
        self._readings[i] = reading
        self._sum += reading
        self._next = i + 1 if i + 1 < MEAN_OF else 0
        return self._sum // self._count


class Sensors:
    """battery_mv: mean of ten readings. temperature_dc: tenths of a degree, likewise. read_mv, read_dc: the latest of
    each. syringe: after 300 ms of the same; syringe_changes: its switch now says something else. guard (closed) and
    air: as read. faulty: a reading that cannot be true (SR-DIAG-13).

    ceiling_mv: what the battery's converter can show at most; there the reading is at its stop.
    """

    def __init__(self, inputs: "Inputs", ceiling_mv: int) -> None:
        self._inputs = inputs
        self._ceiling_mv = ceiling_mv
        self.battery_mv = self.read_mv = inputs.battery_mv()
        self.temperature_dc = self.read_dc = inputs.temperature_dc()
        self.syringe = inputs.syringe_present()
        self.guard = inputs.guard_closed()
        self.air = inputs.air()
        self._battery = Mean(self.battery_mv)
        self._temperature = Mean(self.temperature_dc)
        self._differs = 0
        self._turn = 0
        self._battery_faulty = not 0 < self.battery_mv < ceiling_mv
        self._temperature_faulty = not COLDEST_DC < self.temperature_dc < HOTTEST_DC
        self.faulty = self._battery_faulty or self._temperature_faulty

    @property
    def syringe_changes(self) -> bool:
        return self._differs > 0

    def sample(self) -> None:
        """Once in every control tick; allocates nothing."""
        inputs = self._inputs
        self.guard = inputs.guard_closed()
        self.air = inputs.air()
        if inputs.syringe_present() == self.syringe:
            self._differs = 0
        else:
            self._differs += 1
            if self._differs >= MISSING_SAMPLES:
                self._differs = 0
                self.syringe = not self.syringe
        self._turn += 1
        if self._turn == TURN:
            self.read_mv = reading = inputs.battery_mv()
            self._battery_faulty = not 0 < reading < self._ceiling_mv
            self.battery_mv = self._battery.add(reading)
            self.faulty = self._battery_faulty or self._temperature_faulty
        elif self._turn >= 2 * TURN:
            self._turn = 0
            self.read_dc = reading = inputs.temperature_dc()
            self._temperature_faulty = not COLDEST_DC < reading < HOTTEST_DC
            self.temperature_dc = self._temperature.add(reading)
            self.faulty = self._battery_faulty or self._temperature_faulty
