"""Drivers against twins that speak the bytes, over a pseudo-terminal; and every way in which a balance fails."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest

from hil.instruments.balance import GRAMS, SerialBalance, check_drift
from hil.instruments.errors import (
    Busy,
    Drifting,
    Garbled,
    InstrumentError,
    InstrumentMissing,
    Overloaded,
    Silent,
    Unplugged,
)
from hil.instruments.hands import LinkBreaker, Occluder, Person, PowerRelay, RelaySwitch
from hil.instruments.mt_sics import MtSics
from hil.instruments.ohaus import Ohaus
from hil.instruments.pan import Pan, PanData
from hil.instruments.pty_port import PtyPort
from hil.instruments.relay_board import RelayBoard, RelayBoardTwin
from hil.instruments.sbi import Sbi
from hil.instruments.twins import BalanceTwin, MtSicsTwin, OhausTwin, SbiTwin
from hil.plant.line import Line
from titrate.errors import PumpError

QUIET = PanData(noise_g=0, drift_g_h=0, evaporation_g_h=0)
FAMILIES: dict[str, tuple[type[SerialBalance], Callable[[Pan], BalanceTwin]]] = {
    "mt-sics": (MtSics, MtSicsTwin),
    "sbi": (Sbi, SbiTwin),
    "sbi with names": (Sbi, lambda pan: SbiTwin(pan, long=True)),
    "ohaus": (Ohaus, OhausTwin),
    "ohaus without OK!": (Ohaus, lambda pan: OhausTwin(pan, confirms=False)),
}


class Bench(SimpleNamespace):
    """A plant's outlet and a clock that a test turns."""

    ul = 0.0
    now_s = 0.0
    balance: SerialBalance
    twin: BalanceTwin
    port: PtyPort

    def flow(self, ul: float, seconds: float) -> None:
        self.ul += ul
        self.now_s += seconds

    def rest(self) -> None:
        self.twin.pan.stable  # noqa: B018  # a balance weighs all the time
        self.now_s += 30


@pytest.fixture(params=FAMILIES)
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    driver, twin = FAMILIES[request.param]
    bench = Bench()
    bench.twin = twin(Pan(lambda: bench.ul, lambda: bench.now_s, QUIET))
    with PtyPort(bench.twin.answer) as bench.port:
        bench.balance = driver(bench.port.path, timeout_s=0.2, clock=lambda: bench.now_s, simulated=True, pause_s=0.001)
        yield bench
        bench.balance.close()


def test_it_tares_and_weighs_what_the_plant_delivers(bench: Bench) -> None:
    assert bench.balance.read().grams == pytest.approx(40.0)
    bench.balance.tare()
    bench.flow(1000, 10)
    moving = bench.balance.read()
    assert not moving.stable
    assert moving.time_s == 10
    assert 0.9 < moving.grams < 0.998
    bench.rest()
    resting = bench.balance.read()
    assert resting.stable
    assert resting.grams == pytest.approx(0.998, abs=1e-4)
    bench.flow(-2000, 0)
    bench.rest()
    assert bench.balance.read().grams == pytest.approx(-0.998, abs=1e-4)
    assert bench.balance.serial_number() == "SIM-0001"


def test_silence_rubbish_overload_and_an_unplugged_cable_have_their_names(bench: Bench) -> None:
    bench.twin.fault = "silent"
    with pytest.raises(Silent, match=r"balance .*no answer within 0.2 s\. The pump is not to blame"):
        bench.balance.read()
    bench.twin.fault = "rubbish"
    with pytest.raises(Garbled, match="no reply of its protocol"):
        bench.balance.read()
    bench.twin.fault = None
    bench.twin.pan.extra_g = 500
    bench.rest()
    bench.rest()
    with pytest.raises(Overloaded, match="above its range"):
        bench.balance.read()
    bench.twin.pan.extra_g = -300
    bench.rest()
    bench.rest()
    with pytest.raises(Overloaded, match="below its range"):
        bench.balance.read()
    bench.port.close()
    with pytest.raises(Unplugged, match="port went away"):
        bench.balance.read()


def test_after_a_fault_it_goes_on(bench: Bench) -> None:
    for fault in ("silent", "rubbish"):
        bench.twin.fault = fault
        with pytest.raises(InstrumentError):
            bench.balance.read()
    bench.twin.fault = None
    assert bench.balance.read().grams == pytest.approx(40.0)


def test_drift_is_found_while_nothing_flows(bench: Bench) -> None:
    def wait(seconds: float) -> None:
        bench.now_s += seconds

    assert check_drift(bench.balance, wait, 600, 0.01) == 0
    bench.twin.pan.data = PanData(noise_g=0, drift_g_h=0.05, evaporation_g_h=0)
    with pytest.raises(Drifting, match=r"\+0\.05\d* g/h at rest; at most 0.01 g/h"):
        check_drift(bench.balance, wait, 600, 0.01)


def test_a_busy_balance_is_asked_again_and_then_given_up() -> None:
    twin = MtSicsTwin(Pan(lambda: 0, lambda: 0, QUIET))
    with PtyPort(twin.answer) as port, MtSics(port.path, timeout_s=0.2, pause_s=0.001) as balance:
        twin.fault = "busy"
        for action in (balance.read, balance.tare):
            with pytest.raises(Busy):
                action()
    sbi = SbiTwin(Pan(lambda: 0, lambda: 0, QUIET))
    with PtyPort(sbi.answer) as port, Sbi(port.path, timeout_s=0.2) as balance:
        sbi.fault = "busy"
        with pytest.raises(Busy, match="Err 54"):
            balance.read()


@pytest.mark.parametrize(
    ("driver", "answer", "grams", "stable"),
    [
        (MtSics, "S S     100.00 g", 100.0, True),
        (MtSics, "S D    -0.6800 g", -0.68, False),
        (MtSics, "S S    1234.5 mg", 1.2345, True),
        (Sbi, "+  123.4567 g  ", 123.4567, True),
        (Sbi, "N     -    0.001 g  ", -0.001, True),
        (Sbi, "G     +   12.345    ", 12.345, False),
        (Sbi, "+ 1234.56   g  ", 1234.56, True),
        (Ohaus, "     192.21 g", 192.21, True),
        (Ohaus, "       0.01 g ?", 0.01, False),
        (Ohaus, "      -1.20 g   N", -1.2, True),
    ],
)
def test_lines_from_the_manuals(driver: type[SerialBalance], answer: str, grams: float, stable: bool) -> None:
    with PtyPort(lambda data: answer.encode() + b"\r\n") as port, driver(port.path, timeout_s=0.5) as balance:
        reading = balance.read()
    assert (reading.grams, reading.stable) == (pytest.approx(grams), stable)


@pytest.mark.parametrize("driver", [MtSics, Sbi, Ohaus])
@pytest.mark.parametrize("answer", [b"ES\r\n", b"hello\r\n", b"S S 12,5 g\r\n", b"\xfe\r\n", b"\r\n", b"1" * 300])
def test_no_other_line_is_taken_for_a_weight(driver: type[SerialBalance], answer: bytes) -> None:
    with PtyPort(lambda data: answer) as port, driver(port.path, timeout_s=0.2) as balance, pytest.raises(Garbled):
        balance.read()


def test_a_balance_that_is_not_there_is_a_reason_to_skip() -> None:
    with pytest.raises(InstrumentMissing, match=r"balance mt-sics \(/dev/no-such-port\): it cannot be opened"):
        MtSics("/dev/no-such-port")
    assert issubclass(InstrumentMissing, PumpError)
    assert GRAMS["mg"] == 0.001


def test_drops_noise_and_evaporation() -> None:
    bench = Bench()
    drops = PanData(noise_g=0.0002, drift_g_h=0, evaporation_g_h=0.36, drop_ul=50, settling_s=0.1)
    pans = [Pan(lambda: bench.ul, lambda: bench.now_s, drops, seed) for seed in (1, 1, 2)]
    readings: list[list[float]] = [[], [], []]
    for _ in range(100):
        bench.flow(10, 1)
        for pan, grams in zip(pans, readings, strict=True):
            grams.append(pan.grams())
    assert readings[0] == readings[1] != readings[2]
    bench.flow(0, 5)
    last_g = pans[0].grams()
    rises = [b - a for a, b in zip(readings[0], readings[0][1:], strict=False)]
    assert sum(rise > 0.03 for rise in rises) == 20
    assert last_g == pytest.approx(40 + 0.998 - 0.0105, abs=0.001)


def test_relays_move_what_hangs_on_them() -> None:
    line = Line()
    twin = RelayBoardTwin(lambda relay, on: line.clamp(0, on) if relay == 2 else None, relays=16)
    with PtyPort(twin.answer) as port, RelayBoard(port.path, timeout_s=0.5) as board:
        occluder = Occluder(RelaySwitch(board, 2))
        occluder.close_line()
        assert line.clamped
        occluder.open_line()
        assert not line.clamped
        supply = PowerRelay(RelaySwitch(board, 12, inverted=True))
        supply.restore()
        assert twin.states[12]
        supply.cut()
        assert not twin.states[12]
        link = LinkBreaker(RelaySwitch(board, 0))
        link.unplug()
        assert board.state(0)
        link.plug()
        assert not board.state(0)
        assert board.serial_number() == "SIM00001"
        twin.stuck.add(2)
        with pytest.raises(Garbled, match="relay 2 stays off"):
            occluder.close_line()
        with pytest.raises(ValueError, match="0 to 31"):
            board.set(32, True)


def test_a_person_is_asked_and_may_be_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    Occluder(Person(*Occluder.ASK, answer=lambda words: asked.append(words) or "")).close_line()
    assert asked[0].startswith("Close the clamp")
    with pytest.raises(InstrumentMissing, match="could not be done"):
        PowerRelay(Person(*PowerRelay.ASK, answer=lambda words: "no")).cut()
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: False))
    with pytest.raises(InstrumentMissing, match="nobody is there"):
        LinkBreaker(Person(*LinkBreaker.ASK)).unplug()


def test_an_import_opens_nothing() -> None:
    code = (
        "import serial, os, importlib, pkgutil\n"
        "def no(*a, **k): raise AssertionError('opened')\n"
        "serial.serial_for_url = serial.Serial.open = os.openpty = no\n"
        "import hil.instruments, hil.flow\n"
        "for module in pkgutil.iter_modules(hil.instruments.__path__):\n"
        "    importlib.import_module('hil.instruments.' + module.name)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
