"""The motor drivers' own electronics: what a pulse does at their pins, a TMC2209's registers behind its one wire, and a
driver with a fault output.

Chips as the bench has them, for the simulated target and, behind the pins, for the emulated one; and the twins of
drivers/wire_uart.py and drivers/driver_fault_gpio.py. What a motor drives is not their business.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING

from pump.core import crc8
from pump.core.tmc2209 import Tmc2209

if TYPE_CHECKING:
    from pump.core.hardware import Driver, Motor

SYNC, MASTER, ADDRESS, WRITE = 0x05, 0xFF, 0, 0x80
GCONF, GSTAT, IFCNT, IOIN, MSCNT, CHOPCONF, DRV_STATUS = 0x00, 0x01, 0x02, 0x06, 0x6A, 0x6C, 0x6F
READABLE = (GCONF, GSTAT, IFCNT, IOIN, MSCNT, CHOPCONF, DRV_STATUS)
AT_POWER_ON = {GCONF: 0x101, GSTAT: 1, IFCNT: 0, IOIN: 0x21000000, MSCNT: 0, CHOPCONF: 0x10000053, DRV_STATUS: 0}
# fault: (flags that it leaves in GSTAT, bits of DRV_STATUS while it lasts)
FAULTS = {
    "over-temperature": (2, 0x02 | 0x01),
    "short to ground": (2, 0x04),
    "short of a switch": (2, 0x20),
    "open load": (0, 0x40),
    "undervoltage": (4, 0),
    "reset": (1, 0),
}
ON_THE_WIRE = ("silent", "garbled")
NO_STEP, NO_DIR, NO_EN = "STEP wire broken", "DIR wire broken", "EN wire broken"
ENN_PIN, DIR_PIN = 1, 1 << 9  # of IOIN
FULL_STEP = 256  # of the 1024 places of MSCNT
PINS_MICROSTEPS = 8  # with MS1 and MS2 to ground


class AtThePins:
    """A motor driver as its motor sees it. on, backward: the levels at its own pins; without their wires the pull-up at
    EN turns it off, and the chip's pull-down at DIR says forward.

    turn(at_us, direction): to be called for each pulse of the controller, in order, with `direction`: 1, -1, or 0 where
    the motor does not follow. Both change only with levels, faults and settings, so that a pulse costs no more than
    that call.
    """

    faults: tuple[str, ...] = ()

    def __init__(self) -> None:
        self._fault: str | None = None
        self._driven = False, False
        self._pulses: Callable[[], int] = lambda: 0
        self._settled = 0  # pulses
        self._motor: Callable[[int, int], None] = lambda at_us, direction: None
        self._step = FULL_STEP // PINS_MICROSTEPS
        self._rest = 0  # of a step that is not whole, in places of MSCNT
        self._follow()

    def connect(self, pulses: Callable[[], int], motor: Callable[[int, int], None], microsteps: int) -> None:
        """A controller has started, whose pins float. pulses(): what it has counted of them. motor(at_us, direction):
        moves it by one step, of so many microsteps to a full one."""
        self.drive(False, False)
        self._pulses, self._settled = pulses, 0
        self._motor, self._step = motor, FULL_STEP // microsteps
        self._follow()

    def drive(self, on: bool | None = None, backward: bool | None = None) -> None:
        """What the controller wants of EN and DIR from here on; None: what it wanted before."""
        self._settle()
        was_on, was_backward = self._driven
        self._driven = was_on if on is None else on, was_backward if backward is None else backward
        self._follow()

    def power_on(self) -> None:
        """The motor's supply has come."""

    @property
    def fault(self) -> str | None:
        """None, or one of `faults`."""
        return self._fault

    @fault.setter
    def fault(self, name: str | None) -> None:
        self._settle()
        self._fault = name
        self._fail()
        self._follow()

    def _fail(self) -> None:
        """What the driver itself makes of its fault, or of its end."""

    @property
    def microsteps(self) -> int:
        """Of a full step."""
        return FULL_STEP // self._step

    def _settle(self) -> None:
        """Before anything changes: what came until now."""
        pulses = self._pulses()
        if self._fault != NO_STEP:
            self._received((self._settled - pulses) if self.backward else pulses - self._settled)
        self._settled = pulses

    def _received(self, steps: int) -> None:
        """So many pulses have come, forward or, negative, backward."""

    def _follow(self) -> None:
        on, backward = self._driven
        self.on = on and self._fault != NO_EN
        self.backward = backward and self._fault != NO_DIR
        self.direction = 0
        if self.on and self._fault != NO_STEP:
            self.direction = -1 if self.backward else 1
        self.turn = self._motor
        if self.microsteps * self._step != FULL_STEP:
            self.turn = self._turn_otherwise

    def _turn_otherwise(self, at_us: int, direction: int) -> None:
        """By other microsteps than the motor's steps are."""
        self._rest += direction * FULL_STEP // self.microsteps
        while abs(self._rest) >= self._step:
            self._rest -= direction * self._step
            self._motor(at_us, direction)


class Tmc2209Chip(AtThePins):
    """receive(byte): takes a byte from the wire, and gives what it answers to it. registers: what they hold.

    fault: one of FAULTS; "silent": it answers nothing; "garbled": a bit of each of its replies is wrong; or a wire that
    is broken. It counts its pulses whether it is on or off.
    """

    faults: tuple[str, ...] = (*FAULTS, *ON_THE_WIRE, NO_STEP, NO_DIR, NO_EN)

    def __init__(self) -> None:
        self.registers = dict(AT_POWER_ON)
        super().__init__()
        self.power_on()

    def power_on(self) -> None:
        self._settle()
        self.registers = dict(AT_POWER_ON)
        self._incoming = bytearray()
        self.fault = self._fault

    def _fail(self) -> None:
        flags, status = FAULTS.get(self._fault or "", (0, 0))
        if self._fault == "reset":
            self.registers = dict(AT_POWER_ON)
        self.registers[GSTAT] |= flags
        self.registers[DRV_STATUS] = status

    def _received(self, steps: int) -> None:
        place = self.registers[MSCNT] + steps * FULL_STEP // self.microsteps
        self.registers[MSCNT] = place % (4 * FULL_STEP)

    @property
    def microsteps(self) -> int:
        """Of a full step: by register, or by its pins as long as nobody has chosen that."""
        by_register = self.registers[GCONF] >> 7 & 1
        return FULL_STEP >> (self.registers[CHOPCONF] >> 24 & 15) if by_register else PINS_MICROSTEPS

    @property
    def interpolates(self) -> bool:
        return bool(self.registers[CHOPCONF] >> 28 & 1)

    @property
    def spread_cycle(self) -> bool:
        return bool(self.registers[GCONF] >> 2 & 1)

    def receive(self, byte: int) -> bytes:
        data = self._incoming
        data.append(byte)
        if data[0] != SYNC:
            data.clear()
            return b""
        size = 8 if len(data) > 2 and data[2] & WRITE else 4
        if len(data) < size:
            return b""
        whole = bytes(data)
        data.clear()
        if self.fault == "silent" or whole[1] != ADDRESS or crc8.atm(whole[:-1]) != whole[-1]:
            return b""
        if size == 8:
            self._write(whole[2] & ~WRITE, int.from_bytes(whole[3:7], "big"))
            return b""
        return self._reply(whole[2])

    def _write(self, register: int, value: int) -> None:
        self._settle()
        self.registers[IFCNT] = (self.registers[IFCNT] + 1) & 0xFF
        if register == GSTAT:  # ones clear what is there, but for what still is so
            self.registers[GSTAT] &= ~value
            self.registers[GSTAT] |= FAULTS.get(self.fault or "", (0, 0))[0] & ~1
        elif register not in (IFCNT, IOIN, MSCNT, DRV_STATUS):
            self.registers[register] = value
        self._follow()

    def _reply(self, register: int) -> bytes:
        self._settle()
        value = self.registers.get(register, 0) if register in READABLE else 0
        if register == IOIN:
            value |= ENN_PIN * (not self.on) | DIR_PIN * self.backward
        reply = bytes([SYNC, MASTER, register]) + value.to_bytes(4, "big")
        reply += bytes([crc8.atm(reply)])
        if self.fault == "garbled":
            reply = reply[:5] + bytes([reply[5] ^ 0x10]) + reply[6:]
        return reply


class Wire:
    """Twin of drivers/wire_uart.py: bytes come back at once."""

    def __init__(self, chip: Tmc2209Chip) -> None:
        self._chip = chip
        self._came = bytearray()

    def send(self, data: bytes) -> None:
        self._came = bytearray(data)
        for byte in data:
            self._came += self._chip.receive(byte)

    def received(self) -> bytes:
        data = bytes(self._came)
        self._came.clear()
        return data

    def pause_ms(self, ms: int) -> None:
        pass


class FaultOutput(AtThePins):
    """A driver with an output that is low while something is wrong. Twin of drivers/driver_fault_gpio.py as well.

    on_change(): the output may have changed.
    """

    faults: tuple[str, ...] = ("over-temperature", "short")
    mended = 0

    def __init__(self) -> None:
        super().__init__()
        self.on_change: Callable[[], None] = lambda: None

    def _fail(self) -> None:
        self.on_change()

    def set_up(self) -> str:
        return "its fault output is low" if self.fault else ""

    def look(self, motor: Motor) -> str:
        return self.set_up()

    def ask(self, motor: Motor, plunger_steps: int, waits: bool) -> bool:
        return True


class Dumb(AtThePins):
    """A driver that tells nothing, such as the A4988."""


MotorDriver = Tmc2209Chip | FaultOutput | Dumb


def motor_driver(board: ModuleType) -> MotorDriver:
    """The part that the board's data say is fitted."""
    parts: dict[str, type[MotorDriver]] = {
        "tmc2209": Tmc2209Chip,
        "drv8825": FaultOutput,
        "a4988": Dumb,
    }
    return parts[board.FITTED["driver"]]()


def watching(part: MotorDriver, board: ModuleType) -> Driver | None:
    """What the firmware has to set up and watch it, as pump/fitted.py makes it."""
    if isinstance(part, Tmc2209Chip):
        return Tmc2209(Wire(part), board.MICROSTEPS, board.MOTOR_MA, board.MOTOR_HOLD_MA, board.SENSE_MOHM)
    return part if isinstance(part, FaultOutput) else None
