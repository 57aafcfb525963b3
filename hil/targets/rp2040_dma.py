"""The DMA's sniffer, which the emulator lacks: the CRC-32 of what a channel reads, in one go.

RP2040 datasheet, 2.5.5.2; the registers' bits are those of the Pico SDK's hardware/regs/dma.h. It knows the one way
in which the firmware uses it: bytes, without pacing, to an address that stays. Other transfers are the emulator's own.
"""

from __future__ import annotations

import zlib
from typing import Any

from hil.targets.rp2040_parts import Chip

SNIFF_CONTROL, SNIFF_DATA = 0x434, 0x438
ENABLED, REVERSED, INVERTED = 1, 1 << 10, 1 << 11  # of SNIFF_CONTROL
CALC_SHIFT, CALC_MASK, CRC32_LOW_BIT_FIRST = 5, 15, 1
CHANNEL_SHIFT, CHANNEL_MASK = 1, 15
ON, SIZE_MASK, FORWARD, WRITES_FORWARD, SNIFFED, BUSY = 1, 3 << 2, 1 << 4, 1 << 5, 1 << 23, 1 << 24  # of a channel
FLASH, FLASH_MASK = 0x10, 0xFFFFFF
RAM = 0x20
NS_PER_BYTE = 400.0  # a transaction on the flash's bus for each byte that comes past the cache
WHOLE = 0xFFFFFFFF


def reverse(word: int) -> int:
    """The 32 bits in the other order."""
    return int(f"{word:032b}"[::-1], 2)


class Sniffer:
    """Attached to the chip. It keeps the sum as the hardware does: high bit first, and not inverted."""

    def attach(self, chip: Chip) -> None:
        self._chip = chip
        self._control = self._sum = 0
        dma = chip.dma
        self._read, self._write = dma.read_uint32, dma.write_uint32
        dma.read_uint32, dma.write_uint32 = self._read_register, self._write_register
        for channel in dma.channels:
            channel.start = self._starting(channel, channel.start)

    def _read_register(self, offset: int) -> int:
        if offset == SNIFF_CONTROL:
            return self._control
        if offset == SNIFF_DATA:
            value = reverse(self._sum) if self._control & REVERSED else self._sum
            return value ^ WHOLE if self._control & INVERTED else value
        return int(self._read(offset))

    def _write_register(self, offset: int, value: int) -> None:
        if offset == SNIFF_CONTROL:
            self._control = value
        elif offset == SNIFF_DATA:
            self._sum = value & WHOLE
        else:
            self._write(offset, value)

    def _starting(self, channel: Any, start: Any) -> Any:
        def begin() -> None:
            ctrl = channel._ctrl
            watched = self._control & ENABLED and self._control >> CHANNEL_SHIFT & CHANNEL_MASK == channel.index
            if not (ctrl & ON and ctrl & SNIFFED and watched) or ctrl & BUSY:
                start()
                return
            if ctrl & (SIZE_MASK | WRITES_FORWARD) or not ctrl & FORWARD:
                raise NotImplementedError("the sniffer is modelled for single bytes to one address")
            count = channel._trans_count_reload
            self._sniff(self._bytes(channel._read_addr, count))
            channel._ctrl |= BUSY
            channel._read_addr += count - 1
            channel._trans_count = 1  # the emulator makes the last transfer, and what follows from it
            channel.transfer_alarm.schedule(count * NS_PER_BYTE)

        return begin

    def _sniff(self, data: bytes) -> None:
        if self._control >> CALC_SHIFT & CALC_MASK != CRC32_LOW_BIT_FIRST:
            raise NotImplementedError("the sniffer is modelled for the CRC-32 with the low bit first")
        before = reverse(self._sum) ^ WHOLE
        self._sum = reverse(zlib.crc32(data, before) ^ WHOLE)

    def _bytes(self, address: int, count: int) -> bytes:
        if address >> 24 & 0xFC == FLASH:
            at = address & FLASH_MASK
            return bytes(self._chip.flash[at : at + count])
        if address >> 24 == RAM:
            return bytes(self._chip.read_uint8(address + i) for i in range(count))
        raise NotImplementedError(f"the sniffer is modelled for flash and RAM, not for {address:#x}")
