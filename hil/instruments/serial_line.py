"""One question, one answer, over a serial port; every way in which that fails, by its name."""

from collections.abc import Callable
from types import TracebackType
from typing import Self

import serial

from hil.instruments.errors import Garbled, InstrumentMissing, Silent, Unplugged

try:
    import termios

    LOST: tuple[type[Exception], ...] = (serial.SerialException, OSError, termios.error)
except ImportError:  # only POSIX has it
    LOST = (serial.SerialException, OSError)

LONGEST_ANSWER_BYTES = 200
SHOWN = 40


class SerialLine:
    """name: how messages call the instrument. Opens the port at once; InstrumentMissing where there is none.

    open_port: for a test that brings its own.
    """

    def __init__(
        self,
        name: str,
        url: str,
        baud: int = 9600,
        timeout_s: float = 2.0,
        open_port: Callable[..., serial.Serial] = serial.serial_for_url,
    ) -> None:
        self.name = f"{name} ({url})"
        try:
            self._port = open_port(url, baudrate=baud, timeout=timeout_s, write_timeout=timeout_s)
        except (serial.SerialException, OSError, ValueError) as error:
            raise InstrumentMissing(self.name, f"it cannot be opened ({' '.join(str(error).split())})") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._port.close()

    def say(self, command: bytes) -> None:
        """Sends a command; what was left of older answers is dropped before it."""
        try:
            self._port.reset_input_buffer()
            self._port.write(command)
        except serial.SerialTimeoutException as error:
            raise Silent(self.name, "it takes no more bytes") from error
        except LOST as error:
            raise Unplugged(self.name, f"its port went away ({' '.join(str(error).split())})") from error

    def hear(self, end: bytes = b"\n") -> str:
        """One answer up to `end`, without it and without white space around it. Silent, Garbled or Unplugged."""
        try:
            data = self._port.read_until(end, LONGEST_ANSWER_BYTES)
        except LOST as error:
            raise Unplugged(self.name, f"its port went away ({' '.join(str(error).split())})") from error
        if not data:
            raise Silent(self.name, f"no answer within {self._port.timeout:g} s")
        if not data.endswith(end):
            raise self.garbled(data)
        try:
            return data[: -len(end)].decode("ascii").strip("\r\n\0")
        except UnicodeDecodeError:
            raise self.garbled(data) from None

    def garbled(self, data: bytes | str) -> Garbled:
        """To be raised for an answer that means nothing."""
        shown = repr(data[:SHOWN])
        return Garbled(self.name, f"it answered {shown.removeprefix('b')}, which is no reply of its protocol")
