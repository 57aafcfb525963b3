"""RP2040: what the self-test needs of the chip. Its steps and their verdicts are core/selftest.py's.

The image's size and CRC lie in the last page before the filesystem, where the build puts them (`TRAILER`).
"""

from time import sleep_ms

import machine
import rp2
from machine import mem32

_FLASH = 0x10000000
TRAILER = 0x9FF00  # offset in flash of three words: TRAILER_MAGIC, the image's size, its CRC-32
TRAILER_MAGIC = 0x54495452
PIECE_BYTES = 1024

_REASON = 0x40058008  # watchdog: 1 the timer ran out, 2 a program asked for a reset
_SCRATCH = 0x4005800C  # keeps its value through a watchdog's reset, is 0 after power-on
_STARVING, _PROVEN = 0x1057A2, 0x10B17E
STARVE_MS = 20


class Flash:
    """read(offset, size): bytes of the flash, valid until the next read; whole words, PIECE_BYTES at most."""

    def __init__(self):
        self._dma = rp2.DMA()
        self._control = self._dma.pack_ctrl()
        self._piece = bytearray(PIECE_BYTES)

    def read(self, offset, size):
        dma = self._dma
        dma.config(read=_FLASH + offset, write=self._piece, count=size // 4, ctrl=self._control, trigger=True)
        while dma.active():
            pass
        return memoryview(self._piece)[:size]


def image_trailer():
    """(size, CRC-32) of the image in flash, or None where the build wrote none, as under stock MicroPython."""
    if mem32[_FLASH + TRAILER] != TRAILER_MAGIC:
        return None
    crc = mem32[_FLASH + TRAILER + 8] & 0xFFFFFFFF  # mem32 takes the upper half for negative
    return mem32[_FLASH + TRAILER + 4], crc


def prove_watchdog():
    """(bites, unexpected): whether a starved watchdog resets this chip, and whether the last reset was one that nobody
    wanted. The first call after power-on starves it and so does not return but once more from the reset (SR-DIAG-07).

    To be called before anything else is set up; the motor driver is off, for its pin floats.
    """
    by_timer = mem32[_REASON] & 1 == 1
    seen = mem32[_SCRATCH]
    if seen == _PROVEN:
        return True, by_timer
    if seen == _STARVING:
        mem32[_SCRATCH] = _PROVEN if by_timer else 0
        return by_timer, False
    mem32[_SCRATCH] = _STARVING
    machine.WDT(timeout=STARVE_MS)
    sleep_ms(3 * STARVE_MS)
    mem32[_SCRATCH] = 0
    return False, False
