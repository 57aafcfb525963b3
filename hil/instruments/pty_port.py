"""A pseudo-terminal in front of a simulated instrument: any program that opens serial ports can talk to it."""

import contextlib
import os
import select
import threading
import tty
from collections.abc import Callable
from types import TracebackType
from typing import Self

READ_BYTES = 1024
POLL_S = 0.005


class PtyPort:
    """path: to be opened like a serial port. answer(data) is called from a thread of its own, with what came in.

    Whoever asks waits for the answer, so a bench that is read in `answer` stands still meanwhile.
    poll(): for what speaks unasked; called every POLL_S. What nobody reads is lost. close: as if the cable was pulled.
    POSIX only.
    """

    def __init__(self, answer: Callable[[bytes], bytes], poll: Callable[[], bytes] | None = None) -> None:
        self._answer = answer
        self._poll = poll
        self._near, far = os.openpty()
        os.set_blocking(self._near, False)
        tty.setraw(far)
        self.path = os.ttyname(far)
        self._far = far  # held open, so that the terminal outlives whoever opens and closes it
        self._wake, self._woken = os.pipe()
        self._thread = threading.Thread(target=self._serve, name=f"pty {self.path}", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _serve(self) -> None:
        while True:
            ready, _, _ = select.select([self._near, self._wake], [], [], POLL_S if self._poll else None)
            if self._wake in ready:
                return
            try:
                if self._near in ready:
                    self._say(self._answer(os.read(self._near, READ_BYTES)))
                if self._poll:
                    self._say(self._poll())
            except OSError:
                return

    def _say(self, data: bytes) -> None:
        with contextlib.suppress(BlockingIOError):
            os.write(self._near, data)

    def close(self) -> None:
        """Takes the terminal away from under whoever has it open."""
        if self._thread.is_alive():
            os.write(self._woken, b"\0")
            self._thread.join()
        for descriptor in (self._near, self._far, self._wake, self._woken):
            with contextlib.suppress(OSError):
                os.close(descriptor)
