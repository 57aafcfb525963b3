"""RP2040 and RP2350: the addresses that differ between them. Datasheets: address map, watchdog, DMA (sniffer), XIP."""

import sys

RP2350 = "RP2350" in sys.implementation._machine

WATCHDOG = 0x400D8000 if RP2350 else 0x40058000
PAST_THE_CACHE = 0x14000000 if RP2350 else 0x13000000  # the flash: what is there, not what the cache remembers of it
SNIFF_CONTROL = 0x50000454 if RP2350 else 0x50000434
