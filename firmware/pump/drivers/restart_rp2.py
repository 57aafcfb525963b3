"""RP2040: how the chip makes way for other firmware, and how the loader learns that a start was good."""

from time import sleep_ms

import machine
from machine import mem32

from pump.drivers import chip_rp2

_MARK = chip_rp2.WATCHDOG + 0x10  # a scratch word of the watchdog, which outlives a reset: see firmware/loader.py
_AWAITED = 0x10AD
_REPLY_MS = 100  # for the last line to reach the host


def started():
    """The firmware is up: to the loader this start counts as good."""
    mem32[_MARK] = 0


def make_way(frozen):
    """Does not return. An image that is frozen can only be replaced in boot mode; files at the prompt of the loader."""
    sleep_ms(_REPLY_MS)
    if frozen:
        machine.bootloader()
    mem32[_MARK] = _AWAITED
    machine.reset()
