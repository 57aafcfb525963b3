"""What decides rate and volume is watched bit by bit, each duty of delivery by its own count, and a program that names
its pump runs on no other."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from hil.bench import Bench
from hil.plugin import need_emulator
from pump.core.library import Library
from pump.core.planner import Planner
from tests.core.entries import entry
from tests.programs import FLAT_RAMP_PAUSE_BOLUS, SYRINGE, flat, follow, header, serious, start
from titrate import library_link
from titrate.errors import Refused
from tools.bench.scripted import scripted

SIM_ONLY = pytest.mark.sim_only("reaches into the firmware's memory")
Controller = Any


def flip(thing: Any, name: Any, bit: int) -> None:
    """One bit of one variable, wherever it is."""
    if isinstance(thing, list | dict):
        thing[name] ^= 1 << bit
    else:
        setattr(thing, name, getattr(thing, name) ^ 1 << bit)


PROTECTED: dict[str, Callable[[Controller, int], None]] = {
    "rate of a phase": lambda pump, bit: flip(pump.program.phases[0], 2, bit),
    "end rate of a phase": lambda pump, bit: flip(pump.program.phases[1], 3, bit),
    "length of a phase": lambda pump, bit: flip(pump.program.phases[2], 1, bit),
    "body weight": lambda pump, bit: flip(pump.program.header, "weight_g", bit),
    "concentration": lambda pump, bit: flip(pump.program.header, "concentration_ng_ml", bit),
    "volume of a step": lambda pump, bit: setattr(
        pump, "step_volume", (pump.step_volume[0] ^ 1 << bit, pump.step_volume[1])
    ),
    "step of the law": lambda pump, bit: flip(pump.infusion.planner.law, "_step", bit),
    "volume before the phase": lambda pump, bit: flip(pump.infusion.planner.law, "_before", bit),
    "begin of the phase": lambda pump, bit: flip(pump.infusion.planner.law, "_begin", bit),
    "end of the law": lambda pump, bit: flip(pump.infusion.planner.law, "end", bit),
    "rate of the segment": lambda pump, bit: flip(pump.infusion.planner.law, "_c1", bit),
    "slope of the segment": lambda pump, bit: flip(pump.infusion.planner.law, "_c2", bit),
    "step of the segment": lambda pump, bit: flip(pump.infusion.planner.law, "_s", bit),
}


@SIM_ONLY
@pytest.mark.expects("SELF_TEST_FAILED")
@pytest.mark.requirement("SR-DIAG-09", "SR-DIAG-11")
@pytest.mark.parametrize("bit", [0, 3, 17])
@pytest.mark.parametrize("what", PROTECTED)
def test_a_flipped_bit_stops_the_pump_within_two_seconds(bench: Bench, what: str, bit: int) -> None:
    start(bench, FLAT_RAMP_PAUSE_BOLUS)
    follow(bench, lambda status: status["infused_ms"] > 2000)
    PROTECTED[what](bench.target.app.controller, bit)  # type: ignore[attr-defined]
    before_s = bench.now_s
    status = follow(bench, lambda status: status["state"] == "FAULT")
    assert bench.now_s - before_s <= 2.1
    assert "SELF_TEST_FAILED" in status["alarms"]
    assert any("program" in event["text"] for event in bench.pump.events() if event["kind"] == "fault")
    steps = bench.steps
    bench.run_for(2)
    assert bench.steps == steps


@SIM_ONLY
@pytest.mark.requirement("SR-DIAG-09")
def test_nothing_is_found_where_nothing_is_wrong(bench: Bench) -> None:
    start(bench, FLAT_RAMP_PAUSE_BOLUS)
    follow(bench, lambda status: status["infused_ms"] > 20_000)
    bench.pump.bolus(volume_nl=50_000, duration_ms=5000)
    seen = set()
    while (status := bench.pump.wait_status())["state"] != "IDLE":
        seen |= set(serious(status))
    assert seen <= {"INFUSION_COMPLETE"}


@SIM_ONLY
@pytest.mark.expects("WATCHDOG_RESET", "SELF_TEST_FAILED")
@pytest.mark.requirement("SR-DIAG-04")
@pytest.mark.parametrize("duty", ["sense", "feed", "plan"])
def test_a_duty_that_does_nothing_any_more_ends_in_a_watchdog_reset(
    bench: Bench, duty: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(bench, flat(25, 60))
    follow(bench, lambda status: status["infused_ms"] > 2000)
    app = bench.target.app  # type: ignore[attr-defined]
    lazy = {"sense": (app.controller, "sense"), "feed": (app.feeder, "feed"), "plan": (Planner, "refill")}
    with monkeypatch.context() as patch:
        patch.setattr(*lazy[duty], lambda *arguments: None)
        bench.run_for(3)
    bench.reconnect()
    assert "WATCHDOG_RESET" in bench.pump.status()["alarms"]
    steps = bench.steps
    bench.run_for(2)
    assert bench.steps == steps


WITHIN = """
from pump import app
from pump.core import controller, feeder, planner
seconds, second = [0], app.App._watch
def watch(self):
    second(self)
    if self.controller.state == "INFUSING":
        seconds[0] += 1
        if seconds[0] == 4:
            fault(self)
app.App._watch = watch
def nothing(*arguments):
    pass
def fault(self):
    %s
"""
FLIP = "self._course.planner.law._c1 ^= 1 << 17"  # the rate of the segment
LAZY = {  # emulated seconds are dear: the third is on the simulated pump
    "feed": "feeder.Feeder.feed = nothing",
    "plan": "planner.Planner.refill = nothing",
}


def run_with(fault: str, folder: Path) -> tuple[Bench, float]:
    """An emulated pump in whose firmware this happens 4 s after the start of a program, and when it did."""
    need_emulator()
    bench: Bench = scripted(folder / "fs.img", {"boot.py": WITHIN % fault}).bench
    start(bench, FLAT_RAMP_PAUSE_BOLUS)
    bench.run_for(3)
    bench.reconnect()
    assert (bench.pump.status()["state"], bench.motor_on) == ("INFUSING", True)
    bench.run_for(0.8)
    return bench, bench.now_s


@pytest.mark.emulated
@pytest.mark.slow
@pytest.mark.requirement("SR-DIAG-09")
def test_a_flipped_bit_stops_the_chip_too(tmp_path: Path) -> None:
    bench, before_s = run_with(FLIP, tmp_path)
    status = follow(bench, lambda status: status["state"] != "INFUSING" or bench.now_s > before_s + 5)
    assert bench.now_s - before_s <= 3.3, "a second until it flips, and two"
    assert (status["state"], "SELF_TEST_FAILED" in status["alarms"]) == ("FAULT", True)
    assert any("program" in event["text"] for event in bench.pump.events() if event["kind"] == "fault")
    assert not bench.motor_on


@pytest.mark.emulated
@pytest.mark.slow
@pytest.mark.requirement("SR-DIAG-04")
@pytest.mark.parametrize("duty", LAZY)
def test_a_duty_that_does_nothing_any_more_resets_the_chip(duty: str, tmp_path: Path) -> None:
    bench, _ = run_with(LAZY[duty], tmp_path)
    bench.run_for(3)
    steps = bench.steps
    bench.reconnect()
    assert "WATCHDOG_RESET" in bench.pump.status()["alarms"]
    bench.run_for(0.5)
    assert (bench.motor_on, bench.steps) == (False, steps)


@pytest.mark.requirement("SR-LIB-11", "SR-AUTH-04")
@pytest.mark.parametrize("name", ["pump", "firmware", "library"])
def test_a_program_for_another_pump_firmware_or_library_is_refused_and_logged(bench: Bench, name: str) -> None:
    phases = flat(25, 5)
    bench.pump.syringe(SYRINGE, 50_000_000)
    with pytest.raises(Refused, match=f"{name}: the program is for 0123456789abcdef; here is"):
        bench.pump.load(header(phases) | {name: "0123456789abcdef"}, phases)
    assert any(event["kind"] == "refused" and name in event["text"] for event in bench.pump.events())
    assert bench.pump.status()["state"] == "IDLE"


@pytest.mark.requirement("SR-LIB-11", "SR-AUTH-04")
def test_versions_are_named_at_each_start(bench: Bench) -> None:
    library = Library([entry()])
    library_link.upload(bench.pump, library)
    hello = bench.pump.hello
    ours = {"pump": hello["serial"], "firmware": hello["firmware"][:16], "library": library.digest[:16]}
    phases = flat(25, 5)
    bench.pump.syringe(SYRINGE, 50_000_000)
    bench.pump.confirm(bench.pump.load(header(phases) | ours, phases))
    bench.pump.start()
    told = [event["text"] for event in bench.pump.events() if event["kind"] == "versions"]
    assert told == [", ".join([*(f"{name} {value}" for name, value in ours.items()), f"{SYRINGE} nominal"])]


@pytest.mark.requirement("SR-LIB-08")
def test_the_lamp_repeats_that_a_limit_is_overridden(bench: Bench) -> None:
    library_link.upload(bench.pump, Library([entry(rate_soft_high_nl_h=20_000_000)]))
    phases = flat(25, 20)
    bench.pump.syringe(SYRINGE, 50_000_000)
    program = header(phases, concentration_ng_ml=entry()["concentration_low_ng_ml"], code="test")
    bench.pump.confirm(bench.pump.load(program, phases), [("rate_soft_high_nl_h", 25_000_000)])
    bench.pump.start()
    begun_us = bench.now_s * 1e6
    shown = follow(bench, lambda status: status["infused_ms"] > 14_000)
    assert shown["overrides"] == 1
    begins = [at_us for at_us, lights in bench.light_edges if lights & 4 and at_us > begun_us]
    assert len(begins) >= 3
    assert all(3.8e6 <= later - sooner <= 4.2e6 for sooner, later in pairwise(begins))


@pytest.mark.sim_only("the same core writes the record on every target")
@pytest.mark.requirement("SR-ALARM-12")
def test_the_record_of_an_alarm_keeps_the_samples_that_led_to_it(bench: Bench) -> None:
    start(bench, flat(25, 120))
    follow(bench, lambda status: status["infused_ms"] > 5000)
    bench.occlude()
    told = [follow(bench, lambda status: True)]
    while told[-1]["state"] != "ALARM":
        told.append(bench.pump.wait_status())
    record = next(event["text"] for event in bench.pump.events() if event["text"].startswith("OCCLUSION at"))
    before = [int(word) for word in record.split("each second before ")[1].split(" Pa")[0].split()]
    assert len(before) == 5
    assert before == sorted(before), "pressure rose"
    reported = [status["pressure_pa"] for status in told]
    assert all(min(reported) <= pressure_pa <= max(reported) for pressure_pa in before)
