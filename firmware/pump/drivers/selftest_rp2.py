"""RP2040: what the self-test needs of the chip. Its steps and their verdicts are core/selftest.py's.

The image's size and CRC lie in the last page before the filesystem, where the build puts them (`TRAILER`).
"""

from time import sleep_ms

import machine
import rp2
from machine import mem32

from pump.drivers import chip_rp2

_FLASH = 0x10000000
TRAILER = 0x9FF00  # offset in flash of three words: TRAILER_MAGIC, the image's size, its CRC-32
TRAILER_MAGIC = 0x54495452

_REASON = chip_rp2.WATCHDOG + 8  # watchdog: 1 the timer ran out, 2 a program asked for a reset
_SCRATCH = chip_rp2.WATCHDOG + 0xC  # keeps its value through a watchdog's reset, is 0 after power-on
_STARVING, _PROVEN = 0x1057A2, 0x10B17E
STARVE_MS = 20

_SNIFF_CONTROL, _SNIFF_DATA = chip_rp2.SNIFF_CONTROL, chip_rp2.SNIFF_CONTROL + 4
_SNIFF_CRC32 = 0xC21  # read inverted and reversed, low bit of each byte first, on: the CRC that binascii knows
_CHANNEL_SHIFT = 1
_WHOLE = 0xFFFFFFFF


class Flash:
    """crc(offset, size, before): CRC-32 of the flash, worked out by the DMA's sniffer while the CPU sleeps. before: 0,
    or what the last call gave; then it goes on from there, and nothing else may have used the sniffer."""

    def __init__(self):
        self._dma = rp2.DMA()
        self._control = self._dma.pack_ctrl(size=0, inc_write=False, sniff_en=True)
        self._nowhere = bytearray(4)

    def crc(self, offset, size, before):
        dma = self._dma
        if not before:
            channel = dma.channel  # type: ignore[attr-defined]  # the stub does not know it
            mem32[_SNIFF_CONTROL] = _SNIFF_CRC32 | channel << _CHANNEL_SHIFT
            mem32[_SNIFF_DATA] = _WHOLE
        dma.config(
            read=chip_rp2.PAST_THE_CACHE + offset, write=self._nowhere, count=size, ctrl=self._control, trigger=True
        )
        while dma.active():
            sleep_ms(1)
        return mem32[_SNIFF_DATA] & _WHOLE  # mem32 takes the upper half for negative


def image_trailer():
    """(size, CRC-32) of the image in flash, or None where the build wrote none, as under stock MicroPython."""
    if mem32[_FLASH + TRAILER] != TRAILER_MAGIC:
        return None
    return mem32[_FLASH + TRAILER + 4], mem32[_FLASH + TRAILER + 8] & _WHOLE


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
