"""Files in flash, on MicroPython's littlefs: one folder of them, each written whole or added to (D10).

A file is closed, and so committed, before a method returns. littlefs drops what a write that failed had begun.
The folder must not bear the name of a module: MicroPython imports from `/` before it looks among the frozen ones, and
would take a folder /pump for the package.

A flash that takes nothing keeps littlefs trying one block after another for longer than the watchdog waits. The pump
would be reset, store at the next start that it was, and so be reset without end. Hence a mark in a word that outlives a
reset, while a write is under way. Found at the start, it refuses every write until the power is cut: the pump is up
then, in MEMORY_FAULT.
"""

import os

from machine import mem32

from pump.drivers import chip_rp2

_MARK = chip_rp2.WATCHDOG + 0x14  # a scratch word of the watchdog; 0 after power-on
_WRITING = 0x3717E
_NOT_THERE = 2  # ENOENT
_NO_WRITE = 5  # EIO
_EXISTS = 17  # EEXIST


class Store:
    """See core/store.pyi for what each method promises."""

    def __init__(self, folder="/store"):
        self._folder = folder
        self._outlasted = mem32[_MARK] == _WRITING
        try:
            os.mkdir(folder)
        except OSError as error:
            if error.errno != _EXISTS:
                raise

    def read(self, name):
        try:
            with open(self._path(name), "rb") as file:
                return file.read()
        except OSError as error:
            if error.errno == _NOT_THERE:
                return None
            raise

    def lines(self, name):
        try:
            with open(self._path(name), "rb") as file:
                yield from file
        except OSError as error:
            if error.errno != _NOT_THERE:
                raise

    def write(self, name, data):
        self._put(name, "wb", (data,))

    def write_pieces(self, name, pieces):
        self._put(name, "wb", pieces)

    def append(self, name, data):
        self._put(name, "ab", (data,))

    def _put(self, name, mode, pieces):
        self._mark()
        try:
            with open(self._path(name), mode) as file:
                for piece in pieces:
                    file.write(piece)
        finally:
            mem32[_MARK] = 0

    def remove(self, name):
        self._mark()
        try:
            os.remove(self._path(name))
        finally:
            mem32[_MARK] = 0

    def names(self):
        return os.listdir(self._folder)

    def _mark(self):
        if self._outlasted:
            raise OSError(_NO_WRITE)
        mem32[_MARK] = _WRITING

    def _path(self, name):
        return self._folder + "/" + name
