"""An I2C bus as the bench has it: the twin of drivers/bus_i2c.py."""

from collections.abc import Callable, Mapping
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
    """write(address, data), read(address, size): of the parts that are on it. pause_ms: called with the milliseconds
    that the firmware leaves to a part."""

    def __init__(self, parts: Mapping[int, Part], pause_ms: Callable[[int], object] = lambda _ms: None) -> None:
        self._parts = parts
        self._pause_ms = pause_ms

    def write(self, address: int, data: bytes | bytearray) -> bool:
        return address in self._parts and self._parts[address].write(bytes(data))

    def read(self, address: int, size: int) -> bytes | None:
        return self._parts[address].read(size) if address in self._parts else None

    def pause_ms(self, ms: int) -> None:
        self._pause_ms(ms)
