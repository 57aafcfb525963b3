"""The flow sensor's words and checksums, and its sum against the odometer's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.boards import board_data
from hil.devices.bus import Bus
from hil.devices.flow_meter import ADDRESS, STOP
from hil.devices.flow_meter import Slf3s as Chip
from pump.core import crc8
from pump.core.flow import OVER, UNDER
from pump.core.slf3s import Delivery, Slf3s, delivery, words_of

SCALE = board_data().METER_NL_H_PER_COUNT


class Plant:
    def __init__(self) -> None:
        self.us, self.ul, self.air = 0, 0.0, False
        self.chip = Chip(lambda: self.ul, lambda: self.air, lambda: self.us, SCALE)
        self.meter = Slf3s(Bus({ADDRESS: self.chip}), SCALE)

    def second(self, ml_h: float) -> str:
        self.us += 1_000_000
        self.ul += ml_h / 3.6
        return self.meter.look()


def serial_crc(data: bytes) -> int:
    """Bit by bit: polynomial 0x31, from 0xFF on."""
    crc = 0xFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc << 1 ^ (0x31 if crc & 0x80 else 0)) & 0xFF
    return crc


def test_the_checksum_of_the_makers_example() -> None:
    """Sensirion's example in every datasheet that has this checksum: 0xBEEF gives 0x92."""
    assert crc8.sensirion(b"\xbe\xef") == 0x92


@given(st.binary(max_size=20))
def test_the_checksum_is_the_serial_one(data: bytes) -> None:
    assert crc8.sensirion(data) == serial_crc(data)


@given(st.binary(min_size=6, max_size=6), st.integers(0, 71))
def test_words_with_any_wrong_bit_are_none(content: bytes, bit: int) -> None:
    data = b"".join(pair + bytes([serial_crc(pair)]) for pair in (content[:2], content[2:4], content[4:]))
    assert words_of(data) == [int.from_bytes(content[i : i + 2], "big") for i in (0, 2, 4)]
    wrong = bytearray(data)
    wrong[bit // 8] ^= 1 << bit % 8
    assert words_of(bytes(wrong)) is None
    assert words_of(data[:-1]) is None
    assert words_of(None) is None


@pytest.mark.parametrize("ml_h", [25.0, 1200.0, -200.0, 0.0])
def test_the_flow_is_read(ml_h: float) -> None:
    plant = Plant()
    assert plant.meter.set_up() == ""
    assert plant.second(ml_h) == ""
    assert plant.meter.good
    assert plant.meter.rate_nl_h == pytest.approx(ml_h * 1e6, abs=SCALE / 2 + 1)


def test_flags() -> None:
    plant = Plant()
    plant.meter.set_up()
    plant.air = True
    plant.second(25)
    assert (plant.meter.air, plant.meter.high) == (True, False)
    plant.air = False
    plant.second(5000)
    assert (plant.meter.air, plant.meter.high) == (False, True)


@pytest.mark.parametrize("fault", ["silent", "garbled"])
def test_a_sensor_that_gives_no_good_reply(fault: str) -> None:
    plant = Plant()
    plant.meter.set_up()
    for _ in range(4):  # now and then is nothing
        plant.chip.fault = fault
        assert plant.second(25) == ""
        assert not plant.meter.good
        plant.chip.fault = None
        assert plant.second(25) == ""
        assert plant.meter.good
    plant.chip.fault = fault
    assert [plant.second(25) for _ in range(4)] == ["", "", *2 * ["no good reply 3 times"]]
    plant.chip.fault = None
    assert plant.second(25) == ""


def test_a_sensor_whose_supply_failed_measures_again() -> None:
    plant = Plant()
    plant.meter.set_up()
    plant.second(25)
    plant.chip.power_on()
    assert plant.second(25) == ""
    plant.second(25)
    assert plant.meter.good


def test_set_up_again_and_with_nothing_there() -> None:
    plant = Plant()
    assert plant.meter.set_up() == ""
    assert plant.meter.set_up() == "", "after a reset of the controller alone it measures on"
    plant.chip.fault = "silent"
    assert plant.meter.set_up() == "silent"


class Resting(Chip):
    """Takes no command for 0.5 ms after it was stopped, as the datasheet of the SLF3S-1300F has it."""

    stopped_us = -500

    def write(self, data: bytes) -> bool:
        now_us = self._now_us()
        if now_us - self.stopped_us < 500:
            return False
        if data == STOP:
            self.stopped_us = now_us
        return super().write(data)


def test_it_is_left_its_time_between_stop_and_start() -> None:
    time_us = [0]

    def pause(ms: int) -> None:
        time_us[0] += 1000 * ms

    chip = Resting(lambda: 0.0, lambda: False, lambda: time_us[0], SCALE)
    meter = Slf3s(Bus({ADDRESS: chip}, pause), SCALE)
    assert (meter.set_up(), meter.set_up()) == ("", "")


def sees(ml_h: float, share: float, seconds: int, watch: Delivery | None = None) -> tuple[int, int]:
    """(what was found first, after how many seconds) by a sensor that sees this share; (0, seconds) for nothing."""
    watch = watch or delivery(board_data())  # type: ignore[arg-type]  # a module has the names
    for second in range(1, seconds + 1):
        found = watch.update(1000, round(ml_h * share * 1e6), round(ml_h * 1e6 / 3600))
        if found:
            return found, second
    return 0, seconds


@pytest.mark.requirement("SR-ACC-10")
@pytest.mark.parametrize(("share", "found"), [(0.0, UNDER), (0.5, UNDER), (1.5, OVER), (2.0, OVER)])
@pytest.mark.parametrize("ml_h", [25.0, 100.0, 1000.0])
def test_a_disagreement_is_found(ml_h: float, share: float, found: int) -> None:
    """Within the hold-off and the time in which the slack is used up, whichever is longer, but for some looks."""
    board = board_data()
    tolerated = max(ml_h * board.METER_PERCENT / 100, board.METER_FLOOR_NL_H / 1e6)
    beyond_ml_h = abs(1 - share) * ml_h - tolerated
    fill_s = board.METER_SLACK_NL / 1e6 / beyond_ml_h * 3600
    what, seconds = sees(ml_h, share, 3600)
    assert what == found
    assert seconds <= max(min(board.METER_HOLD_S, 2 * fill_s), fill_s) + 2


@pytest.mark.parametrize("ml_h", [1.0, 25.0, 1000.0])
@pytest.mark.parametrize("share", [0.85, 1.0, 1.15])
def test_what_the_sensor_may_be_wrong_by_is_tolerated(ml_h: float, share: float) -> None:
    assert sees(ml_h, share, 3600) == (0, 3600)


def test_what_a_line_takes_up_is_tolerated() -> None:
    watch = delivery(board_data())  # type: ignore[arg-type]  # a module has the names
    assert sees(100, 0.0, 4, watch) == (0, 4), "0.11 mL that have gone into the line"
    assert sees(100, 1.0, 600, watch) == (0, 600)
