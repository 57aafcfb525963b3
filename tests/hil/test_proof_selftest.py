"""The self-test of a whole pump, from power-on to the alarm: every step with a fault that fails it, and a clean run.

The faults are a few lines of a boot.py, which runs before main.py and puts a faulty part in a sound one's place. The
simulated pump is given the same lines.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hil.bench import Bench, open_bench
from hil.plugin import need_emulator
from pump.core import framing, selftest, wire
from pump.core.library import Library
from pump.core.selftest import FAILED, PASSED, SKIPPED
from tests.core.entries import entry
from tests.programs import SYRINGE, flat, follow, start
from titrate import library_link
from titrate.errors import Refused
from tools.bench.scripted import scripted

STEPS = [name for name, _step in selftest.STEPS]
CYAN = 4
OF_THE_BENCH = ("LIBRARY_MISSING", "NEAR_EMPTY")  # a program without a library brings them
MOST_S = 5.0  # the project's own; SR-POST-03 asks for 70
TRAILER = 0x9FF00  # where the build leaves the image's size, behind a magic word

# What stands before the fault, and what puts it there. Stuck: memory with a bit that sticks after so many writes.
FAULTY = """
from pump.core import selftest
_run = selftest.run
class Stuck:
    def __init__(self, after=0):
        self.held, self.left = bytearray(1024), after
    def __setitem__(self, place, value):
        self.held[place] = value
        self.left -= 1
        if self.left < 0:
            self.held[:] = bytes([byte | 1 for byte in self.held])
    def __getitem__(self, place):
        return self.held[place]
def _faulty(parts):
%s
    return _run(parts)
selftest.run = _faulty
"""
FAULTS = {
    "processor": "selftest.KNOWN_SUM += 1",
    "ram": "parts.ram = selftest.Ram(Stuck())",
    "image": "parts.image = selftest.Image(lambda at, size, before: 1, 4096, 2)",
    "watchdog": "parts.watchdog_bites = False",
    "clock": "parts.clocks = lambda: (20000, 20201)",
    "settings": "parts.settings_intact = lambda: False",
    "library": "parts.library_intact = lambda: False",
    "supply": "parts.supply_mv = (12500, 16000)",
    "driver": "parts.driver.set_up = lambda: 'silent'",
    "flow sensor": "parts.flow_meter = type('Meter', (), {'set_up': lambda self: 'silent'})()",
    "keys": "parts.inputs.keys = lambda: 4",
    "pressure": "parts.rest_pa = (50000, 100000)",
    "lights": "parts.annunciator.lit = lambda: 0",
    "sound": "parts.annunciator.sounding = lambda: False",
}
# The same parts, sound at power-on and faulty some 15 s later: a round of the background test takes 5 s and the image.
LATER = {
    "processor": """
        calls, right = [0], selftest.known_sum
        def known_sum():
            calls[0] += 1
            return right() + (calls[0] > 4)
        selftest.known_sum, parts.image = known_sum, None""",
    "ram": """
        parts.ram, parts.image = selftest.Ram(Stuck(20 + 3 * 16)), None""",
    "image": """
        calls = [0]
        def crc_of(at, size, before):
            calls[0] += 1
            return 7 + (calls[0] > 9)
        parts.image = selftest.Image(crc_of, 4096, 7)""",
}
NOTHING = "pass"
TOLD = {"driver": "driver: silent", "flow sensor": "flow sensor: silent"}  # steps that say more than their name


@pytest.fixture
def faulty(bench_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Bench]]:
    """Opens a bench whose pump has a fault."""
    benches: list[Bench] = []
    for name in ("run", "known_sum", "KNOWN_SUM"):
        monkeypatch.setattr(selftest, name, getattr(selftest, name))  # put back afterwards

    def opened(fault: str) -> Bench:
        lines = "\n".join("    " + line.removeprefix("        ") for line in fault.strip("\n").splitlines())
        script = FAULTY % lines
        if bench_url == "emu://":
            need_emulator()
            bench: Bench = scripted(tmp_path / "fs.img", {"boot.py": script}).bench
        else:
            exec(script, {})
            bench = open_bench(bench_url, seed=1)
        benches.append(bench)
        return bench

    yield opened
    for bench in benches:
        bench.close()


@pytest.fixture
def emulated() -> Iterator[Bench]:
    need_emulator()
    with open_bench("emu://", seed=1) as bench:
        yield bench


def power_cycle(bench: Bench) -> None:
    bench.cut_power()
    bench.run_for(0.5)
    bench.restore_power()


def faults_of(bench: Bench) -> list[str]:
    return [event["text"] for event in bench.pump.events() if event["kind"] == "fault"]


def in_fault(bench: Bench, steps: int = 0) -> dict[str, Any]:
    """The pump is in FAULT and does nothing whatever it is asked for; its status."""
    status: dict[str, Any] = bench.pump.status()
    assert status["state"] == "FAULT"
    assert [name for name in status["alarms"] if name not in OF_THE_BENCH] == ["SELF_TEST_FAILED"]
    for ask in (
        bench.pump.start,
        bench.pump.resume,
        bench.pump.acknowledge,
        lambda: bench.pump.bolus(10_000, 5000),
        lambda: bench.pump.syringe(SYRINGE, 1_000_000),
        lambda: start(bench, flat(25, 60)),
    ):
        with pytest.raises(Refused, match="FAULT"):
            ask()
    bench.press("bolus", 1.4)
    bench.run_for(3)
    assert bench.steps == steps
    return status


# --- a fault of each step


@pytest.mark.requirement("SR-POST-08")
@pytest.mark.requirement("SR-POST-02")
def test_a_sound_pump_passes(faulty: Callable[[str], Bench]) -> None:
    """The emulated chip has every part; the simulated pump has neither an image nor a second clock."""
    bench = faulty(NOTHING)
    report = bench.pump.selftest()
    skipped = {"settings", "library", "flow sensor"} | ({"image", "clock"} if bench.target.name == "sim" else set())
    assert report == {name: SKIPPED if name in skipped else PASSED for name in STEPS}, "none are stored yet"
    assert bench.pump.status()["state"] == "IDLE"
    bench.pump.configure(near_empty_level=0)
    library_link.upload(bench.pump, Library([entry()]))
    power_cycle(bench)
    bench.run_for(2)
    bench.reconnect()
    skipped -= {"settings", "library"}
    assert bench.pump.selftest() == {name: SKIPPED if name in skipped else PASSED for name in STEPS}


@pytest.mark.requirement("SR-POST-01")
@pytest.mark.requirement("SR-POST-05")
@pytest.mark.requirement("SR-POST-08")
@pytest.mark.requirement("SR-STOP-01")
@pytest.mark.parametrize("step", STEPS)
def test_each_step_that_fails_ends_the_test_and_locks_the_pump(faulty: Callable[[str], Bench], step: str) -> None:
    bench = faulty(FAULTS[step])
    bench.run_for(2)
    bench.reconnect()
    in_fault(bench)
    report = bench.pump.selftest()
    assert report[step] == FAILED
    assert all(report[name] != FAILED for name in STEPS if name != step)
    assert {report[name] for name in STEPS[STEPS.index(step) + 1 :]} <= {SKIPPED}
    assert faults_of(bench) == [f"self-test: {TOLD.get(step, step)}"]
    assert bench.enabled_us.tolist() == [], "the motor was never on"
    assert bench.lights == CYAN
    bench.run_for(17)
    assert [at_us for at_us, hz in bench.tone_edges if hz and at_us / 1e6 > bench.now_s - 17], "it sounds on"
    bench.reconnect()
    bench.pump.stop()
    assert bench.pump.status()["state"] == "FAULT", "only a power cycle ends it"


HANDS: dict[str, tuple[Callable[[Bench], None], Callable[[Bench], None]]] = {
    "keys": (lambda bench: bench.hold_key("bolus"), lambda bench: bench.release_key("bolus")),
    "supply": (lambda bench: bench.set_supply(8), lambda bench: bench.set_supply(12)),
    "pressure": (lambda bench: bench.break_pressure_sensor("open"), Bench.mend_pressure_sensor),
}


@pytest.mark.expects("SELF_TEST_FAILED")
@pytest.mark.requirement("SR-POST-01")
@pytest.mark.requirement("SR-POST-08")
@pytest.mark.parametrize("step", HANDS)
def test_a_fault_outside_the_chip_locks_the_pump_until_it_is_mended(bench: Bench, step: str) -> None:
    cause, cure = HANDS[step]
    bench.run_for(2)
    cause(bench)
    power_cycle(bench)
    bench.run_for(2)
    bench.reconnect()
    assert bench.pump.selftest()[step] == FAILED
    assert faults_of(bench) == [f"self-test: {TOLD.get(step, step)}"]
    assert bench.pump.status()["state"] == "FAULT"
    cure(bench)
    bench.run_for(3)
    bench.reconnect()
    assert bench.pump.status()["state"] == "FAULT", "the mended part was not tested again"
    power_cycle(bench)
    bench.run_for(2)
    bench.reconnect()
    assert bench.pump.selftest()[step] == PASSED
    assert bench.pump.status()["state"] == "IDLE"
    assert bench.steps == 0


@pytest.mark.expects("SELF_TEST_FAILED")
@pytest.mark.requirement("SR-POST-05")
def test_of_two_faults_the_first_is_named_and_the_second_not_looked_for(bench: Bench) -> None:
    bench.run_for(2)
    bench.set_supply(8)
    bench.hold_key("bolus")
    power_cycle(bench)
    bench.run_for(2)
    bench.reconnect()
    report = bench.pump.selftest()
    assert (report["supply"], report["keys"], report["sound"]) == (FAILED, SKIPPED, SKIPPED)
    assert faults_of(bench) == ["self-test: supply"]
    assert "SELF_TEST_FAILED" in bench.pump.status()["alarms"]


# --- what it leaves alone


@pytest.mark.requirement("SR-POST-02")
def test_the_self_test_writes_nothing_to_the_flash(faulty: Callable[[str], Bench], bench_url: str) -> None:
    """As many writes at a power-on with it as at one without it."""

    def writes(bench: Bench) -> int:
        target: Any = bench.target
        return int(target.store.writes if bench_url == "sim://" else target.flash.count)

    counts = []
    for fault in (NOTHING, "return {}, None"):
        bench = faulty(fault)
        bench.run_for(2)
        before = writes(bench)
        power_cycle(bench)
        bench.run_for(2)
        counts.append(writes(bench) - before)
        bench.reconnect()
        assert len(bench.pump.selftest()) == (len(STEPS) if fault == NOTHING else 0)
    assert counts[0] == counts[1] > 0


@pytest.mark.emulated
@pytest.mark.slow
@pytest.mark.requirement("SR-POST-06")
def test_during_the_self_test_no_pulse_leaves_and_no_bolus_is_taken(emulated: Bench) -> None:
    """After a power cut in the middle of an infusion, with a host that asks for a bolus all the while."""
    bench, target = emulated, emulated.target
    start(bench, flat(300, 600))
    bench.run_for(2)
    bench.cut_power()
    bench.run_for(0.5)
    pulses, on = len(bench.step_times_us), len(bench.enabled_us)
    target.read(target.available())
    bench.restore_power()
    params = {"volume_nl": 100_000, "duration_ms": 5000, "overrides": []}
    for number in range(100):
        target.write(framing.encode({"id": number // 10, "method": "bolus", "params": params}))
        target.run_for(20_000)
    replies = [
        message
        for message, _fault in framing.Deframer().feed(target.read(target.available()))
        if message and "id" in message
    ]
    assert replies, "the pump never spoke"
    assert {reply["error"]["code"] for reply in replies} <= {wire.NOT_IN_STATE, wire.REPLAYED}
    assert (len(bench.step_times_us), len(bench.enabled_us)) == (pulses, on)
    bench.reconnect()
    assert bench.pump.status()["alarms"] == ["POWER_INTERRUPTED"], "the self-test itself passed"


@pytest.mark.emulated
@pytest.mark.slow
@pytest.mark.requirement("SR-POST-03")
@pytest.mark.requirement("SR-POST-04")
@pytest.mark.requirement("SR-DIAG-07")
def test_it_ends_soon_and_reports_every_part(emulated: Bench) -> None:
    """The time is the device's, from power to the answer to hello; the watchdog has then reset the chip once."""
    dog: Any = emulated.target._chip.watchdog  # type: ignore[attr-defined]
    bites: list[float] = []
    reset = dog.on_watchdog_trigger

    def bite() -> None:
        bites.append(emulated.now_s)
        reset()

    dog.on_watchdog_trigger = bite
    began_s = emulated.now_s
    report = emulated.pump.selftest()
    took_s = emulated.now_s - began_s
    print(f"self-test: {took_s:.2f} s")
    assert took_s < MOST_S
    for step in ("processor", "ram", "image", "supply", "keys", "watchdog", "clock", "sound"):
        assert report[step] == PASSED
    assert len(bites) == 1
    emulated.set_supply(8)
    emulated.cut_power()
    emulated.restore_power()
    began_s = emulated.now_s
    report = emulated.pump.selftest()
    assert report["supply"] == FAILED
    assert emulated.now_s - began_s < MOST_S
    assert len(bites) == 2, "proven anew at each power-on"


@pytest.mark.emulated
@pytest.mark.slow
@pytest.mark.requirement("SR-DIAG-07")
@pytest.mark.requirement("SR-POST-08")
def test_a_watchdog_that_does_not_bite_is_found(emulated: Bench) -> None:
    emulated.target._chip.watchdog.on_watchdog_trigger = lambda: None  # type: ignore[attr-defined]
    assert emulated.pump.selftest()["watchdog"] == FAILED
    in_fault(emulated)
    assert faults_of(emulated) == ["self-test: watchdog"]


@pytest.mark.emulated
@pytest.mark.slow
@pytest.mark.requirement("SR-DIAG-02")
@pytest.mark.requirement("SR-POST-08")
def test_a_flipped_bit_of_the_flash_is_found_at_power_on(emulated: Bench) -> None:
    bench = emulated
    assert bench.pump.selftest()["image"] == PASSED
    flip_last_bit_of_image(bench)
    power_cycle(bench)
    bench.reconnect()
    assert bench.pump.selftest()["image"] == FAILED
    assert bench.pump.status()["alarms"] == ["SELF_TEST_FAILED"]


def flip_last_bit_of_image(bench: Bench) -> None:
    """Its last word but one is no code that the firmware comes through."""
    flash = bench.target._chip.flash  # type: ignore[attr-defined]
    size = int.from_bytes(flash[TRAILER + 4 : TRAILER + 8], "little")
    flash[size - 5] ^= 1


# --- while the pump runs


@pytest.mark.requirement("SR-DIAG-01")
@pytest.mark.requirement("SR-DIAG-02")
@pytest.mark.requirement("SR-DIAG-03")
@pytest.mark.requirement("SR-DIAG-11")
@pytest.mark.parametrize("part", LATER)
def test_a_part_that_fails_during_an_infusion_stops_it(faulty: Callable[[str], Bench], part: str) -> None:
    bench = faulty(LATER[part])
    start(bench, flat(25, 600))
    bench.run_for(3)
    bench.reconnect()
    assert bench.pump.status()["state"] == "INFUSING"
    assert bench.pump.selftest()[part] in (PASSED, SKIPPED), "it was sound at power-on"
    began_s = bench.now_s
    status = follow(bench, lambda status: status["state"] != "INFUSING")
    assert bench.now_s - began_s < 30
    assert status["state"] == "FAULT"
    bench.run_for(0.3)
    steps = bench.steps
    assert steps > 0
    bench.reconnect()
    in_fault(bench, steps)
    assert faults_of(bench) == [f"self-test: {part}"]
    assert any(
        event["kind"] == "alarm" and event["text"].startswith("SELF_TEST_FAILED at ") for event in bench.pump.events()
    )
    assert bench.lights == CYAN


@pytest.mark.emulated
@pytest.mark.slow
@pytest.mark.requirement("SR-DIAG-02")
@pytest.mark.requirement("SR-DIAG-11")
def test_a_flipped_bit_of_the_flash_stops_an_infusion(tmp_path: Path) -> None:
    """With pieces so large that the image comes round in seconds; as built it takes a quarter of an hour."""
    need_emulator()
    pieces = "from pump.core import selftest\nselftest.IMAGE_BYTES = 65536\n"
    bench: Bench = scripted(tmp_path / "fs.img", {"boot.py": pieces}).bench
    start(bench, flat(25, 600))
    bench.run_for(25)
    bench.reconnect()
    assert bench.pump.status()["state"] == "INFUSING", "a sound image comes round and round"
    flip_last_bit_of_image(bench)
    began_s = bench.now_s
    status = follow(bench, lambda status: status["state"] != "INFUSING")
    assert status["state"] == "FAULT"
    assert bench.now_s - began_s < 45
    assert faults_of(bench) == ["self-test: image"]
    steps = bench.steps
    bench.run_for(5)
    assert bench.steps == steps


# --- the fault lamp


@pytest.mark.emulated
@pytest.mark.slow
@pytest.mark.requirement("SR-DIAG-12")
def test_the_red_lamp_shines_by_itself_while_no_program_runs(emulated: Bench) -> None:
    """At the pin: when the chip comes out of its reset and nothing of the firmware runs, nothing drives it."""
    bench = emulated
    start(bench, flat(25, 600))
    bench.run_for(2)
    assert not bench.lights & 1
    bench.hang()
    bench.run_for(1.6)  # the watchdog has bitten
    power_cycle(bench)
    bench.run_for(0.001)
    bench.hang()  # before the first line of main.py: neither program nor watchdog
    edges = len(bench.light_edges)
    steps = bench.steps
    bench.run_for(1)  # far longer than a start of the program takes until it drives its pins
    assert bench.lights == 1
    assert len(bench.light_edges) == edges, "steady"
    assert bench.steps == steps
    power_cycle(bench)
    bench.run_for(2)
    assert bench.lights & 1 == 0, "the running program holds it off"


@pytest.mark.emulated
@pytest.mark.slow
@pytest.mark.requirement("SR-DIAG-12")
def test_a_hang_lights_the_red_lamp_at_the_reset_that_ends_it(emulated: Bench) -> None:
    bench = emulated
    start(bench, flat(25, 600))
    bench.run_for(2)
    hung_s = bench.now_s
    bench.hang()
    bench.run_for(4)
    red_s = [at_us / 1e6 - hung_s for at_us, lights in bench.light_edges if lights == 1 and at_us / 1e6 > hung_s]
    assert red_s
    assert red_s[0] < 1.6


@pytest.mark.requirement("SR-POST-08")
def test_every_step_has_a_fault_here() -> None:
    assert list(FAULTS) == STEPS
