"""The guided self-test: every input moved, every output looked at by the bench's own hands, and each of them broken."""

from itertools import pairwise

import pytest

from hil.bench import Bench
from tests.programs import flat, start
from titrate.checking import Check, checks
from titrate.errors import Refused

SYRINGE = "bd-plastipak-50"
SIM_ONLY = pytest.mark.sim_only("the same host asks, and the whole pump is looked at on both")
pytestmark = pytest.mark.plant("ideal")
NAMES = (
    *("key stop", "key start", "key bolus", "key mute", "syringe switch", "guard switch", "air detector", "pressure"),
    *("supply and temperature", "light red", "light yellow", "light cyan", "buzzer", "motor"),
)
LIGHTS = {"red": 1, "yellow": 2, "cyan": 4}


class BenchHands:
    """Does on a simulated bench what is asked, and looks. numb: what it does not do; skips: what it passes over."""

    def __init__(self, bench: Bench, numb: str = "", skips: str = "") -> None:
        self.bench = bench
        self.numb, self.skips = numb, skips
        self.delivered_ul = 0.0

    def do(self, what: str) -> bool:
        bench = self.bench
        if self.skips and self.skips in what:
            return False
        if self.numb and self.numb in what:
            return True
        acts = {
            "Take the syringe out": bench.remove_syringe,
            "Put it back": bench.fit_syringe,
            "Open the guard": bench.open_guard,
            "Close it": bench.close_guard,
            "Bring air": bench.add_air,
            "Take it away": bench.clear_air,
            "Close the line": lambda: bench.set_back_pressure(10),
        }
        if what.startswith("Hold "):
            bench.press(what.split()[1].lower(), 2)
            return True
        (act,) = [act for name, act in acts.items() if what.startswith(name)]
        act()
        return True

    def sees(self, question: str) -> bool | None:
        bench = self.bench
        bench.run_for(0.5)
        if self.skips and self.skips in question:
            return None
        if "shine" in question:
            return bench.lights == LIGHTS[question.split()[2]]
        if "sound" in question:
            begun_us = (bench.now_s - 1) * 1e6
            return any(
                tone_hz == pytest.approx(1000, rel=0.02) for at_us, tone_hz in bench.tone_edges if at_us > begun_us
            )
        if "may" in question:
            bench.set_back_pressure(0)
            bench.run_for(10)
            self.delivered_ul = bench.delivered_ul
            return True
        if "plunger moved" in question:
            return bench.delivered_ul - self.delivered_ul == pytest.approx(100, abs=1)
        return "12.0 V, 27 °C" in question


def results(bench: Bench, hands: BenchHands | None) -> dict[str, Check]:
    return {check.name: check for check in checks(bench.pump, hands, SYRINGE)}


@pytest.mark.requirement("SR-POST-04")
@pytest.mark.requirement("SR-POST-07")
def test_a_whole_pump_passes_every_check(bench: Bench) -> None:
    found = results(bench, BenchHands(bench))
    assert tuple(found) == NAMES
    assert {name: check for name, check in found.items() if check.result != "passed"} == {}
    assert "288 of 288 steps counted" in found["motor"].why
    bench.run_for(6)
    bench.reconnect()
    assert (bench.lights, bench.tone_edges[-1][1], bench.pump.status()["state"]) == (0, 0, "IDLE")


@SIM_ONLY
@pytest.mark.parametrize(
    ("numb", "failed", "why"),
    [
        ("BOLUS", "key bolus", "nothing was read in 20 s"),
        ("Take the syringe", "syringe switch", "nothing was read"),
        ("Close it", "guard switch", "it stays so"),
        ("Bring air", "air detector", "nothing was read"),
        ("Close the line", "pressure", "rose by less than 3000 Pa"),
    ],
)
def test_an_input_that_does_not_follow_fails(bench: Bench, numb: str, failed: str, why: str) -> None:
    found = results(bench, BenchHands(bench, numb=numb, skips="may"))
    assert [name for name, check in found.items() if check.result == "failed"] == [failed]
    assert why in found[failed].why


@SIM_ONLY
def test_a_key_that_is_down_before_anybody_touches_it_fails(bench: Bench) -> None:
    bench.hold_key("bolus")
    bench.run_for(1)
    assert results(bench, BenchHands(bench, skips="may"))["key bolus"].why == "it reads so before anything was done"


@SIM_ONLY
def test_an_output_that_nobody_sees_fails(bench: Bench) -> None:
    hands = BenchHands(bench, skips="may")
    hands.sees = lambda question: None if "may" in question else "shine" not in question  # type: ignore[method-assign]
    failed = [name for name, check in results(bench, hands).items() if check.result == "failed"]
    assert failed == ["light red", "light yellow", "light cyan"]


@SIM_ONLY
def test_what_a_person_passes_over_is_skipped_and_the_motor_stays_still(bench: Bench) -> None:
    found = results(bench, BenchHands(bench, skips="may"))
    assert (found["motor"].result, bench.steps) == ("skipped", 0)
    assert results(bench, BenchHands(bench, skips="Hold STOP"))["key stop"].result == "skipped"


@SIM_ONLY
def test_lights_and_tone_are_for_an_idle_pump_without_an_alarm_and_end_by_themselves(bench: Bench) -> None:
    pump = bench.pump
    for wrong in ({"lights": 8}, {"tone_hz": 4001}, {"ms": 0}, {"ms": 5001}, {"tone_hz": -1}):
        with pytest.raises(Refused, match="exercise: 0 to 7"):
            pump.request("exercise", **{"lights": 1, "tone_hz": 0, "ms": 100} | wrong)
    pump.request("exercise", lights=5, tone_hz=440, ms=1000)
    bench.run_for(0.5)
    assert (bench.lights, bench.tone_edges[-1][1]) == (5, 440)
    bench.run_for(1)
    assert (bench.lights, bench.tone_edges[-1][1]) == (0, 0)
    bench.reconnect()
    start(bench, flat(25, 60))
    with pytest.raises(Refused, match="possible in IDLE, without an alarm"):
        bench.pump.request("exercise", lights=1, tone_hz=0, ms=100)
    with pytest.raises(Refused, match="possible in IDLE"):
        results(bench, None)


@pytest.mark.requirement("SR-VIS-02")
@pytest.mark.requirement("SR-AUDIO-03")
def test_an_alarm_ends_what_is_shown_for_a_check(bench: Bench) -> None:
    """A low supply is one in IDLE, too; no tone of its tunes is above 523 Hz."""
    bench.pump.request("exercise", lights=3, tone_hz=1000, ms=5000)
    bench.set_supply(9)
    shown = bench.now_s * 1e6
    bench.run_for(4.5)
    edges = [(at_us, tone_hz) for at_us, tone_hz in bench.tone_edges if at_us > shown + 2e5]
    heard_hz = [hz for (at_us, hz), (end_us, _) in pairwise(edges) if hz and end_us - at_us > 5000]  # between, a PWM
    assert heard_hz, "an alarm sounds"  # that is being set up has others
    assert max(heard_hz) < 600
    assert bench.lights != 3
