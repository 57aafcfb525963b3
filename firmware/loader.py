"""Is /main.py on a board that runs stock MicroPython: starts the firmware that `make flash` put there as files.

It starts only what is whole, byte for byte. Otherwise, and when a host has asked for it, it leaves the board at its
prompt, where it can be flashed. It touches no pin: they float, so the driver's pull-up keeps the motor off.
"""

import gc
import sys
from binascii import hexlify
from hashlib import sha256

from machine import mem32

PLACE = "/firmware"
# Starts so far that came to nothing, or AWAITED; pump/drivers/restart_rp2.py writes it too. 0 after power-on.
MARK = 0x400D8010 if "RP2350" in getattr(sys.implementation, "_machine", "") else 0x40058010
AWAITED = 0x10AD
PIECE_BYTES = 2048
COLLECT_BYTES = 16384
MOST_STARTS = 4  # the first one after power-on ends in the proof of the watchdog


def digest(path):
    """SHA-256 of a file, in hex."""
    total = sha256()
    piece = bytearray(PIECE_BYTES)
    view = memoryview(piece)
    with open(path, "rb") as file:
        while True:
            n = file.readinto(piece)
            if not n:
                return hexlify(total.digest()).decode()
            total.update(view[:n])


def whole_folder():
    """The folder in force. ValueError or OSError when a file in it is not what its manifest says."""
    with open(PLACE + "/current") as file:
        name, expected = file.read().split()
    folder = PLACE + "/" + name
    if digest(folder + "/manifest") != expected:
        raise ValueError("manifest")
    with open(folder + "/manifest") as manifest:
        for line in manifest:
            expected, name = line.split()
            if digest(folder + "/" + name) != expected:
                raise ValueError(name)
    return folder


mark = mem32[MARK]
mem32[MARK] = 0
if mark == AWAITED:
    print("Titrate: waiting for firmware")
elif mark >= MOST_STARTS:
    print("Titrate: the firmware did not start; flash it again")
else:
    try:
        folder = whole_folder()
    except (OSError, ValueError) as error:
        print("Titrate: the firmware is not whole; flash it again:", error)
    else:
        mem32[MARK] = mark + 1
        sys.path[:] = [folder, ".frozen"]
        # What imports and messages leave behind would lie between what stays until the heap is full, and then be holes
        # of 1 KB in which no checkpoint can be packed.
        gc.threshold(COLLECT_BYTES)
        import main  # noqa: F401  # it runs until a reset
