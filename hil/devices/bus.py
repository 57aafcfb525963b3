"""An I2C bus as the bench has it: the twin of drivers/bus_i2c.py."""

from collections.abc import Mapping
from typing import Protocol


class Part(Protocol):
    """What a bus asks of a part on it, byte by byte or whole.

    acknowledged: so many bytes of one write does it take at most. ready(): whether it acknowledges a read.
    """

    @property
    def acknowledged(self) -> int: ...
    def write(self, data: bytes) -> bool: ...
    def ready(self) -> bool: ...
    def read(self, size: int) -> bytes | None: ...


class Bus:
    """write(address, data), read(address, size): of the parts that are on it."""

    def __init__(self, parts: Mapping[int, Part]) -> None:
        self._parts = parts

    def write(self, address: int, data: bytes | bytearray) -> bool:
        return address in self._parts and self._parts[address].write(bytes(data))

    def read(self, address: int, size: int) -> bytes | None:
        return self._parts[address].read(size) if address in self._parts else None
