"""What the display says in numbers and words, and how it is brought to a display that fails now and then."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.devices.bus import Bus
from hil.devices.display import ADDRESS, BROKEN_OFF_AT
from hil.devices.display import Ssd1306 as Module
from hil.instruments.lettering import LARGE, SMALL, TALL, Line, read
from pump.core import alarms, selftest
from pump.core.screen import COLUMNS, Screen, duration, instruction, number, wrapped
from pump.core.selftest import FAILED, PASSED, Parts
from pump.core.ssd1306 import PAGES, Ssd1306
from pump.core.states import STATES
from tests.screens import is_dark

BOOT = [Line(LARGE, "BOOT"), Line(SMALL, "Bench device."), Line(SMALL, "Not a medical device."), *[Line(SMALL, "")] * 4]


@given(st.integers(0, 99_999_499))
def test_a_number_is_right_to_its_last_digit(thousandths: int) -> None:
    text = number(thousandths)
    assert len(text) <= 5
    places = len(text.partition(".")[2])
    assert abs(round(float(text) * 1000) - thousandths) <= 10 ** (3 - places) // 2
    assert len(text) >= min(5, len(str(thousandths)) + 1) - 1, "it has all the digits that there is room for"


@pytest.mark.parametrize(
    ("thousandths", "text"),
    [
        (0, "0.000"),
        (350, "0.350"),
        (9_999, "9.999"),
        (10_004, "10.00"),
        (99_994, "99.99"),
        (99_995, "100.0"),
        (999_949, "999.9"),
        (999_950, "1000"),
        (99_999_499, "99999"),
        (99_999_500, ">9999"),
    ],
)
def test_numbers(thousandths: int, text: str) -> None:
    assert number(thousandths) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0:00:00"), (3_661, "1:01:01"), (359_999, "99:59:59"), (360_000, "100 h"), (9 * 10**9, "999999 h")],
)
def test_durations(seconds: int, text: str) -> None:
    assert duration(seconds) == text
    assert len(text) <= 8


@given(st.lists(st.text(st.sampled_from("ab,"), min_size=1, max_size=21), min_size=1), st.just(21))
def test_wrapped_words_are_the_same_words(words: list[str], width: int) -> None:
    lines = wrapped(" ".join(words), width)
    assert " ".join(lines).split() == words
    assert all(len(line) <= width for line in lines)
    for line, after in pairwise(lines):
        assert len(line) + 1 + len(after.split()[0]) > width, "no line is broken without need"


@pytest.mark.requirement("SR-VIS-03")
@pytest.mark.parametrize("name", alarms.NAMES)
def test_every_alarm_and_what_to_do_about_it_fits(name: str) -> None:
    """With a mark for each degree of its priority, whole, and in letters that are there."""
    lines = wrapped(alarms.ALARMS[name][alarms.TEXT], COLUMNS)
    assert len(lines) <= PAGES - 2
    assert max(map(len, lines)) <= COLUMNS
    priority = alarms.ALARMS[name][alarms.PRIORITY]
    module = Module()
    panel = Ssd1306(Bus({ADDRESS: module}))
    panel.set_up()
    for page, row in enumerate(instruction(name)):
        assert panel.show(page, *row)
    panel.turn(True)
    title = Line(TALL, "!" * priority + " " + name.replace("_", " "))
    shown = [title, *[Line(SMALL, line) for line in lines]]
    assert read(module.frame()) == shown + [Line(SMALL, "")] * (PAGES - 1 - len(shown))


def test_every_state_fits() -> None:
    """In large letters, beside the four small ones of the corner."""
    assert max(map(len, STATES)) * 12 + 4 * 6 < 128


def with_display() -> tuple[Parts, Module]:
    parts, module = Parts(), Module()
    parts.display = Screen(Ssd1306(Bus({ADDRESS: module})))
    return parts, module


def test_the_self_test_begins_with_the_display() -> None:
    parts, module = with_display()
    seen = []
    parts.library_intact = lambda: bool(seen.append(read(module.frame()))) or True
    report, failed = selftest.run(parts)
    assert (report["display"], failed) == (PASSED, None)
    assert seen == [BOOT], "before the other steps"


@pytest.mark.parametrize("fault", Module.faults)
def test_a_display_that_fails_ends_no_self_test(fault: str) -> None:
    parts, module = with_display()
    module.fault = fault
    parts.library_intact = lambda: True
    report, failed = selftest.run(parts)
    assert (report["display"], report["library"], failed) == (FAILED, PASSED, None)
    assert is_dark(module.frame())


def test_a_display_that_was_left_on_shows_nothing_old() -> None:
    """After a reset of the controller alone: it is dark from the first transfer on, until every page is new."""
    parts, module = with_display()
    selftest.run(parts)
    frames = []

    class Watched(Bus):
        def write(self, address: int, data: bytes | bytearray) -> bool:
            taken = super().write(address, data)
            frames.append(module.frame())
            return taken

    assert Screen(Ssd1306(Watched({ADDRESS: module}))).set_up() == ""
    assert all(map(is_dark, frames[:-1]))
    assert read(frames[-1]) == BOOT


# --- the simulated module


def sent(*commands: int) -> bytes:
    return bytes([0, *commands])


LIT = sent(0x8D, 0x14, 0xA1, 0xC8, 0xAF)


def test_the_module_is_dark_and_full_of_anything_after_power_on() -> None:
    module = Module()
    assert is_dark(module.frame())
    assert module.read(1) == b"\x40"
    module.write(sent(0xAF))
    assert is_dark(module.frame()), "it has no voltage for its dots"
    module.write(LIT)
    assert module.read(1) == b"\x00"
    dots = sum(map(sum, module.frame()))
    assert 3000 < dots < 5200
    module.power_on()
    assert is_dark(module.frame())


@pytest.mark.parametrize("mode", [0, 1, 2])
def test_addressing(mode: int) -> None:
    """Three bytes from column 126 of page 2 on, in each mode; the windows are columns 120 to 127, pages 2 and 3."""
    module = Module()
    module.write(LIT)
    for page in range(8):
        module.write(sent(0x20, 2, 0xB0 | page, 0x00, 0x10))
        module.write(b"\x40" + bytes(128))
    assert is_dark(module.frame())
    if mode == 2:
        module.write(sent(0xB2, 0x0E, 0x17))
    else:
        module.write(sent(0x20, mode, 0x21, 120, 127, 0x22, 2, 3))
        module.write(b"\x40" + bytes(6 if mode == 0 else 12))
    module.write(b"\x40\x01\x80\xff")
    lit = {(x, y) for y, row in enumerate(module.frame()) for x, dot in enumerate(row) if dot}
    third = {0: (120, 24), 1: (127, 16), 2: (0, 16)}[mode]
    second = {0: (127, 23), 1: (126, 31), 2: (127, 23)}[mode]
    assert lit == {(126, 16), second, *[(third[0], third[1] + row) for row in range(8)]}


def test_orientation_and_tests_of_the_module() -> None:
    module = Module()
    module.write(LIT + bytes([0xB0, 0x00, 0x10]))
    module.write(b"\x40" + bytes(128))
    module.write(bytes([0x80, 0xB0, 0x80, 0x05, 0x80, 0x10, 0x40, 0x01]))
    assert module.frame()[0] == [x == 5 for x in range(128)]
    module.write(sent(0xC0))
    assert module.frame()[63] == [x == 5 for x in range(128)], "upside down"
    module.write(sent(0xC8, 0xA7))
    assert module.frame()[0] == [x != 5 for x in range(128)], "inverse"
    module.write(sent(0xA5))
    assert all(map(all, module.frame()))
    module.write(sent(0xA4, 0xA6, 0xA0, 0x05, 0x10, 0xB0))
    module.write(b"\x40\x01")
    assert module.frame()[0] == [x in (5, 122) for x in range(128)], "only what comes afterwards is mirrored"


@pytest.mark.parametrize("data", [b"\x01", b"\x00\xb8", b"\x00\xff", b"\x00\x23"])
def test_what_the_datasheet_does_not_have_is_an_error(data: bytes) -> None:
    with pytest.raises(ValueError, match="no co"):
        Module().write(data)


def test_faults_of_the_module() -> None:
    module = Module()
    module.fault = "silent"
    assert not module.write(sent(0xAF))
    assert module.read(1) is None
    module.fault = None
    assert module.read(1) == b"\x40", "it took nothing"
    module.write(LIT + bytes([0xB0, 0x00, 0x10, 0x20, 0x02]))
    module.write(b"\x40" + bytes(128))
    module.write(sent(0xB0, 0x00, 0x10))
    module.fault = "breaks off"
    assert not module.write(b"\x40" + b"\x01" * 128)
    assert module.frame()[0] == [x < BROKEN_OFF_AT - 1 for x in range(128)]


def test_the_drivers_set_up_is_what_the_usual_module_wants() -> None:
    """Upright, all rows, from a memory that is written page by page, whatever was set before."""
    module = Module()
    module.write(sent(0x20, 1, 0xA8, 15, 0xD3, 7, 0x49, 0xA5, 0xA7, 0x21, 3, 4))
    panel = Ssd1306(Bus({ADDRESS: module}))
    assert panel.set_up()
    for page in range(PAGES):
        assert panel.show(page, 0, f"{page}" * COLUMNS, "")
    assert is_dark(module.frame())
    assert panel.turn(True)
    assert [line.text for line in read(module.frame())] == [f"{page}" * COLUMNS for page in range(PAGES)]
    assert panel.turn(False)
    assert is_dark(module.frame())
