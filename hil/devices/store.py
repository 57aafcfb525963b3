"""Twin of drivers/store_littlefs.py: files that outlive the power of the simulated pump, and flash that goes wrong.

One store belongs to one pump for as long as the bench is open; every boot of the firmware is given the same one.
"""

from collections.abc import Callable, Iterable, Iterator


class PowerCut(BaseException):
    """The power failed in the middle of a write: nothing of the firmware may run on. No OSError, so that no handler of
    the firmware takes it for a full flash."""


class Store:
    """files: what is in the flash.

    cut_after_bytes: the power fails when so many more bytes have been written; None: not. A replaced file then keeps
    its old contents (a new one is empty), an appended one has a part of what was to be added. Then on_cut() is called,
    PowerCut raised, and again by every access until `power_on`.
    atomic: False makes a replaced file as torn as an appended one, which littlefs never does.
    capacity_bytes: beyond it every write fails as a full flash does. failing: every write fails; what was to be added
    to a file is then there up to `failing_leaves` bytes.
    writes, bytes_written: since the store was made.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.cut_after_bytes: int | None = None
        self.on_cut: Callable[[], None] | None = None
        self.atomic = True
        self.capacity_bytes: int | None = None
        self.failing = False
        self.failing_leaves = 0
        self.writes = 0
        self.bytes_written = 0
        self._powered = True

    # --- what the firmware uses

    def read(self, name: str) -> bytes | None:
        self._need_power()
        return self.files.get(name)

    def lines(self, name: str) -> Iterator[bytes]:
        yield from (self.read(name) or b"").splitlines(keepends=True)

    def write_pieces(self, name: str, pieces: Iterable[bytes]) -> None:
        self.write(name, b"".join(pieces))

    def write(self, name: str, data: bytes) -> None:
        before = self.files.get(name, b"")
        torn = self._spend(name, data, len(data) - len(before))
        if torn is not None:
            self.files[name] = before if self.atomic else torn
            self._cut()
        self.files[name] = bytes(data)

    def append(self, name: str, data: bytes) -> None:
        before = self.files.get(name, b"")
        if self.failing and self._powered:
            self.files[name] = before + data[: self.failing_leaves]
        torn = self._spend(name, data, len(data))
        if torn is not None:
            self.files[name] = before + torn
            self._cut()
        self.files[name] = before + data

    def remove(self, name: str) -> None:
        self._need_power()
        if name not in self.files:
            raise OSError(2, "no such file")
        del self.files[name]

    def names(self) -> list[str]:
        self._need_power()
        return list(self.files)

    # --- what goes wrong

    def power_on(self) -> None:
        self._powered = True
        self.cut_after_bytes = None

    def flip_bit(self, name: str, bit: int) -> None:
        """Inverts one bit of a file, counted from its beginning."""
        data = bytearray(self.files[name])
        data[bit // 8] ^= 1 << bit % 8
        self.files[name] = bytes(data)

    def _need_power(self) -> None:
        if not self._powered:
            raise PowerCut

    def _spend(self, name: str, data: bytes, growth: int) -> bytes | None:
        """None if the write is to succeed, else the part that is written when the power fails."""
        self._need_power()
        used = sum(len(held) for held in self.files.values())
        if self.failing or (self.capacity_bytes is not None and used + growth > self.capacity_bytes):
            raise OSError(28, "no space left in the flash", name)
        if self.cut_after_bytes is not None:
            if self.cut_after_bytes < len(data):
                return bytes(data[: self.cut_after_bytes])
            self.cut_after_bytes -= len(data)
        self.writes += 1
        self.bytes_written += len(data)
        return None

    def _cut(self) -> None:
        self._powered = False
        self.cut_after_bytes = None
        if self.on_cut:
            self.on_cut()
        raise PowerCut
