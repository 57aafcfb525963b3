"""Settings, stored program and journal of a whole pump: kept, refused, or found damaged; never quietly wrong."""

from typing import Any

import pytest

from hil.bench import Bench, open_bench
from pump.core.wire import PROGRAM, SETTINGS
from tests.programs import SYRINGE, flat, follow, header, start
from titrate.errors import Refused


def again(bench: Bench) -> None:
    """Off and on."""
    bench.cut_power()
    bench.run_for(1)
    bench.restore_power()
    bench.run_for(3)
    bench.reconnect()


@pytest.mark.requirement("SR-LOG-05")
@pytest.mark.requirement("SR-UI-01")
def test_settings_and_program_are_read_back_unchanged_after_a_power_cut(bench: Bench) -> None:
    pump = bench.pump
    settings = pump.configure(occlusion_level=0, near_empty_level=2, auto_off_h=3, library_required=0)
    assert sorted(settings) == sorted(SETTINGS)
    phases = [*flat(25, 60), ["ramp", 90_000, 10**9, 5 * 10**9], *flat(5, 30)] * 6  # more than one part
    pump.syringe(SYRINGE, 50_000_000)
    digest = pump.load(header(phases), phases)
    pump.confirm(digest)
    assert pump.program() == (header(phases), phases, digest)
    again(bench)
    assert bench.pump.settings() == settings
    assert bench.pump.program() == (header(phases), phases, digest)


def test_the_longest_program_is_confirmed_runs_and_outlives_a_power_cut(bench: Bench) -> None:
    """It takes half of the chip's heap, in small pieces, and longer to store than the watchdog waits."""
    phases = [flat(20 + number % 7, 1)[0] for number in range(PROGRAM["phases"][2])]
    start(bench, phases)
    follow(bench, lambda status: status["phase"] == 2)
    again(bench)
    found = bench.pump.request("program", first=len(phases) - 3)
    assert (found["program"], found["phases"]) == (header(phases), phases[-3:])


@pytest.mark.requirement("SR-AUTH-08")
def test_settings_are_taken_whole_and_in_their_spans_or_not_at_all(bench: Bench) -> None:
    pump = bench.pump
    good = pump.configure(near_empty_level=0)
    other = {name: row[1] for name, row in SETTINGS.items()} | {"library_required": 0}
    for name, (least, most, *_) in SETTINGS.items():
        wrong: list[dict[str, Any]] = [other | {name: value} for value in (least - 1, most + 1, True, None, "1")]
        wrong += [{key: value for key, value in other.items() if key != name}, other | {"other": 0}]
        for settings in wrong:
            with pytest.raises(Refused, match="settings: all of"):
                pump.request("configure", settings=settings)
        assert pump.settings() == good
    again(bench)
    assert bench.pump.settings() == good, "nothing of it is stored either"
    bench.pump.request("configure", settings=other)
    assert bench.pump.settings() == other


@pytest.mark.requirement("SR-RATE-07")
@pytest.mark.requirement("SR-UI-06")
def test_nothing_that_decides_the_dose_is_changed_during_a_run(bench: Bench) -> None:
    phases = flat(25, 60)
    start(bench, phases)
    bench.run_for(1)
    bench.reconnect()
    for method, params in (
        ("configure", {"settings": bench.pump.settings()}),
        ("load", {"program": header(phases), "first": 0, "phases": phases}),
        ("syringe", {"syringe": SYRINGE, "fill_nl": 1_000_000}),
        ("library_confirm", {"digest": "0" * 64, "utc_s": 0}),
    ):
        with pytest.raises(Refused, match="in state INFUSING"):
            bench.pump.request(method, **params)
    assert bench.pump.status()["rate_nl_h"] == 25_000_000


@pytest.mark.requirement("SR-LOG-09")
@pytest.mark.requirement("SR-LOG-02")
@pytest.mark.parametrize("what", ["journal", "settings", "totals"])
def test_a_flipped_bit_in_the_store_is_an_alarm_and_in_the_log(what: str) -> None:
    with open_bench("sim://") as bench:
        bench.pump.configure(occlusion_level=1)
        bench.pump.configure(occlusion_level=0)
        for _ in range(40):
            start(bench, flat(25, 600))
            bench.run_for(1)
            bench.reconnect()
            bench.pump.stop()
            bench.run_for(1)
            bench.reconnect()
        store = bench.target.store  # type: ignore[attr-defined]
        bench.cut_power()
        segments = sorted(name for name in store.files if name.startswith("j0"))
        name = {"journal": segments[-1], "settings": "settings1", "totals": "totals1"}[what]
        store.flip_bit(name, 8 * len(store.files[name]) // 2)
        bench.restore_power()
        bench.run_for(2)
        bench.reconnect()
        status = bench.pump.status()
        assert "MEMORY_FAULT" in status["alarms"]
        assert status["state"] == "ALARM"
        assert any(what in event["text"] for event in bench.pump.events() if event["kind"] == "fault")
        assert bench.pump.acknowledge() == []
        start(bench, flat(25, 10))
        follow(bench, lambda status: "INFUSION_COMPLETE" in status["alarms"])


@pytest.mark.requirement("SR-UI-08")
@pytest.mark.requirement("SR-ALARM-10")
@pytest.mark.requirement("SR-UI-09")
def test_a_pump_that_waits_reminds_and_a_program_that_waits_too_long_is_dropped() -> None:
    with open_bench("sim://") as bench:
        start(bench, flat(25, 600))
        bench.run_for(1)
        bench.reconnect()
        bench.pump.pause()
        bench.run_for(302)
        bench.reconnect()
        assert [event["kind"] for event in bench.pump.events()].count("reminder") == 1
        bench.run_for(302)
        bench.reconnect()
        assert "PAUSED_TOO_LONG" in bench.pump.status()["alarms"]
        bench.pump.stop()
        phases = flat(25, 60)
        digest = bench.pump.load(header(phases), phases)
        bench.run_for(602)
        bench.reconnect()
        assert "IDLE_TOO_LONG" in bench.pump.status()["alarms"]
        with pytest.raises(Refused):
            bench.pump.confirm(digest)


@pytest.mark.requirement("SR-DIAG-09")
def test_a_bit_that_flips_in_a_confirmed_program_stops_the_pump_before_it_moves() -> None:
    with open_bench("sim://") as bench:
        phases = flat(25, 60)
        bench.pump.syringe(SYRINGE, 50_000_000)
        bench.pump.confirm(bench.pump.load(header(phases), phases))
        bench.target.app.controller.program.phases[0][2] ^= 1 << 20  # type: ignore[attr-defined]
        with pytest.raises(Refused, match="not the one that was confirmed"):
            bench.pump.start()
        assert bench.pump.status()["state"] == "FAULT"
        bench.run_for(2)
        assert bench.steps == 0
