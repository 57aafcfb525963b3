"""The display of a whole pump: what it says in each state, with and without a host, and that it never holds up a dose.

Every frame is what the simulated module shows after the bytes on its bus, on the emulated chip those at its controller.
It is read back as text, and kept as build/display/<target>-<name>.png for a person to look at.
"""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from hil.bench import Bench
from hil.instruments.lettering import LARGE, SMALL, TALL, Line, read
from hil.plugin import check
from pump.core import selftest
from pump.core.library import Library
from pump.core.screen import number
from pump.core.units import US_PER_TICK
from tests.breadboard import breadboard
from tests.core.entries import entry
from tests.programs import flat, header, start
from tests.screens import is_dark, picture
from titrate import library_link

SHOWN_S = 2.2  # until it shows what has changed: a look, eight pages, and the turns that the log and the status take
STILL_S = 0.3  # longer than from one page to the next
BLANK = Line(SMALL, "")
NOT_MEDICAL = [Line(SMALL, "Bench device."), Line(SMALL, "Not a medical device.")]


@pytest.fixture
def bench(request: pytest.FixtureRequest, bench_url: str, tmp_path: Path) -> Iterator[Bench]:
    with breadboard(bench_url, tmp_path) as bench:
        yield bench
        check(request, bench)


def shown(bench: Bench, name: str, wait_s: float = SHOWN_S) -> list[Line]:
    """What it shows after a while, once nothing is being drawn: with a dose under way something is every second."""
    bench.run_for(wait_s)
    frame = bench.target.display.frame()
    for _ in range(15 if wait_s else 0):
        before = frame
        bench.run_for(STILL_S)
        frame = bench.target.display.frame()
        if frame == before:
            break
    picture(frame, f"{bench.target.name}-{name}")
    return read(frame)


def figures(bench: Bench) -> list[Line]:
    """The last two lines as the pump's status has them; to be compared while nothing moves."""
    bench.reconnect()
    status = bench.pump.status()
    given_ul, left_ul = round(status["counted_nl"] / 1000), round(status["remaining_nl"] / 1000)
    return [
        Line(SMALL, f"given {number(given_ul)}mL {number(given_ul)}mg"),  # 1 mg/mL
        Line(SMALL, f"left {number(left_ul)}mL"),
    ]


def faults(bench: Bench) -> list[str]:
    bench.reconnect()
    return [event["text"] for event in bench.pump.events() if event["kind"] == "fault"]


@pytest.mark.requirement("SR-VIS-03")
@pytest.mark.requirement("SR-LIB-14")
@pytest.mark.requirement("SR-LINK-06")
@pytest.mark.requirement("SR-UI-03")
def test_every_state_is_shown(bench: Bench) -> None:
    """From power-on to a fault: state, what alarms there are, rate, dose rate, what was given and is left."""
    while is_dark(bench.target.display.frame()):
        assert bench.now_s < 3
        bench.run_for(0.02)
    assert shown(bench, "boot", 0) == [Line(LARGE, "BOOT"), *NOT_MEDICAL, *[BLANK] * 4]
    assert shown(bench, "idle", 3) == [
        Line(LARGE, "IDLE", "NO HOST"),
        *NOT_MEDICAL,
        Line(SMALL, "0.000 mL/h", "NO LIBRARY"),
        Line(SMALL, "-- mg/kg/h"),
        Line(SMALL, "given 0.000mL --mg"),
        Line(SMALL, "no syringe declared"),
    ]

    library_link.upload(bench.pump, Library([entry()]))
    phases = flat(30, 600)
    bench.pump.syringe("bd-plastipak-50", 50_000_000)
    bench.pump.confirm(bench.pump.load(header(phases, concentration_ng_ml=1_000_000, code="test"), phases))
    assert shown(bench, "ready") == [
        Line(LARGE, "READY"),
        Line(TALL, "ketamine 1.000 mg/mL"),
        Line(SMALL, "0.000 mL/h"),
        Line(SMALL, "0.000 mg/kg/h"),
        Line(SMALL, "given 0.000mL 0.000mg"),
        Line(SMALL, "left 50.00mL 1:40:00"),
    ]

    bench.reconnect()
    bench.pump.start()
    infusing = shown(bench, "infusing", 4)
    assert infusing[:4] == [
        Line(LARGE, "INFUSING"),
        Line(TALL, "ketamine 1.000 mg/mL"),
        Line(SMALL, "30.00 mL/h"),
        Line(SMALL, "0.429 mg/kg/h"),
    ]
    given, left = infusing[4].text.split(), infusing[5].text.split()
    assert 0.01 < float(given[1].removesuffix("mL")) < 0.04, "30 mL/h for some seconds"
    assert given[2].removesuffix("mg") == given[1].removesuffix("mL")
    assert left[:2] == ["left", f"{50 - float(given[1].removesuffix('mL')):.2f}mL"]
    assert left[2].startswith("1:39:5"), "a hundred minutes at this rate"

    bench.reconnect()
    bench.pump.bolus(1_000_000, 60_000)
    assert shown(bench, "bolus")[:4] == [
        Line(LARGE, "BOLUS"),
        Line(TALL, "ketamine 1.000 mg/mL"),
        Line(SMALL, "90.00 mL/h"),
        Line(SMALL, "1.286 mg/kg/h"),
    ]

    bench.reconnect()
    bench.pump.pause()
    assert shown(bench, "paused") == [
        Line(LARGE, "PAUSED"),
        Line(TALL, "ketamine 1.000 mg/mL"),
        Line(SMALL, "0.000 mL/h"),
        Line(SMALL, "0.000 mg/kg/h"),
        *figures(bench),
    ]

    bench.reconnect()
    bench.pump.resume()
    bench.pump.hold()
    held = bench.pump.status()["rate_nl_h"]
    kvo = shown(bench, "kvo")
    assert kvo[0] == Line(LARGE, "KVO")
    assert kvo[2].text == f"{number(round(held / 1000))} mL/h" != "0.000 mL/h"

    bench.open_guard()
    alarm = shown(bench, "alarm")
    assert alarm[:2] == [Line(LARGE, "ALARM"), Line(TALL, "!!! GUARD OPEN")]
    assert alarm[2:] == [Line(SMALL, "0.000 mL/h"), Line(SMALL, "0.000 mg/kg/h"), *figures(bench)]
    what_to_do = "The guard is open and the plunger free: clamp the line, close the guard, then acknowledge and resume."
    for _ in range(30):  # it takes turns with the figures, page by page, and begins anew when the host falls silent
        text = shown(bench, "alarm-text", 0.5)
        if " ".join(line.text for line in text[1:]) == what_to_do:
            break
    assert text[0] == Line(TALL, "!!! GUARD OPEN")
    assert " ".join(line.text for line in text[1:]) == what_to_do

    bench.close_guard()
    bench.run_for(1.5)
    bench.reconnect()
    bench.pump.acknowledge()
    bench.pump.stop()
    ended = shown(bench, "ended")
    assert ended[:3] == [Line(LARGE, "IDLE"), *NOT_MEDICAL]
    assert ended[5:] == figures(bench), "what the last program has given"

    bench.reconnect()
    bench.pump.prime()
    priming = shown(bench, "priming")
    assert priming[:4] == [Line(LARGE, "PRIMING"), *NOT_MEDICAL, Line(SMALL, "200.0 mL/h")]
    assert priming[5] == ended[5], "what is primed was given to nobody"
    bench.reconnect()
    bench.pump.stop()

    bench.break_driver("short")
    fault = shown(bench, "fault", 4)
    assert fault[:3] == [Line(LARGE, "FAULT"), Line(TALL, "!!! MOTOR FAULT"), Line(SMALL, "0.000 mL/h")]


@pytest.mark.requirement("SR-LINK-06")
@pytest.mark.expects("LINK_LOST")
def test_the_panel_says_that_no_host_is_connected(bench: Bench) -> None:
    """While the program goes on; and no longer when one is heard again."""
    start(bench, flat(25, 400), attended=True)
    assert shown(bench, "host")[0] == Line(LARGE, "INFUSING", "")
    bench.unplug_link()
    alone = shown(bench, "no-host", 17)
    assert alone[:2] == [Line(LARGE, "INFUSING", "NO HOST"), Line(TALL, "!! LINK LOST")]
    assert alone[2] == Line(SMALL, "25.00 mL/h", "NO LIBRARY")
    assert bench.motor_on
    bench.plug_link()
    bench.reconnect()
    bench.pump.status()
    assert shown(bench, "host-again")[0] == Line(LARGE, "INFUSING", "")


@pytest.mark.requirement("SR-VIS-03")
@pytest.mark.requirement("SR-VIS-05")
@pytest.mark.sim_only("a minute of device time, and the same code")
def test_each_alarm_in_force_has_its_turn_and_a_sound_pause_shows(bench: Bench) -> None:
    start(bench, flat(25, 400))
    bench.open_guard()
    bench.run_for(1)
    bench.reconnect()
    bench.pump.mute()
    in_force = bench.pump.status()["alarms"]
    assert len(in_force) >= 3
    bench.run_for(1.5)
    (paused,) = [line.right for line in read(bench.target.display.frame()) if line.right.startswith("MUTE")]
    assert abs(int(paused.split()[1]) - 118) <= 2
    titles = set()
    for _ in range(12 * len(in_force) + 15):  # it begins anew when it misses the host
        bench.run_for(1)
        with suppress(ValueError):  # in the middle of being drawn it is no text
            lines = read(bench.target.display.frame())
            titles |= {line.text.strip("! ").replace(" ", "_") for line in lines if line.size == TALL}
    assert titles == set(in_force)


RAMP = [["ramp", 15_000, 10 * 10**9, 900 * 10**9], *flat(300, 5)]


def test_a_display_that_fails_moves_no_step(bench_url: str, tmp_path: Path) -> None:
    """Whole, silent, and breaking off in the middle of a page, as steep a ramp as there is has the same step times."""
    found = []
    for fault in (None, "silent", "breaks off"):
        folder = tmp_path / str(fault)
        folder.mkdir()
        with breadboard(bench_url, folder) as bench:
            bench.run_for(3)
            bench.break_display(fault)
            start(bench, RAMP)
            bench.run_for(22)
            assert faults(bench) == ([] if fault is None else ["display: silent"])
            times = bench.step_times_us
            found.append([at_us - times[0] for at_us in times])
            assert bench.pump.status()["state"] == "IDLE", "it was delivered"
    assert len(found[0]) > 1000
    for times in found[1:]:  # a step that is moved is moved by a tick of the generator; pins are read some cycles late
        assert len(times) == len(found[0])
        assert max(abs(at_us - whole_us) for at_us, whole_us in zip(times, found[0], strict=True)) < US_PER_TICK


@pytest.mark.parametrize(
    "fault", ["silent", pytest.param("breaks off", marks=pytest.mark.sim_only("dear when emulated, and the same code"))]
)
def test_a_display_that_fails_at_power_on_is_reported_and_tried_again(bench: Bench, fault: str) -> None:
    bench.run_for(1)
    bench.cut_power()
    bench.break_display(fault)
    bench.restore_power()
    bench.run_for(2)
    bench.reconnect()
    assert bench.pump.selftest()["display"] == selftest.FAILED
    assert bench.pump.status()["state"] == "IDLE", "it is no part of safety"
    assert is_dark(bench.target.display.frame())
    bench.break_display(None)
    assert shown(bench, "mended", 12)[0] == Line(LARGE, "IDLE", "")
    bench.break_display(fault)
    bench.run_for(12)
    assert faults(bench) == ["display: silent"], "told once"


@pytest.mark.sim_only("half a minute of device time, and the same code")
def test_a_display_whose_supply_failed_is_set_up_again(bench: Bench) -> None:
    """In half a minute at most; what stands in its memory after power-on is never seen."""
    bench.run_for(3)
    bench.target.display.power_on()
    dark_s = 0.0
    while is_dark(frame := bench.target.display.frame()):
        dark_s += 0.05
        bench.run_for(0.05)
    assert dark_s < 32
    assert read(frame)[0] == Line(LARGE, "IDLE", "NO HOST")


@pytest.mark.sim_only("an hour of device time; the same core decides")
@pytest.mark.requirement("SR-POWER-08")
@pytest.mark.requirement("SR-POWER-09")
@pytest.mark.parametrize("wakes", ["key", "host", "alarm"])
def test_a_pump_that_nobody_needs_goes_dark_after_the_set_hours_and_wakes_at_once(bench: Bench, wakes: str) -> None:
    """The motor's current is off from the last step on, whatever is set."""
    bench.pump.configure(auto_off_h=1)
    bench.run_for(3590)
    bench.reconnect()
    bench.pump.heartbeat()
    assert not is_dark(bench.target.display.frame()), "not yet; and this was a word of the host"
    bench.run_for(3590)
    assert not is_dark(bench.target.display.frame())
    bench.run_for(15)
    assert is_dark(bench.target.display.frame())
    bench.run_for(60)
    assert is_dark(bench.target.display.frame()), "also where it would be set up anew"
    assert not bench.enabled_us
    if wakes == "key":
        bench.press("mute", 0.3)
    elif wakes == "host":
        bench.reconnect()
        bench.pump.heartbeat()
    else:
        bench.break_pressure_sensor("open")
        bench.run_for(3)
    bench.run_for(SHOWN_S)
    assert not is_dark(bench.target.display.frame())


@pytest.mark.emulated
@pytest.mark.slow
@pytest.mark.requirement("SR-POWER-08")
def test_the_chip_goes_dark_with_its_motor_off_after_the_set_time_and_wakes_at_once(tmp_path: Path) -> None:
    """Its hours last five seconds."""
    with breadboard("emu://", tmp_path, "from pump.core import watch\nwatch.MS_PER_H = 5000") as bench:
        bench.pump.configure(auto_off_h=1)
        start(bench, flat(60, 1))
        bench.run_for(2)
        bench.reconnect()
        bench.pump.acknowledge()
        assert bench.pump.status()["state"] == "IDLE"
        for wake in (lambda: bench.press("mute", 0.3), lambda: bench.pump.heartbeat()):
            assert not bench.motor_on
            bench.run_for(2.5)
            assert not is_dark(bench.target.display.frame())
            bench.run_for(4)
            assert is_dark(bench.target.display.frame())
            bench.reconnect()
            wake()
            bench.run_for(SHOWN_S)
            assert not is_dark(bench.target.display.frame())


@pytest.mark.sim_only("hours of device time; the same core decides")
@pytest.mark.requirement("SR-POWER-09")
def test_a_pump_with_a_program_or_without_the_setting_never_goes_dark(bench: Bench) -> None:
    bench.run_for(5 * 3600)
    assert not is_dark(bench.target.display.frame()), "0 h: never"
    bench.reconnect()
    bench.pump.configure(auto_off_h=1)
    start(bench, flat(1, 3 * 3600))
    bench.run_for(2 * 3600)
    assert not is_dark(bench.target.display.frame())
