"""The driver of the USB link, over a model of the port: a host that stops reading holds it for a bounded time.

The model is of MicroPython 1.25: shared/tinyusb/mp_usbd_cdc.c (waits for room), py/stream.c (asks again for the rest),
and TinyUSB's FIFO behind them. The emulator's host takes every packet at once, so this cannot be seen there.
"""

import importlib
import random
import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from pump import standard
from pump.core import framing

PACKET, FIFO, TIMEOUT_MS = 64, 256, 500
FULL_MS = 5


class Port:
    """host: what it has read. reads: whether it takes packets, one in each millisecond that the port waits."""

    def __init__(self) -> None:
        self.fifo, self.packet, self.host = bytearray(), b"", bytearray()
        self.reads = True
        self.ms = 0

    def register(self, _stream: object, _what: int) -> None:
        pass

    def pass_ms(self) -> None:
        self.ms += 1
        if self.reads:
            self.host += self.packet
            self.packet = b""
            self.flush()

    def flush(self) -> None:
        if not self.packet:
            self.packet = bytes(self.fifo[:PACKET])
            del self.fifo[:PACKET]

    def ipoll(self, ms: int) -> Iterator[int]:
        until = self.ms + ms
        while len(self.fifo) == FIFO:
            if self.ms == until:
                return
            self.pass_ms()
        yield 1

    def send(self, data: bytes) -> int:
        done = 0
        while done < len(data):
            size = min(len(data) - done, PACKET)
            until = self.ms + TIMEOUT_MS
            while size > FIFO - len(self.fifo) and self.ms < until:
                self.pass_ms()
            size = min(size, FIFO - len(self.fifo))
            if not size:
                break
            self.fifo += data[done : done + size]
            self.flush()
            done += size
        return done

    def write(self, data: bytes) -> int:
        taken = 0
        while taken < len(data):
            done = self.send(data[taken:])
            if not done:
                break
            taken += done
        return taken


@pytest.fixture
def port_and_link(monkeypatch: pytest.MonkeyPatch) -> tuple[Port, Any]:
    port = Port()
    monkeypatch.setitem(sys.modules, "micropython", SimpleNamespace(kbd_intr=lambda _key: None))
    driver = importlib.import_module("pump.drivers.link_usb")
    monkeypatch.setattr(driver, "select", SimpleNamespace(poll=lambda: port, POLLIN=1, POLLOUT=4))
    stdin = SimpleNamespace(buffer=SimpleNamespace(readinto=None))
    monkeypatch.setattr(driver, "sys", SimpleNamespace(stdin=stdin, stdout=SimpleNamespace(buffer=port)))
    return port, driver.Link()


def line(dice: random.Random) -> bytes:
    return framing.encode({"text": "x" * dice.randrange(600)})


@pytest.mark.parametrize("seed", range(20))
def test_a_host_that_stops_reading_holds_the_port_once_and_for_less_than_the_watchdogs_time(
    port_and_link: tuple[Port, Any], seed: int
) -> None:
    port, link = port_and_link
    dice = random.Random(seed)
    for _ in range(dice.randrange(20)):
        link.write(line(dice))
    port.reads = False
    before_ms = port.ms
    for _ in range(20):
        link.write(line(dice))
    assert port.ms - before_ms <= 2 * TIMEOUT_MS + 20 * FULL_MS < standard.WATCHDOG_MS - standard.CONTROL_PERIOD_MS
    assert link.lost


def test_a_host_that_reads_gets_every_line(port_and_link: tuple[Port, Any]) -> None:
    port, link = port_and_link
    dice = random.Random(1)
    sent = [line(dice) for _ in range(50)]
    for text in sent:
        link.write(text)
    for _ in range(FIFO // PACKET + 1):
        port.pass_ms()
    assert framing.Deframer().feed(bytes(port.host)) == [framing.decode(text[:-1]) for text in sent]
    assert not link.lost


def test_a_host_that_reads_again_loses_one_line_at_most(port_and_link: tuple[Port, Any]) -> None:
    port, link = port_and_link
    dice = random.Random(2)
    port.reads = False
    for _ in range(5):
        link.write(line(dice))
    port.reads = True
    for _ in range(FIFO // PACKET + 1):
        port.pass_ms()
    port.host.clear()
    sent = [line(dice) for _ in range(5)]
    for text in sent:
        link.write(text)
    for _ in range(FIFO // PACKET + 1):
        port.pass_ms()
    assert framing.Deframer().feed(bytes(port.host))[1:] == [framing.decode(text[:-1]) for text in sent[1:]]
