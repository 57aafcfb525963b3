"""Parts on an I2C bus of the emulated chip, byte by byte, as its controller asks for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hil.devices.bus import Part
from hil.targets.rp2040_parts import Chip

WRITE = 0  # of the controller's modes
MOST_BYTES = 32  # that a part is asked for in one read


class I2cBus:
    """parts: by address. A transfer takes no time: the stock controller has no clock."""

    def __init__(self, sda_gpio: int, parts: Mapping[int, Part]) -> None:
        self._number = sda_gpio // 2 % 2
        self._parts = parts
        self._part: Part | None = None
        self._written = bytearray()
        self._to_read: list[int] = []

    def attach(self, chip: Chip) -> None:
        i2c = self._i2c = chip.i2c[self._number]
        i2c.on_connect = self._connect
        i2c.on_write_byte = self._write
        i2c.on_read_byte = self._read
        i2c.on_stop = self._stop

    def _connect(self, address: int, mode: Any) -> None:
        part = self._part = self._parts.get(address)
        self._written.clear()
        self._to_read = []
        if part is None or not (part.acknowledged if mode == WRITE else part.ready()):
            self._part = None
            self._i2c.complete_connect(False)
            return
        if mode != WRITE:
            self._to_read = list(part.read(MOST_BYTES) or b"")
        self._i2c.complete_connect(True)

    def _write(self, byte: int) -> None:
        acknowledged = self._part is not None and len(self._written) < self._part.acknowledged
        if acknowledged:
            self._written.append(byte)
        self._i2c.complete_write(acknowledged)

    def _read(self, _acknowledged: bool) -> None:
        self._i2c.complete_read(self._to_read.pop(0) if self._to_read else 0xFF)

    def _stop(self) -> None:
        if self._part and self._written:
            self._part.write(bytes(self._written))
            self._written.clear()
        self._part = None
        self._i2c.complete_stop()
