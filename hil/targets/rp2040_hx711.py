"""An HX711 at the emulated chip's pins: a conversion every 100 ms, clocked out bit by bit."""

from __future__ import annotations

from hil.devices.load_cell import PERIOD_US, Cell
from hil.targets.rp2040_parts import Chip, InputPin, OutputPin, PioPacer

PULSES = 25  # channel A at gain 128


class Hx711:
    """DOUT goes low when a conversion is there; each pulse brings a bit, the 25th takes DOUT high again."""

    def __init__(self, data_gpio: int, clock_gpio: int, cell: Cell, pacer: PioPacer) -> None:
        self._data = InputPin(data_gpio, True)
        self._clock_pin = OutputPin(clock_gpio, (pacer,), self._edge)
        self._cell, self._pacer = cell, pacer
        self._bits = 0
        self._pulses = PULSES

    def attach(self, chip: Chip) -> None:
        self._data.attach(chip)
        self._clock_pin.attach(chip)
        self._alarm = chip.clock.create_alarm(self._convert)
        self._alarm.schedule(PERIOD_US * 1e3)

    def _convert(self) -> None:
        self._alarm.schedule(PERIOD_US * 1e3)
        if 0 < self._pulses < PULSES:  # in the middle of the last one
            return
        conversion = self._cell.conversion()
        if conversion is not None:
            self._bits = conversion & 0xFFFFFF
            self._pulses = 0
            self._drive(False)

    def _edge(self, level: bool) -> None:
        if not level or self._pulses >= PULSES:
            return
        self._pulses += 1
        self._drive(self._pulses == PULSES or bool(self._bits >> (PULSES - 1 - self._pulses) & 1))

    def _drive(self, level: bool) -> None:
        if level != self._data.level:
            self._data.set(level)
            self._pacer.arm()

    def released(self) -> None:
        """The chip was reset: its clock pin floats low, and what was clocked out so far is lost."""
        self._clock_pin.released()
        self._pulses = PULSES
        self._drive(True)
