"""Twin of drivers/link_usb.py: bytes between a host in the same process and the firmware."""

from hil.devices.clock import Clock

READ_BYTES = 64


class Link:
    """incoming: host to pump. outgoing: pump to host. plugged: whether anything passes."""

    def __init__(self, clock: Clock, plugged: bool = True) -> None:
        self._clock = clock
        self.incoming = bytearray()
        self.outgoing = bytearray()
        self.plugged = plugged
        self.lost = 0

    def wait(self, ms: int) -> bool:
        if not self.incoming:
            self._clock.wait(ms * 1000)
        return bool(self.incoming)

    def read(self) -> bytes:
        data = bytes(self.incoming[:READ_BYTES])
        del self.incoming[:READ_BYTES]
        return data

    def write(self, line: bytes) -> None:
        if self.plugged:
            self.outgoing += line
        else:
            self.lost += 1
