"""The board at MicroPython's prompt, over mpremote's transport: what it is, what lies on it, and how files get there.

It decides nothing; tools/flash.py does.
"""

from __future__ import annotations

import ast
import base64
import io
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import dataclass

import serial
from mpremote.transport import TransportError, TransportExecError
from mpremote.transport_serial import SerialTransport

from titrate.errors import LinkError, Refused

SILENCE_S = 30  # a board at work is silent for a second at most; an emulated one for longer
PIECE_BYTES = 768  # of a file at once; a multiple of 3, so that no piece but the last is padded
NO_SPACE = "ENOSPC"
END = b"\x04"  # of what a command prints, and of what it raised

# Runs on the board. Bytes come as Base64 of a known length: one call reads it, and no byte of it is a ctrl-C.
HELPERS = f"""
import os, sys
from binascii import a2b_base64, hexlify
from hashlib import sha256
def digest(path):
    total, piece = sha256(), bytearray(1024)
    with open(path, "rb") as file:
        while True:
            n = file.readinto(piece)
            if not n:
                return hexlify(total.digest()).decode()
            total.update(memoryview(piece)[:n])
def tree(folder, name=""):
    try:
        entries = list(os.ilistdir(folder + name))
    except OSError:
        return
    for entry in entries:
        path = name + "/" + entry[0]
        if entry[1] & 0x4000:
            tree(folder, path)
        else:
            print(digest(folder + path), os.stat(folder + path)[6], path[1:])
def folders(path):
    at = path.find("/", 1)
    while at > 0:
        try:
            os.mkdir(path[:at])
        except OSError as error:
            if error.errno != 17:
                raise
        at = path.find("/", at + 1)
def take(path, size):
    piece = bytearray({PIECE_BYTES // 3 * 4})
    with open(path, "wb") as file:
        while size > 0:
            n = min(size, {PIECE_BYTES})
            coded = memoryview(piece)[:(n + 2) // 3 * 4]
            sys.stdin.buffer.readinto(coded)
            file.write(a2b_base64(coded))
            size -= n
            print(".", end="")
def copy(source, path):
    piece = bytearray(1024)
    with open(source, "rb") as old, open(path, "wb") as new:
        while True:
            n = old.readinto(piece)
            if not n:
                return
            new.write(memoryview(piece)[:n])
"""


@dataclass(frozen=True)
class Facts:
    """What the board says of itself. bytecode: version of the .mpy files that it takes."""

    machine: str
    version: tuple[int, ...]
    bytecode: int
    block_bytes: int
    free_blocks: int


class Prompt:
    """A board at its prompt. doing: for the message when it goes away. Raises LinkError, and Refused without space."""

    def __init__(self, port: str) -> None:
        self.port = port
        self.doing = "it was asked what it is"
        with self._errors():
            self._transport = SerialTransport(port, timeout=SILENCE_S)
        try:
            self._enter()
        except BaseException:
            self.close()
            raise

    def _enter(self) -> None:
        try:
            with redirect_stdout(io.StringIO()):  # mpremote prints what it does not understand
                self._transport.enter_raw_repl()
        except TransportError as error:
            raise LinkError(
                f"{self.port}: nothing there answers as a pump or as MicroPython: is it the right port? Otherwise "
                "unplug the board and plug it in again; one without MicroPython needs `make flash-image`"
            ) from error
        except (OSError, serial.SerialException) as error:
            raise self._gone(error) from error
        self.run(HELPERS)

    def close(self) -> None:
        with suppress(OSError):  # it is gone already
            self._transport.close()

    def _gone(self, error: Exception) -> LinkError:
        return LinkError(
            f"{self.port}: the board went away while {self.doing} ({' '.join(str(error).split()) or 'silence'}). "
            "It will start what it had before, or nothing: plug it in and flash again"
        )

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except TransportExecError as error:
            if NO_SPACE in error.error_output:
                raise Refused("flash", "the board", "no space left on its filesystem") from error
            last = error.error_output.strip().splitlines()[-1]
            raise LinkError(f"{self.port}: MicroPython failed while {self.doing}: {last}; flash again") from error
        except (TransportError, OSError, serial.SerialException, IndexError) as error:
            raise self._gone(error) from error

    def run(self, code: str) -> str:
        """What the code prints."""
        with self._errors():
            said, raised = self._transport.exec_raw(code, timeout=SILENCE_S)
            if raised:
                raise TransportExecError(1, raised.decode())
            return bytes(said).decode().replace("\r\n", "\n")

    def facts(self) -> Facts:
        said = self.run(
            "i, s = sys.implementation, os.statvfs('/')\n"
            "print(i.version[0], i.version[1], i.version[2], getattr(i, '_mpy', 0) & 255, s[0], s[3])\n"
            "print(getattr(i, '_machine', ''))"
        )
        numbers, machine = said.splitlines()
        *version, bytecode, block_bytes, free_blocks = map(int, numbers.split())
        return Facts(machine, tuple(version), bytecode, block_bytes, free_blocks)

    def files(self, folder: str) -> dict[str, tuple[str, int]]:
        """{path below the folder: (SHA-256 that the board works out, bytes)}; empty without such a folder."""
        self.doing = f"{folder} was read"
        lines = [line.split(" ", 2) for line in self.run(f"tree({folder!r})").splitlines()]
        return {name: (digest, int(size)) for digest, size, name in lines}

    def text(self, path: str) -> str | None:
        """A small file, or None."""
        said = self.run(f"try:\n print(repr(open({path!r}).read()))\nexcept OSError:\n print()")
        return str(ast.literal_eval(said.strip())) if said.strip() else None

    def write(self, path: str, data: bytes) -> None:
        self.doing = f"{path} was copied"
        with self._errors():
            self._transport.exec_raw_no_follow(f"folders({path!r})\ntake({path!r}, {len(data)})")
            for at in range(0, len(data), PIECE_BYTES):
                self._transport.serial.write(base64.b64encode(data[at : at + PIECE_BYTES]))
                mark = self._transport.serial.read(1)
                if mark == END:  # of what it prints, too early: it has raised
                    raise TransportExecError(1, self._transport.read_until(1, END)[:-1].decode())
                if mark != b".":
                    raise TransportError("silence")
            _, raised = self._transport.follow(SILENCE_S)
            if raised:
                raise TransportExecError(1, raised.decode())

    def copy(self, source: str, path: str) -> None:
        self.doing = f"{path} was copied"
        self.run(f"folders({path!r})\ncopy({source!r}, {path!r})")

    def remove(self, path: str) -> None:
        self.run(f"os.remove({path!r})")

    def rename(self, source: str, path: str) -> None:
        """In one step: afterwards `path` is what `source` was, whatever it was before."""
        self.doing = f"{path} was put in force"
        self.run(f"os.rename({source!r}, {path!r})")

    def reset(self) -> None:
        """The board starts anew; closes the port, which may go away with it."""
        self.doing = "it was reset"
        with self._errors():
            self._transport.exec_raw_no_follow("import machine\nmachine.reset()")
        self.close()
