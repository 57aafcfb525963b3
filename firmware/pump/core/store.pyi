"""What journal and checkpoints ask of a place for files, for type checkers only: there is no such module on a board.

drivers/store_littlefs.py and its simulated twin hil/devices/store.py have these methods. OSError: full, or failed.
"""

from typing import Protocol

class Store(Protocol):
    def read(self, name: str) -> bytes | None:
        """The whole file; None where there is none."""
    def write(self, name: str, data: bytes) -> None:
        """Replaces the whole file: after a power cut it holds the old contents or the new. (A file that is new by this
        call may be left empty.)"""
    def append(self, name: str, data: bytes) -> None:
        """Adds to the end; a file that is not there is begun. A power cut may leave any first part of data."""
    def remove(self, name: str) -> None: ...
    def names(self) -> list[str]: ...
