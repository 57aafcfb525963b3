"""The self-test: every step has a fault that fails it and a clean run that passes it (SR-POST-08)."""

import binascii
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.devices.annunciator import Annunciator
from hil.devices.clock import Clock
from hil.devices.inputs import Inputs
from hil.devices.keys import Keys
from hil.devices.motor_driver import FaultOutput
from pump.core import selftest
from pump.core.selftest import FAILED, PASSED, SECTION_BYTES, SECTIONS, SKIPPED, STEPS, Background, Image, Parts, Ram
from pump.core.sensors import MEAN_OF, Mean, Sensors

IMAGE = bytes(i * 7 % 251 for i in range(5000))
AREA_BYTES = SECTIONS * SECTION_BYTES


def image(data: bytes = IMAGE, size: int | None = None, crc: int | None = None) -> Image:
    def crc_of(at: int, n: int, before: int) -> int:
        return binascii.crc32(data[at : at + n], before)

    return Image(crc_of, size or len(IMAGE), binascii.crc32(IMAGE) if crc is None else crc, piece=1024)


class Pressure:
    pa = 120

    def pascal(self) -> int:
        return self.pa


class FlowMeter:
    rate_nl_h, mended, air, high, good, trouble = 0, 0, False, False, True, ""

    def set_up(self) -> str:
        return self.trouble

    def look(self) -> str:
        return ""


def healthy() -> Parts:
    parts = Parts()
    clock = Clock(0, 100)
    parts.annunciator = Annunciator(clock)
    parts.inputs = Inputs(Keys(clock, bounce_us=0), lambda: False)
    parts.pressure = Pressure()
    parts.driver = FaultOutput()
    parts.flow_meter = FlowMeter()
    parts.image = image()
    parts.library_intact = parts.settings_intact = lambda: True
    parts.watchdog_bites = True
    parts.clocks = lambda: (20_035, 20_032)
    parts.supply_mv = (9000, 16_000)
    parts.rest_pa = (-10_000, 100_000)
    return parts


class StuckBit(bytearray):
    """Memory with one bit that will not change."""

    def __init__(self, at: int, bit: int, level: bool) -> None:
        super().__init__(AREA_BYTES)
        self._at, self._bit, self._level = at, bit, level

    def __setitem__(self, place: Any, value: Any) -> None:
        super().__setitem__(place, value)
        byte = self[self._at] | 1 << self._bit if self._level else self[self._at] & ~(1 << self._bit)
        super().__setitem__(self._at, byte)


class Folded(bytearray):
    """Memory in which an address line is cut: the second half is the first."""

    def __init__(self) -> None:
        super().__init__(AREA_BYTES)

    def _fold(self, place: slice) -> slice:
        begin = place.start % (AREA_BYTES // 2)
        return slice(begin, begin + SECTION_BYTES)

    def __setitem__(self, place: Any, value: Any) -> None:
        super().__setitem__(self._fold(place), value)

    def __getitem__(self, place: Any) -> Any:
        return super().__getitem__(self._fold(place))


def broken(name: str, value: Any) -> Callable[[Parts], None]:
    """A fault: the part is exchanged for another one."""
    return lambda parts: setattr(parts, name, value)


def with_inputs(name: str, value: Any) -> Callable[[Parts], None]:
    return lambda parts: setattr(parts.inputs, name, value)


def press(key: str) -> Callable[[Parts], None]:
    def fault(parts: Parts) -> None:
        assert isinstance(parts.inputs, Inputs)
        parts.inputs.contacts.press(key)

    return fault


def at_pressure(pa: int) -> Callable[[Parts], None]:
    return lambda parts: setattr(parts.pressure, "pa", pa)


class HummingBuzzer(Annunciator):
    """Its pad swings for ever."""

    def sounding(self) -> bool:
        return True


FAULTS: list[tuple[str, Callable[[Parts], None]]] = [
    ("ram", broken("ram", Ram(StuckBit(0, 0, True)))),
    ("ram", broken("ram", Ram(StuckBit(AREA_BYTES - 1, 7, False)))),
    ("ram", broken("ram", Ram(Folded()))),
    ("image", broken("image", image(IMAGE[:-1] + b"\0"))),
    ("image", broken("image", image(b"\1" + IMAGE[1:]))),
    ("image", broken("image", image(crc=1))),
    ("image", broken("image", image(size=len(IMAGE) - 4))),
    ("watchdog", broken("watchdog_bites", False)),
    ("clock", broken("clocks", lambda: (20_000, 20_201))),
    ("clock", broken("clocks", lambda: (20_000, 19_799))),
    ("clock", broken("clocks", lambda: (0, 0))),
    ("settings", broken("settings_intact", lambda: False)),
    ("library", broken("library_intact", lambda: False)),
    ("supply", with_inputs("battery", 8999)),
    ("supply", with_inputs("battery", 16_001)),
    ("driver", lambda parts: setattr(parts.driver, "fault", "short")),
    ("flow sensor", lambda parts: setattr(parts.flow_meter, "trouble", "silent")),
    ("keys", press("stop")),
    ("keys", press("start")),
    ("keys", press("bolus")),
    ("keys", press("mute")),
    ("pressure", at_pressure(-10_001)),
    ("pressure", at_pressure(100_001)),
    ("lights", lambda parts: setattr(parts.annunciator, "broken_lights", 1)),
    ("lights", lambda parts: setattr(parts.annunciator, "broken_lights", 2)),
    ("lights", lambda parts: setattr(parts.annunciator, "broken_lights", 4)),
    ("sound", lambda parts: setattr(parts.annunciator, "silent", True)),
    ("sound", broken("annunciator", HummingBuzzer(Clock(0, 100)))),
]


@pytest.mark.requirement("SR-POST-04")
@pytest.mark.requirement("SR-POST-08")
def test_a_healthy_pump_passes_every_step() -> None:
    parts = healthy()
    report, failed = selftest.run(parts)
    assert failed is None
    assert report == dict.fromkeys([name for name, _step in STEPS], PASSED)
    assert isinstance(parts.annunciator, Annunciator)
    assert (parts.annunciator.tone_hz, parts.annunciator.lights) == (0, 0), "silent and dark again"
    assert {lights for _at, _tone, lights in parts.annunciator.edges} >= {1, 2, 4, 7}
    assert any(tone for _at, tone, _lights in parts.annunciator.edges)


@pytest.mark.requirement("SR-POST-05")
@pytest.mark.requirement("SR-POST-08")
@pytest.mark.parametrize(("step", "fault"), FAULTS)
def test_a_fault_fails_its_step_and_ends_the_test(step: str, fault: Callable[[Parts], None]) -> None:
    parts = healthy()
    fault(parts)
    report, failed = selftest.run(parts)
    assert (failed or "").partition(":")[0] == step
    names = [name for name, _step in STEPS]
    place = names.index(step)
    assert [report[name] for name in names] == [PASSED] * place + [FAILED] + [SKIPPED] * (len(names) - place - 1)
    assert isinstance(parts.annunciator, Annunciator)
    assert parts.annunciator.tone_hz == 0


@pytest.mark.requirement("SR-DIAG-03")
@pytest.mark.requirement("SR-POST-08")
@pytest.mark.parametrize("wrong", ["sum", "law"])
def test_a_processor_that_errs_fails_its_step(monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    if wrong == "sum":
        monkeypatch.setattr(selftest, "known_sum", lambda: selftest.KNOWN_SUM ^ 1)
    else:
        monkeypatch.setattr(selftest, "Law", lambda *_: SimpleNamespace(seek=lambda at: None, steps_due=lambda at: 788))
    report, failed = selftest.run(healthy())
    assert (failed, report["processor"], report["ram"]) == ("processor", FAILED, SKIPPED)
    assert Background(healthy()).advance() == "processor"


def test_every_step_has_a_fault() -> None:
    assert {step for step, _fault in FAULTS} | {"processor"} == {name for name, _step in STEPS}


def test_the_steps_just_inside_their_limits_pass() -> None:
    for supply_mv, pa, clocks in ((9000, -10_000, (20_000, 20_200)), (16_000, 100_000, (20_000, 19_800))):
        parts = healthy()
        with_inputs("battery", supply_mv)(parts)
        at_pressure(pa)(parts)
        broken("clocks", lambda clocks=clocks: clocks)(parts)
        assert selftest.run(parts)[1] is None


def test_what_a_board_does_not_have_is_skipped() -> None:
    parts = Parts()
    parts.ram = None
    report, failed = selftest.run(parts)
    assert failed is None
    assert {name for name, found in report.items() if found == PASSED} == {"processor"}
    assert {name for name, found in report.items() if found == SKIPPED} == {name for name, _step in STEPS[1:]}
    parts.library_intact = parts.settings_intact = lambda: None
    assert selftest.run(parts)[0]["library"] == SKIPPED, "none stored"


@pytest.mark.requirement("SR-DIAG-01")
@given(st.integers(0, AREA_BYTES - 1), st.integers(0, 7), st.booleans())
def test_one_stuck_bit_anywhere_is_found_section_by_section(at: int, bit: int, level: bool) -> None:
    ram = Ram(StuckBit(at, bit, level))
    assert [ram.advance() for _ in range(SECTIONS)] == [section != at // SECTION_BYTES for section in range(SECTIONS)]


@pytest.mark.requirement("SR-DIAG-02")
@given(st.integers(0, len(IMAGE) - 1), st.integers(0, 7), st.integers(1, 6000))
def test_one_flipped_bit_of_the_image_is_found_in_pieces_of_any_size(at: int, bit: int, piece: int) -> None:
    for flip, right in ((0, True), (1 << bit, False)):
        data = bytearray(IMAGE)
        data[at] ^= flip
        check = image(bytes(data))
        for _ in range(2):  # and again from the begin
            found = [check.advance(piece) for _ in range(-(-len(IMAGE) // piece))]
            assert found == [None] * (len(found) - 1) + [right]


@pytest.mark.requirement("SR-DIAG-01")
@pytest.mark.requirement("SR-DIAG-02")
@pytest.mark.requirement("SR-DIAG-03")
def test_in_the_background_all_cheap_parts_come_round_in_bounded_pieces() -> None:
    parts = healthy()
    sizes: list[int] = []

    def crc_of(at: int, n: int, before: int) -> int:
        sizes.append(n)
        return binascii.crc32(IMAGE[at : at + n], before)

    parts.image = Image(crc_of, len(IMAGE), binascii.crc32(IMAGE))
    background = Background(parts)
    turns = 1 + SECTIONS + -(-len(IMAGE) // selftest.IMAGE_BYTES)
    for turn in range(3 * turns):
        assert background.rounds == turn // turns
        assert background.advance() is None
    assert max(sizes) == selftest.IMAGE_BYTES
    # An image of 640 KB, one piece a second: within the hour that the known answers may take to come round.
    assert 1 + SECTIONS + 640 * 1024 // selftest.IMAGE_BYTES <= 3600


@pytest.mark.requirement("SR-DIAG-11")
@pytest.mark.parametrize(
    ("step", "fault"),
    [("ram", FAULTS[0][1]), ("ram", FAULTS[1][1]), ("image", FAULTS[3][1]), ("image", FAULTS[4][1])],
)
def test_a_fault_that_comes_later_is_found_within_a_round(step: str, fault: Callable[[Parts], None]) -> None:
    parts = healthy()
    background = Background(parts)
    while not background.rounds:
        assert background.advance() is None
    fault(parts)
    found = [background.advance() for _ in range(40)]
    assert step in found
    assert set(found) == {None, step}


def test_the_background_has_nothing_to_do_for_parts_that_are_not_there() -> None:
    parts = Parts()
    parts.ram = None
    background = Background(parts)
    assert [background.advance() for _ in range(12)] == [None] * 12
    assert background.rounds == 2


# --- the slow inputs


@pytest.mark.requirement("SR-POWER-03")
@given(st.lists(st.integers(-400, 20_000), min_size=1, max_size=40))
def test_the_mean_is_that_of_the_latest_ten(readings: list[int]) -> None:
    mean = Mean(readings[0])
    for i, reading in enumerate(readings[1:], 2):
        latest = readings[max(0, i - MEAN_OF) : i]
        assert mean.add(reading) == sum(latest) // len(latest)


def sensed() -> tuple[Inputs, Sensors]:
    inputs = Inputs(Keys(Clock(0, 100)), lambda: False)
    return inputs, Sensors(inputs, 18_300)


@pytest.mark.requirement("SR-POWER-03")
def test_each_slow_reading_is_taken_every_two_seconds() -> None:
    inputs, sensors = sensed()
    inputs.battery, inputs.temperature = 10_000, 470
    for _ in range(10):
        assert (sensors.battery_mv, sensors.temperature_dc) == (12_000, 270)
        sensors.sample()
    assert (sensors.battery_mv, sensors.temperature_dc) == (11_000, 270)
    for _ in range(10):
        sensors.sample()
    assert (sensors.battery_mv, sensors.temperature_dc) == (11_000, 370)
    for _ in range(200):
        sensors.sample()
    assert (sensors.battery_mv, sensors.temperature_dc) == (10_000, 470)


def test_air_is_seen_at_once_and_the_syringe_after_three_samples() -> None:
    inputs, sensors = sensed()
    inputs.air = lambda: True  # type: ignore[method-assign]
    sensors.sample()
    assert sensors.air
    inputs.air = lambda: False  # type: ignore[method-assign]
    sensors.sample()
    assert not sensors.air
    for there in (False, True):
        inputs.syringe = there
        for _ in range(2):
            sensors.sample()
        inputs.syringe = not there
        sensors.sample()
        inputs.syringe = there
        for _ in range(2):
            sensors.sample()
            assert sensors.syringe != there
        sensors.sample()
        assert sensors.syringe == there


@pytest.mark.requirement("SR-DIAG-13")
@pytest.mark.parametrize(
    ("name", "value", "faulty"),
    [
        ("battery", 0, True),
        ("battery", 1, False),
        ("battery", 18_299, False),
        ("battery", 18_300, True),
        ("temperature", -200, True),
        ("temperature", -199, False),
        ("temperature", 1249, False),
        ("temperature", 1250, True),
    ],
)
def test_a_reading_that_cannot_be_true_is_faulty_until_one_can(name: str, value: int, faulty: bool) -> None:
    inputs, sensors = sensed()
    setattr(inputs, name, value)
    for _ in range(40):
        sensors.sample()
        assert sensors.faulty <= faulty
    assert sensors.faulty == faulty
    for _ in range(20):
        sensors.sample()
        assert sensors.faulty == faulty, "a good reading of the other does not excuse it"
    assert Sensors(inputs, 18_300).faulty == faulty
    inputs.battery, inputs.temperature = 12_000, 270
    for _ in range(20):
        sensors.sample()
    assert not sensors.faulty
