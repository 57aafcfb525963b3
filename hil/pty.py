"""A pump behind a pseudo-terminal, free-running: for mpremote, terminals and other programs that open a serial port.

    python -m hil.pty emu://
    python -m hil.pty emu:// --image build/stock-pico.uf2

Its keys are on standard input: a line with stop, start, bolus or mute holds that one for a second.

Device time follows the clock on the wall and falls behind while the emulated CPU is busy, so it suits people and
programs that wait, not measurements: those use the urls in lock step.
"""

from __future__ import annotations

import argparse
import os
import select
import sys
import time
import tty
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import serial

from hil.bench import DEFAULT_SYRINGE, Bench, Target
from hil.mechanics import Mechanics
from hil.targets import register
from hil.targets.emulated import Emulated, EmulatorMissing

TURN_US = 1000
READ_BYTES = 512
UNREAD_BYTES = 1 << 16  # of a client that does not read; more is dropped, as a full USB FIFO does
BEHIND_S = 0.5  # time lost by more than this is not caught up with
IDLE_S = 0.05  # between two looks for a client


class Terminal:
    """A pseudo-terminal in raw mode; path: its end for clients. What comes while no client has it open is dropped."""

    def __init__(self) -> None:
        self._fd, client = os.openpty()
        tty.setraw(client)
        self.path = os.ttyname(client)
        os.close(client)  # so that a hang-up tells that nobody listens
        os.set_blocking(self._fd, False)
        self._poll = select.poll()
        self._poll.register(self._fd, select.POLLIN)
        self._unread = bytearray()

    def read(self, timeout_s: float) -> bytes:
        """What the client has sent, waiting so long for it; empty without a client."""
        for _, event in self._poll.poll(max(timeout_s, 0) * 1000):
            if event & select.POLLIN:
                return os.read(self._fd, READ_BYTES)
            self._unread.clear()
            time.sleep(max(min(timeout_s, IDLE_S), 0))  # a hang-up does not wait
        return b""

    def write(self, data: bytes) -> None:
        self._unread += data[: UNREAD_BYTES - len(self._unread)]
        if self._unread:
            with suppress(BlockingIOError):
                del self._unread[: os.write(self._fd, self._unread)]

    def close(self) -> None:
        """The cable is pulled: clients get an error."""
        os.close(self._fd)


def serve(target: Target, terminal: Terminal, until: Callable[[], bool] = lambda: False) -> None:
    """Lets the target live at the pace of the wall, and carries its bytes, until `until()` says so."""
    wall_s, device_us = time.monotonic(), target.now_us
    while not until():
        ahead_s = (target.now_us - device_us) / 1e6 - (time.monotonic() - wall_s)
        if ahead_s < -BEHIND_S:
            wall_s, device_us = time.monotonic(), target.now_us
        data = terminal.read(ahead_s)
        if data:
            target.write(data)
        target.run_for(TURN_US)
        terminal.write(target.read(target.available()))


class Hand:
    """Holds the keys that are named on standard input, one a line."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._poll = select.poll()
        self._poll.register(sys.stdin, select.POLLIN)

    def look(self) -> bool:
        """Whether the front is to end, which it never is from here."""
        if self._poll.poll(0):
            data = os.read(sys.stdin.fileno(), READ_BYTES)
            if not data:  # nobody is there
                self._poll.unregister(sys.stdin)
            keys = data.decode(errors="replace").split()
            if set(keys) <= {"stop", "start", "bolus", "mute"}:
                self._bench.hold_in_turn(keys)
            else:
                print("keys are stop, start, bolus and mute", file=sys.stderr)
        return False


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("url", nargs="?", default="emu://", help="sim:// or emu://, with ?syringe= and ?seed=")
    arguments.add_argument("--image", type=Path, help="another UF2 for emu://")
    arguments.add_argument("--files", type=Path, help="a littlefs image for its flash")
    options = arguments.parse_args()
    try:
        if options.image or options.files:
            bench = Bench(Emulated(Mechanics(DEFAULT_SYRINGE), image=options.image, filesystem=options.files))
        else:
            register()
            bench = serial.serial_for_url(options.url).bench  # type: ignore[attr-defined]  # of hil.urls
    except (EmulatorMissing, serial.SerialException, ValueError, AttributeError) as error:
        print(f"{options.url}: {' '.join(str(error).split())}", file=sys.stderr)
        sys.exit(2)
    terminal = Terminal()
    print(terminal.path, flush=True)
    with suppress(KeyboardInterrupt):
        serve(bench.target, terminal, until=Hand(bench).look)


if __name__ == "__main__":
    main()
