"""What journal and checkpoints ask of a place for files, for type checkers only: there is no such module on a board.

drivers/store_littlefs.py and its simulated twin hil/devices/store.py have these methods. OSError: full, or failed.
"""

from collections.abc import Iterable, Iterator
from typing import Protocol

class Store(Protocol):
    def read(self, name: str) -> bytes | None:
        """The whole file; None where there is none."""
    def lines(self, name: str) -> Iterator[bytes]:
        """The file line by line, each with its newline; no line where there is none."""
    def write(self, name: str, data: bytes) -> None:
        """Replaces the whole file: after a power cut it holds the old contents or the new. (A file that is new by this
        call may be left empty.)"""
    def write_pieces(self, name: str, pieces: Iterable[bytes]) -> None:
        """The same, for what is too large to lie in the heap as one."""
    def append(self, name: str, data: bytes) -> None:
        """Adds to the end; a file that is not there is begun. A power cut may leave any first part of data."""
    def remove(self, name: str) -> None: ...
    def names(self) -> list[str]: ...
