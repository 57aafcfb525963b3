"""The motor driver's settings and reports, on a wire that answers as the test says; the chip's model is the rig's."""

from itertools import chain

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hil.devices.motor_driver import (
    CHOPCONF,
    DRV_STATUS,
    GSTAT,
    IFCNT,
    MSCNT,
    NO_DIR,
    NO_EN,
    NO_STEP,
    Tmc2209Chip,
    Wire,
)
from pump.core import crc8
from pump.core.tmc2209 import IHOLD_IRUN, SLACK, SLAVECONF, TABLE, Tmc2209, current_scale, datagram, reply_of


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
    assert watch.ask(motor, plunger_steps, waits=False)
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


# --- pulses and levels that the driver did not get


class Drive:
    """A controller's count beside a chip that has its pulses: move() by some, look() as once a second."""

    def __init__(self, microsteps: int) -> None:
        self.chip = Tmc2209Chip()
        self.starts = 0
        self.microsteps = microsteps
        self.restart()

    def restart(self) -> None:
        """The controller alone begins anew, its counts at nothing."""
        self.pulses = self.plunger_steps = self.under_way = 0
        self.on = self.backward = False
        self.chip.connect(lambda: self.pulses + self.under_way, lambda at_us, direction: None, self.microsteps)
        self.watch = driver(self.chip, self.microsteps)
        assert self.watch.set_up() == ""

    def start(self, backward: bool) -> None:
        self.starts += 1
        self.on, self.backward = True, backward
        self.chip.drive(True, backward)

    def stop(self) -> None:
        self.on = False
        self.chip.drive(False, self.backward)

    def move(self, steps: int) -> None:
        self.pulses += steps
        self.plunger_steps += -steps if self.backward else steps

    def look(self, under_way: int = 0, waits: bool = False) -> str:
        """What is told. under_way: pulses that come between count and answer."""
        motor = self.starts, self.on, self.backward
        told = self.watch.look(motor)
        self.under_way = under_way
        self.watch.ask(motor, self.plunger_steps, waits)
        self.under_way = 0
        self.move(under_way)
        return told

    def most_looks(self) -> list[str]:
        """All that is told, one after the other, in the longest time that a difference may last."""
        return [told for told in [self.look() for _ in range(9)] if told]


resolutions = st.sampled_from([1, 2, 4, 8, 16, 32, 64, 128, 256])
legs = st.lists(st.tuples(st.booleans(), st.integers(0, 40_000), st.integers(0, 8), st.booleans()), max_size=30)


@pytest.mark.requirement("SR-SAFE-02", "SR-DIAG-14")
@given(resolutions, legs, st.integers(0, 29))
def test_whatever_the_motor_did_a_driver_that_got_it_is_told_of_nothing(
    microsteps: int, legs: list[tuple[bool, int, int, bool]], resets_at: int
) -> None:
    """(backward, steps, pulses between count and answer, stops after it) of each leg; once the controller is reset."""
    drive = Drive(microsteps)
    most_under_way = max(SLACK * microsteps * 4 // TABLE, 1)
    for index, (backward, steps, under_way, stops) in enumerate(legs):
        if index == resets_at:
            drive.restart()
        drive.start(backward)
        assert drive.look() == ""
        drive.move(steps)
        assert drive.look(min(under_way, most_under_way)) == ""
        if stops:
            drive.stop()
            assert drive.look() == ""
        if not index % 5:  # a reply now and then is lost
            drive.chip.fault = "garbled"
            assert drive.look() == ""
            drive.chip.fault = None


@pytest.mark.slow
@pytest.mark.requirement("SR-SAFE-02", "SR-DIAG-14")
def test_ten_days_at_odd_rates_without_a_false_alarm() -> None:
    """Every second of 240 h, with a back-off now and then; the fastest for some hours."""
    drive = Drive(16)
    for second in range(240 * 3600):
        if not second % 1800:
            drive.start(backward=second % 36_000 == 1800)
        drive.move(2500 if second < 20_000 else second % 83)
        assert drive.look(second % 3) == "", second


@pytest.mark.requirement("SR-SAFE-02", "SR-DIAG-14")
@given(resolutions, st.integers(0, 5000), st.integers(-2000, 2000), st.booleans())
def test_a_difference_beyond_the_slack_is_told_with_both_places(
    microsteps: int, steps: int, drift: int, backward: bool
) -> None:
    """drift: pulses that only one of the two has seen."""
    drive = Drive(microsteps)
    drive.start(backward)
    drive.move(steps)
    assert not drive.most_looks()
    drive.plunger_steps += drift
    pulse = TABLE // 4 // microsteps
    apart = drift * pulse % TABLE
    if min(apart, TABLE - apart) <= max(SLACK, pulse):
        assert not drive.most_looks()
        return
    at, by_pulses = drive.chip.registers[MSCNT], drive.plunger_steps * pulse % TABLE
    assert drive.most_looks()[0] == f"at {at} of 1024 in its table, by the pulses at {by_pulses}: STEP or DIR?"


@pytest.mark.requirement("SR-SAFE-02")
@given(st.integers(1, 250), st.integers(0, 150), st.booleans())
def test_a_broken_step_is_told_at_any_rate(a_tick: int, before_ticks: int, backward: bool) -> None:
    """a_tick: steps in a control tick, of which there are ten a second; by whole tables in each there is no telling."""
    assume(8 < a_tick % 64 < 56 or a_tick < 8)
    drive = Drive(16)
    drive.start(backward)
    told, seconds = "", 0
    for tick in range(before_ticks + 400):
        if tick == before_ticks:
            drive.chip.fault = NO_STEP
        drive.move(a_tick)
        motor = drive.starts, True, backward
        if not tick % 10:
            told = drive.watch.look(motor)
            if told:
                break
            waits = True
        if waits:
            waits = not drive.watch.ask(motor, drive.plunger_steps, tick % 10 < 9)
        seconds = (tick - before_ticks) // 10
    assert "STEP or DIR?" in told
    assert seconds <= 19 + 8 / a_tick  # of all of these 99 in 100 within 14


@pytest.mark.requirement("SR-SAFE-02")
@pytest.mark.parametrize(
    ("fault", "told", "within"),
    [(NO_EN, "EN is high at its pin, not as driven", 4), (NO_DIR, "DIR is low at its pin, not as driven", 4)],
)
@pytest.mark.parametrize("before", range(6))
def test_a_broken_level_is_told_by_name_soon_after_a_start(fault: str, told: str, within: int, before: int) -> None:
    drive = Drive(16)
    drive.chip.fault = fault
    for _ in range(before):
        assert drive.look() == "", "nothing is driven otherwise yet"
    drive.start(backward=True)
    assert [drive.look() for _ in range(within + 1)][1:].count(told) == 1


def test_levels_that_change_between_question_and_answer_are_told_of_nothing() -> None:
    drive = Drive(16)
    for _ in range(40):
        drive.start(backward=False)
        drive.chip.drive(False, True)  # as the driver sees it, which answers behind the change
        assert drive.look() == ""
        drive.start(backward=False)


def test_a_driver_that_was_reset_is_told_as_reset_and_not_by_its_place() -> None:
    for before in range(12):
        drive = Drive(16)
        drive.start(backward=False)
        drive.move(1000)
        for _ in range(before):
            assert drive.look() == ""
        drive.chip.fault = "reset"
        assert drive.most_looks()[0] == "reset: its settings are lost"
