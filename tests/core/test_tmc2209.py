"""The motor driver's settings and reports, on a wire that answers as the test says; the chip's model is the rig's."""

from itertools import chain

import pytest

from hil.devices.motor_driver import CHOPCONF, DRV_STATUS, GSTAT, IFCNT, Tmc2209Chip, Wire
from pump.core import crc8
from pump.core.tmc2209 import IHOLD_IRUN, SLAVECONF, Tmc2209, current_scale, datagram, reply_of


def serial_crc(data: bytes) -> int:
    """Bit by bit, as the datasheet's serial calculation says (Rev. 1.03, 4.2)."""
    crc = 0
    for bit in chain.from_iterable([byte >> i & 1 for i in range(8)] for byte in data):
        crc = (crc << 1 ^ (0x07 if crc >> 7 ^ bit else 0)) & 0xFF
    return crc


@pytest.mark.parametrize("data", [b"", b"\x00", b"\x05\x00\x00", b"\x05\xff\x6f\x80\x14\x00\x01", bytes(range(256))])
def test_the_crc_is_that_of_the_datasheet(data: bytes) -> None:
    assert crc8.atm(data) == serial_crc(data)


def test_datagrams() -> None:
    assert datagram(0x6F)[:3] == bytes([0x05, 0x00, 0x6F])
    assert datagram(0x00, 0x1C4)[:7] == bytes([0x05, 0x00, 0x80, 0, 0, 1, 0xC4])
    assert all(serial_crc(sent[:-1]) == sent[-1] for sent in (datagram(2), datagram(1, 7)))


@pytest.mark.parametrize("at", range(12))
def test_a_reply_with_any_wrong_byte_is_none(at: int) -> None:
    chip = Tmc2209Chip()
    wire = Wire(chip)
    wire.send(datagram(IFCNT))
    received = wire.received()
    assert reply_of(datagram(IFCNT), received) == bytes(4)
    wrong = bytearray(received)
    wrong[at] ^= 0x20
    assert reply_of(datagram(IFCNT), bytes(wrong)) is None
    assert reply_of(datagram(IFCNT), received[:at]) is None
    assert reply_of(datagram(IFCNT), received + b"\x05") is None
    assert reply_of(datagram(GSTAT), received) is None


@pytest.mark.parametrize(("ma", "scale"), [(800, 25), (400, 12), (950, 30), (2000, 31), (1, 0)])
def test_the_current_is_the_datasheets(ma: int, scale: int) -> None:
    """Never more than was asked for: I = (CS + 1) / 32 x 0.18 V / (0.11 + 0.02 ohm) / sqrt 2 (chapter 9)."""
    assert current_scale(ma, 110) == scale
    if 0 < scale < 31:
        assert (scale + 1) / 32 * 180 / 0.13 / 2**0.5 <= ma < (scale + 2) / 32 * 180 / 0.13 / 2**0.5


def driver(chip: Tmc2209Chip, microsteps: int = 16) -> Tmc2209:
    return Tmc2209(Wire(chip), microsteps, 800, 400, 110)


@pytest.mark.parametrize("microsteps", [1, 2, 4, 8, 16, 32, 64, 128, 256])
def test_set_up(microsteps: int) -> None:
    chip = Tmc2209Chip()
    assert driver(chip, microsteps).set_up() == ""
    assert chip.microsteps == microsteps
    assert chip.spread_cycle
    assert not chip.interpolates
    assert chip.registers[IHOLD_IRUN] == 8 << 16 | 25 << 8 | 12
    assert chip.registers[GSTAT] == 0
    assert chip.registers[SLAVECONF] == 0x200


def test_a_second_set_up_after_a_reset_of_the_controller_alone() -> None:
    chip = Tmc2209Chip()
    chip.registers[IFCNT] = 253
    assert driver(chip).set_up() == ""
    assert driver(chip).set_up() == ""


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("silent", "silent"),
        ("garbled", "silent"),
        ("over-temperature", "over-temperature"),
        ("short to ground", "short to ground at A"),
        ("undervoltage", "undervoltage of the charge pump"),
    ],
)
def test_a_fault_at_set_up(fault: str, told: str) -> None:
    chip = Tmc2209Chip()
    chip.fault = fault
    assert driver(chip).set_up() == told


def test_another_chip() -> None:
    chip = Tmc2209Chip()
    chip.registers[6] = 0x20000000  # as a TMC2208 says
    assert driver(chip).set_up() == "version 32, not 33"


def test_a_write_that_is_lost() -> None:
    class Losing(Wire):
        def send(self, data: bytes) -> None:
            super().send(data if data[2] != IHOLD_IRUN | 0x80 else data[:-1] + bytes([data[-1] ^ 1]))

    assert Tmc2209(Losing(Tmc2209Chip()), 16, 800, 400, 110).set_up() == "settings not taken"


def test_a_register_that_holds_something_else() -> None:
    class Stuck(Tmc2209Chip):
        def _write(self, register: int, value: int) -> None:
            super()._write(register, value | (1 << 28 if register == CHOPCONF else 0))

    assert driver(Stuck()).set_up() == "settings differ"


STILL = (0, False, False)  # a motor that has not been started


def look(watch: Tmc2209, motor: tuple[int, bool, bool] = STILL, plunger_steps: int = 0) -> str:
    """A second passes: what is told."""
    told = watch.look(motor)
    watch.ask(motor, plunger_steps, waits=False)
    return told


def looks(watch: Tmc2209, most: int) -> tuple[int, str]:
    """(how many looks it took, what was told)."""
    for n in range(1, most + 1):
        told = look(watch)
        if told:
            return n, told
    return most, ""


@pytest.mark.parametrize(
    ("fault", "told", "within"),
    [
        ("over-temperature", "over-temperature", 4),
        ("short to ground", "short to ground at A", 4),
        ("short of a switch", "short of a switch at B", 4),
        ("undervoltage", "undervoltage of the charge pump", 4),
        ("reset", "reset: its settings are lost", 4),
        ("open load", "open load at A", 10),
        ("silent", "no good reply 3 times", 4),
        ("garbled", "no good reply 3 times", 4),
    ],
)
@pytest.mark.parametrize("before", range(6))
def test_a_fault_while_it_runs(fault: str, told: str, within: int, before: int) -> None:
    chip = Tmc2209Chip()
    watch = driver(chip)
    assert watch.set_up() == ""
    for _ in range(10 + before):
        assert look(watch) == ""
    chip.fault = fault
    n, said = looks(watch, 12)
    assert said == told
    assert n <= within


def test_one_bad_reply_is_no_fault() -> None:
    chip = Tmc2209Chip()
    watch = driver(chip)
    watch.set_up()
    for n in range(40):
        chip.fault = "garbled" if n % 3 else None
        assert look(watch) == ""


def test_an_open_load_at_standstill_is_none() -> None:
    """The datasheet warns of it: at standstill one coil may carry no current at all."""
    chip = Tmc2209Chip()
    watch = driver(chip)
    watch.set_up()
    chip.registers[DRV_STATUS] = 1 << 31 | 0xC0
    assert looks(watch, 40)[1] == ""
    chip.registers[DRV_STATUS] = 0xC0
    assert looks(watch, 10)[1] == "open load at A, open load at B"


def test_a_driver_that_shut_down_and_is_well_again_is_a_fault_all_the_same() -> None:
    chip = Tmc2209Chip()
    watch = driver(chip)
    watch.set_up()
    chip.registers[GSTAT] = 2
    assert looks(watch, 5)[1] == "shut down, and does not say why"
