"""What a bench file promises against what is plugged in: one line each, and the instruments opened on demand.

Ports are only listed, unless an instrument is asked for its serial number.
"""

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol

from serial.tools import list_ports

from hil.bench import DEFAULT_SYRINGE
from hil.benchfile import HANDS, BalanceTable, BenchFile, HandTable, LimitsTable, LineTable, Plugged, PumpTable, read
from hil.boards import board_data
from hil.instruments.balance import SerialBalance
from hil.instruments.errors import InstrumentError, InstrumentMissing
from hil.instruments.families import FAMILIES
from hil.instruments.hands import Guard, LinkBreaker, Occluder, Person, PowerRelay, RelaySwitch, Switch
from hil.instruments.observer import AskedObserver, SoundMeter
from hil.instruments.relay_board import RelayBoard

WIDTH = 10
NONE = "none: what needs it is skipped"
CAREFUL = LimitsTable(rate_ml_h=25, pressure_kpa=69, volume_ml=10)  # of a port that nothing is known about


class UsbPort(Protocol):
    """As pyserial lists them."""

    device: str
    serial_number: str | None


Ports = Callable[[], Iterable[UsbPort]]


def port_of(plugged: Plugged, name: str, ports: Ports = list_ports.comports) -> str:
    """Where it is now; InstrumentMissing if nothing with that USB serial number is plugged in."""
    if plugged.port is not None:
        return plugged.port
    known = list(ports())
    for port in known:
        if port.serial_number == plugged.usb_serial:
            return port.device
    others = ", ".join(f"{port.serial_number} at {port.device}" for port in known if port.serial_number) or "none"
    raise InstrumentMissing(name, f"no USB device has the serial number {plugged.usb_serial}; plugged in: {others}")


def open_balance(
    bench: BenchFile, clock: Callable[[], float] = time.monotonic, ports: Ports = list_ports.comports
) -> SerialBalance:
    """The bench's balance; InstrumentMissing where there is none."""
    table: BalanceTable | None = bench.balance
    if table is None:
        raise InstrumentMissing("balance", f'bench "{bench.name}" has no table [balance]')
    return FAMILIES[table.family](port_of(table, "balance", ports), table.baud, clock=clock)


def open_relays(bench: BenchFile, ports: Ports = list_ports.comports) -> RelayBoard:
    """The bench's relay board; InstrumentMissing where there is none."""
    if bench.relays is None:
        raise InstrumentMissing("relay board", f'bench "{bench.name}" has no table [relays]')
    return RelayBoard(port_of(bench.relays, "relay board", ports))


def _switch(bench: BenchFile, name: str, ask: tuple[str, str], board: RelayBoard | None) -> Switch:
    hand: HandTable | None = getattr(bench, name)
    if hand is None:
        raise InstrumentMissing(name, f'bench "{bench.name}" has no table [{name}]')
    if hand.relay is None:
        return Person(*ask)
    return RelaySwitch(board or open_relays(bench), hand.relay, hand.inverted)


def occluder(bench: BenchFile, board: RelayBoard | None = None) -> Occluder:
    """board: one that is open already. InstrumentMissing where the bench has no occluder."""
    return Occluder(_switch(bench, "occluder", Occluder.ASK, board))


def power_relay(bench: BenchFile, board: RelayBoard | None = None) -> PowerRelay:
    return PowerRelay(_switch(bench, "power", PowerRelay.ASK, board))


def link_breaker(bench: BenchFile, board: RelayBoard | None = None) -> LinkBreaker:
    return LinkBreaker(_switch(bench, "link", LinkBreaker.ASK, board))


def guard(bench: BenchFile, board: RelayBoard | None = None) -> Guard:
    return Guard(_switch(bench, "guard", Guard.ASK, board))


def observer(bench: BenchFile) -> AskedObserver:
    """Who looks at the pump; InstrumentMissing where nobody does."""
    if bench.observer is None:
        raise InstrumentMissing("observer", f'bench "{bench.name}" has no table [observer]')
    fitted = board_data(bench.pump.board).FITTED["display"] != "none"
    return AskedObserver("" if fitted else f"board {bench.pump.board} has none")


def sound_meter(bench: BenchFile) -> SoundMeter:
    """The bench's sound level meter; InstrumentMissing where there is none."""
    if bench.sound_meter is None:
        raise InstrumentMissing("sound_meter", f'bench "{bench.name}" has no table [sound_meter]')
    return SoundMeter(bench.sound_meter.model, bench.sound_meter.serial_number)


def lines(bench: BenchFile, ports: Ports = list_ports.comports) -> list[str]:
    """What the bench has, a line each, with serial numbers of what answers. The pump is looked for and not opened."""
    found = [_line("bench", bench.name), _line("pump", _where(bench.pump, ports, f"board {bench.pump.board}"))]
    found.append(_line("syringe", bench.syringe))
    found.append(_line("line", f"{bench.line.volume_ul:g} µL"))
    if bench.balance is None:
        found.append(_line("balance", NONE))
    else:
        what = f"{bench.balance.family}, {bench.balance.readability_g:g} g of {bench.balance.capacity_g:g} g"
        found.append(_line("balance", _asked(lambda: open_balance(bench, ports=ports), what)))
    if bench.relays is not None:
        found.append(_line("relays", _asked(lambda: open_relays(bench, ports), "Numato protocol")))
    for name in HANDS:
        hand: HandTable | None = getattr(bench, name)
        by = NONE if hand is None else "a person is asked"
        found.append(_line(name, by if hand is None or hand.relay is None else f"relay {hand.relay}"))
    found.append(_line("keys", _keys(bench)))
    found.append(_line("observer", "a person is asked" if bench.observer else NONE))
    meter = bench.sound_meter
    found.append(_line("sound", f"{meter.model}, serial number {meter.serial_number}" if meter else NONE))
    limits = bench.limits
    most = f"{limits.rate_ml_h:g} mL/h, {limits.pressure_kpa:g} kPa, {limits.volume_ml:g} mL"
    found.append(_line("limits", f"{most} at most"))
    return found


def _keys(bench: BenchFile) -> str:
    if bench.keys is None:
        return "a person is asked"
    relays = [f"{name} on relay {relay}" for name, relay in bench.keys.model_dump().items() if relay is not None]
    return ", ".join(relays) or "none"


def bench_of(target: str) -> BenchFile:
    """The bench of a file, or of a bare port; ProtocolError for a file that is not valid."""
    if Path(target).suffix == ".toml":
        return read(target)
    return BenchFile(
        name=target,
        pump=PumpTable(port=target, usb_serial=None),
        syringe=DEFAULT_SYRINGE,
        line=LineTable(volume_ul=1200),
        limits=CAREFUL,
    )


def of_target(target: str) -> list[str]:
    """Lines for what --target names: sim, emu, a port, or a bench file (ProtocolError if that is not valid)."""
    if target in ("sim", "emu"):
        where = "firmware in this process" if target == "sim" else "the built image on an emulated RP2040"
        return [_line("bench", f"simulated; {where}"), _line("plant", "simulated"), _line("balance", "simulated")]
    return lines(bench_of(target))


class _Numbered(Protocol):
    name: str

    def serial_number(self) -> str: ...
    def close(self) -> None: ...


def _asked(open_it: Callable[[], _Numbered], what: str) -> str:
    try:
        instrument = open_it()
        try:
            return f"{instrument.name}, {what}, serial number {instrument.serial_number()}"
        finally:
            instrument.close()
    except InstrumentError as error:
        return f"NOT FOUND: {error}"


def _where(plugged: Plugged, ports: Ports, what: str) -> str:
    try:
        return f"{port_of(plugged, 'pump', ports)}, {what}"
    except InstrumentMissing as error:
        return f"NOT FOUND: {error}"


def _line(name: str, text: str) -> str:
    return f"{name:<{WIDTH}}{text}"
