"""Files in flash, on MicroPython's littlefs: one folder of them, each written whole or added to (D10).

A file is closed, and so committed, before a method returns. littlefs drops what a write that failed had begun.
The folder must not bear the name of a module: MicroPython imports from `/` before it looks among the frozen ones, and
would take a folder /pump for the package.
"""

import os

_NOT_THERE = 2  # ENOENT
_EXISTS = 17  # EEXIST


class Store:
    """See core/store.pyi for what each method promises."""

    def __init__(self, folder="/store"):
        self._folder = folder
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

    def write(self, name, data):
        with open(self._path(name), "wb") as file:
            file.write(data)

    def append(self, name, data):
        with open(self._path(name), "ab") as file:
            file.write(data)

    def remove(self, name):
        os.remove(self._path(name))

    def names(self):
        return os.listdir(self._folder)

    def _path(self, name):
        return self._folder + "/" + name
