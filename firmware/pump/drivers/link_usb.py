"""RP2040 USB serial: the bytes of the link. Waiting costs nothing; a host that stops reading costs a second at most."""

import select
import sys

import micropython

READ_BYTES = 64  # at most in one go: 1.2 ms at 19 us a byte
WRITE_BYTES = 64  # one USB packet, of which the port's FIFO holds four
_FULL_MS = 5  # a host that reads takes several in a millisecond


class Link:
    """wait(ms): whether a byte came within that time. read(): up to READ_BYTES. write(line): all of it, as long as the
    host takes it.

    Lines are filled up with empty ones to whole packets. So a FIFO that has any room has room for a packet, and a host
    that stops reading holds the port for 1000 ms at most, once: MicroPython waits 500 ms for the room that is missing,
    and asks again. Where a packet found less room than it needs there would be a third wait, and the watchdog's time
    would be over (mp_usbd_cdc_tx_strn, and mp_stream_rw behind it).

    lost: lines that were dropped, or cut short, because the host did not take them.
    """

    def __init__(self):
        micropython.kbd_intr(-1)  # a 0x03 from the host is a byte like any other
        self._take = sys.stdin.buffer.readinto  # type: ignore[union-attr]  # the stub does not know it
        self._out = sys.stdout.buffer
        self._readable = select.poll()
        self._readable.register(sys.stdin, select.POLLIN)
        self._writable = select.poll()
        self._writable.register(sys.stdout, select.POLLOUT)
        self._bytes = memoryview(bytearray(READ_BYTES))
        self._places = [self._bytes[n : n + 1] for n in range(READ_BYTES)]
        self.lost = 0

    def wait(self, ms):
        for _ in self._readable.ipoll(ms):
            return True
        return False

    def read(self):
        # A read that finds nothing would wait for ever, so each byte is asked for alone: keep the way short.
        ready, take, count = self._readable.ipoll, self._take, 0
        for place in self._places:
            for _ in ready(0):
                take(place)
                count += 1
                break
            else:
                break
        return bytes(self._bytes[:count])

    def write(self, line):
        packets = line + b"\n" * (-len(line) % WRITE_BYTES)
        for _ in self._writable.ipoll(_FULL_MS):
            if self._out.write(packets) == len(packets):
                return
        self.lost += 1
