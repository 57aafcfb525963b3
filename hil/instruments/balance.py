"""A balance: what it reads, when, and whether it was at rest. The same for every family and for the simulated twins."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import serial

from hil.instruments.errors import Busy, Drifting, Garbled
from hil.instruments.serial_line import SerialLine

Clock = Callable[[], float]

GRAMS = {"g": 1.0, "mg": 0.001, "kg": 1000.0}  # units that a balance may be set to
ZERO_G = 0.01  # a tare that leaves more than this did not happen
TRIES = 5


@dataclass(frozen=True)
class Reading:
    """grams: net. stable: as the balance says. time_s: of the clock that the balance was given."""

    grams: float
    stable: bool
    time_s: float


class Balance(Protocol):
    """family: "mt-sics", "sbi" or "ohaus". simulated: whether what it weighs is a plant and no water."""

    family: str
    name: str
    simulated: bool

    def read(self) -> Reading: ...
    def tare(self) -> None: ...
    def serial_number(self) -> str: ...
    def close(self) -> None: ...


class SerialBalance(SerialLine):
    """What the drivers share. clock: device time of the pump for a simulated bench, else seconds of this machine."""

    family = ""

    def __init__(
        self,
        url: str,
        baud: int = 9600,
        timeout_s: float = 2.0,
        clock: Clock = time.monotonic,
        simulated: bool = False,
        pause_s: float = 0.2,
        open_port: Callable[..., serial.Serial] = serial.serial_for_url,
    ) -> None:
        super().__init__(f"balance {self.family}", url, baud, timeout_s, open_port)
        self.simulated = simulated
        self._clock = clock
        self._pause_s = pause_s

    def read(self) -> Reading:
        """The weight now, at rest or not. Overloaded, Silent, Garbled or Unplugged."""
        grams, stable = self._weigh()
        return Reading(grams, stable, self._clock())

    def _weigh(self) -> tuple[float, bool]:
        raise NotImplementedError

    def tare(self) -> None:
        """Makes what stands on the pan the zero; Busy where that did not happen."""
        raise NotImplementedError

    def serial_number(self) -> str:
        """Of the instrument, for the report."""
        raise NotImplementedError

    def _value(self, number: str, unit: str, answer: str) -> float:
        """Grams of a number and its unit."""
        try:
            return float(number.replace(" ", "")) * GRAMS[unit]
        except (ValueError, KeyError):
            raise self.garbled(answer) from None

    def _reads_zero(self) -> None:
        """Waits until a tare has come through; Busy if it does not."""
        grams = 0.0
        for _ in range(TRIES):
            grams, _ = self._weigh()
            if abs(grams) <= ZERO_G:
                return
            time.sleep(self._pause_s)
        raise Busy(self.name, f"after a tare it still reads {grams:g} g")


def check_drift(balance: Balance, wait: Callable[[float], None], seconds: float, most_g_h: float) -> float:
    """Drift in g/h while nothing flows, from a reading before and after; Drifting where it is more than most_g_h.

    wait(seconds): lets the balance's clock run on. Evaporation is part of it.
    """
    before = balance.read()
    wait(seconds)
    after = balance.read()
    drift_g_h = (after.grams - before.grams) / (after.time_s - before.time_s) * 3600
    if abs(drift_g_h) > most_g_h:
        raise Drifting(balance.name, f"it drifts by {drift_g_h:+.3g} g/h at rest; at most {most_g_h:g} g/h are allowed")
    return drift_g_h


def still_a_number(balance: SerialBalance, answer: str) -> str:
    """A serial number as given; Garbled for an empty one."""
    if not answer.strip():
        raise Garbled(balance.name, "its serial number is empty")
    return answer.strip()
