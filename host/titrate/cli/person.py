"""A person at the terminal while a pump is at work: single keys, and what each does."""

from __future__ import annotations

import os
import select
import sys
import termios
import tty
from types import TracebackType
from typing import TYPE_CHECKING

from titrate.errors import LinkError, Refused
from titrate.following import bench_of
from titrate.playing import GO_ON, NEW_SYRINGE, STOP

if TYPE_CHECKING:
    from titrate.cli.live import View
    from titrate.client import Pump, Status

KEYS = "keys: p pause, m mute, Ctrl-C stop"


class Keyboard:
    """Single keys from the terminal on stdin, without an echo; the terminal is as it was afterwards."""

    def __enter__(self) -> Keyboard:
        self._before = termios.tcgetattr(sys.stdin)
        tty.setcbreak(sys.stdin)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, self._before)

    def pressed(self, wait: bool) -> str:
        """The next key; "" when none was pressed and nobody waits, or the terminal is gone."""
        stdin = sys.stdin.fileno()
        ready, _, _ = select.select([stdin], [], [], None if wait else 0)
        return os.read(stdin, 1).decode(errors="replace") if ready else ""


class Person:
    """An attendant who is asked. pump: whose keys are here; a simulated one stands still while the person thinks."""

    def __init__(self, keyboard: Keyboard, view: View, pump: Pump) -> None:
        self._keyboard = keyboard
        self._view = view
        self._pump = pump
        self._bench = bench_of(pump)

    def see(self, status: Status) -> None:
        self._view.see(status)
        if status["state"] not in ("INFUSING", "BOLUS"):
            return
        self._view.ask("")
        key = self._keyboard.pressed(wait=False)
        try:
            if key == "p":
                self._pump.pause()
            elif key == "m":
                self._pump.mute()
        except (Refused, LinkError) as error:  # a lost link shows itself at the next status
            self._view.tell(str(error))

    def tell(self, text: str) -> None:
        self._view.tell(text)

    def attend(self, waiting: list[str], refusal: str) -> str | None:
        done = "Enter when that is done" if waiting else "paused: Enter to go on"
        refused = f"the pump says: {refusal}. " if refusal else ""
        self._view.ask(f"{refused}{done}, s to stop")
        key = self._keyboard.pressed(wait=self._bench is not None)
        if key in ("\n", "\r"):
            if self._bench and set(waiting) & set(NEW_SYRINGE):
                self._bench.change_syringe()
            return GO_ON
        return STOP if key == "s" else None
