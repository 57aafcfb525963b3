"""The drug library of a whole pump: what is checked and logged, what a damaged one leads to, and who may change it."""

from typing import Any

import pytest

from hil.bench import Bench
from pump.core.library import Library
from tests.core.entries import CONCENTRATION_NG_ML, WEIGHT_G, entry
from tests.hil.test_dosing import give, use
from tests.hil.test_proof_link import cues, kinds
from tests.programs import SYRINGE, flat, follow, header
from titrate import library_link
from titrate.errors import Refused
from titrate.library import read

SIM_ONLY = pytest.mark.sim_only("long on the emulated chip; the same core decides")
CYAN = 4


@SIM_ONLY
@pytest.mark.requirement("SR-LIB-04")
@pytest.mark.requirement("SR-LIB-06")
@pytest.mark.parametrize(
    ("limits", "phases", "changed", "field"),
    [
        ({"rate_hard_high_nl_h": 24_000_000, "rate_soft_high_nl_h": 24_000_000}, flat(25, 60), {}, "rate_hard_high"),
        (
            {"rate_hard_low_nl_h": 26_000_000, "rate_soft_low_nl_h": 26_000_000, "rate_typical_nl_h": 30_000_000},
            flat(25, 60),
            {},
            "rate_hard_low",
        ),
        (
            {"bolus_hard_high_nl": 90_000, "bolus_soft_high_nl": 90_000},
            flat(25, 60),
            {"bolus_nl": 90_001, "bolus_ms": 10_000, "bolus_lockout_ms": 400_000},
            "bolus_hard_high",
        ),
    ],
)
def test_rate_and_bolus_are_checked_before_the_start_and_the_result_is_logged(
    bench: Bench, limits: dict[str, int], phases: list[list[Any]], changed: dict[str, int], field: str
) -> None:
    use(bench, **limits)
    bench.pump.load(header(flat(1, 60)), flat(1, 60))  # which asks for a hand at the pump once
    bench.run_for(1)
    bench.reconnect()
    since_s = bench.now_s
    with pytest.raises(Refused, match=field):
        give(bench, phases, **changed)
    bench.run_for(1.5)
    bench.reconnect()
    assert cues(bench, since_s) == 1
    (refusal,) = [text for text in kinds(bench, "refused") if field in text]
    assert "hard limit is" in refusal
    assert "(SR-" in refusal
    assert bench.pump.status()["state"] == "IDLE"
    assert not kinds(bench, "library")[1:], "the upload, and no program within its limits"
    use(bench)
    give(bench, phases, **(changed | {"bolus_nl": 0} if changed else {}))
    assert kinds(bench, "library")[-1] == "test: the program is within its limits"
    entries = bench.pump.events()
    texts = [event["text"] for event in entries]
    assert texts.index("test: the program is within its limits") < texts.index("start")


@SIM_ONLY
@pytest.mark.requirement("SR-DOSE-01")
@pytest.mark.parametrize(
    ("profile", "low_ml", "high_ml", "fast_ml_h"), [("small-volume", 0.1, 999, 99.9), ("large-volume", 1, 9999, 999)]
)
def test_a_target_volume_is_taken_to_either_end_of_its_class_and_no_millisecond_beyond(
    bench: Bench, profile: str, low_ml: float, high_ml: float, fast_ml_h: float
) -> None:
    span = {"total_low_nl": round(low_ml * 1e6), "total_high_nl": high_ml * 1_000_000}
    low = dict.fromkeys(("rate_soft_low_nl_h", "rate_hard_low_nl_h"), 1_000_000)
    high = dict.fromkeys(("rate_soft_high_nl_h", "rate_hard_high_nl_h"), round(fast_ml_h * 1e6))
    use(bench, profile=profile, **span, **low, **high)
    pump = bench.pump
    pump.syringe(SYRINGE, 50_000_000)
    for ml_h, volume_ml, beyond_s, field in (
        (10, low_ml, -0.001, "total_low_nl"),
        (fast_ml_h, high_ml, 0.001, "total_high_nl"),
    ):
        for longer_s in (beyond_s, 0):
            phases = flat(ml_h, volume_ml / ml_h * 3600 + longer_s)
            known = {"concentration_ng_ml": CONCENTRATION_NG_ML, "weight_g": WEIGHT_G, "code": "test"}
            digest = pump.load(header(phases, **known), phases)
            if longer_s:
                with pytest.raises(Refused, match=f"{field}.*SR-DOSE-01"):
                    pump.confirm(digest)
                assert pump.status()["state"] == "IDLE"
            else:
                pump.confirm(digest)
                assert pump.status()["state"] == "READY"


def damage(bench: Bench) -> None:
    """One bit of every copy of the entry's author."""
    target: Any = bench.target
    if target.name == "sim":
        name = next(name for name in target.store.files if b"A. Tester" in target.store.files[name])
        target.store.flip_bit(name, 8 * target.store.files[name].index(b"A. Tester"))
        return
    flash = target._chip.flash
    at = bytes(flash).find(b"A. Tester")
    assert at >= 0
    while at >= 0:
        flash[at] ^= 1
        at = bytes(flash).find(b"A. Tester", at)


@pytest.mark.expects("MEMORY_FAULT", "SELF_TEST_FAILED", "LIBRARY_MISSING")
@pytest.mark.requirement("SR-LIB-10")
@pytest.mark.requirement("SR-POST-08")
def test_a_damaged_library_is_an_alarm_and_a_stop_and_is_set_aside(bench: Bench) -> None:
    use(bench)
    give(bench, flat(25, 600))
    bench.run_for(2)
    bench.cut_power()
    damage(bench)
    steps = bench.steps
    bench.restore_power()
    bench.run_for(3)
    bench.reconnect()
    status = bench.pump.status()
    assert status["state"] == "FAULT"
    assert {"SELF_TEST_FAILED", "MEMORY_FAULT"} <= set(status["alarms"])
    assert status["library"] == ""
    assert bench.pump.selftest()["library"] == "failed"
    assert bench.lights == CYAN
    faults = kinds(bench, "fault")
    assert any(text.startswith("library") for text in faults)
    assert "self-test: library" in faults
    assert bench.steps == steps
    bench.cut_power()
    bench.restore_power()
    bench.run_for(3)
    bench.reconnect()
    assert bench.pump.status()["library"] == ""
    bench.pump.acknowledge()
    with pytest.raises(Refused, match="no entry test"):
        give(bench, flat(25, 60))


@pytest.mark.expects("LIBRARY_MISSING")
@pytest.mark.requirement("SR-LIB-10")
@pytest.mark.requirement("SR-LIB-14")
def test_where_a_library_is_required_none_is_an_alarm_and_nothing_starts(bench: Bench) -> None:
    """None at all: the alarm is there as long as none is. One without an entry for the program: with the refusal."""
    pump = bench.pump
    pump.configure(library_required=1)
    bench.run_for(2)
    bench.reconnect()
    assert pump.status()["alarms"] == ["LIBRARY_MISSING"]
    assert pump.acknowledge() == ["LIBRARY_MISSING"], "it is still true"
    with pytest.raises(Refused, match="no entry for this program"):
        give(bench, flat(25, 60), code="")
    bench.cut_power()
    bench.restore_power()
    bench.run_for(3)
    bench.reconnect()
    assert pump.status()["alarms"] == ["LIBRARY_MISSING"], "after a power cut too"
    library_link.upload(pump, Library([entry()]))
    bench.run_for(2)
    bench.reconnect()
    assert pump.status()["alarms"] == []
    phases = flat(25, 60)
    pump.syringe(SYRINGE, 50_000_000)
    with pytest.raises(Refused, match="no entry for this program"):
        pump.confirm(pump.load(header(phases, drug="another"), phases))
    assert pump.status()["alarms"] == ["LIBRARY_MISSING"]
    assert any(text.startswith("LIBRARY_MISSING") for text in kinds(bench, "alarm"))
    with pytest.raises(Refused):
        pump.start()
    assert bench.steps == 0
    pump.acknowledge()
    give(bench, flat(25, 60))
    bench.run_for(5)
    assert bench.steps > 0, "a program with an entry runs"


RUN_LEVEL = (
    ("status", {}),
    ("syringe", {"syringe": SYRINGE, "fill_nl": 40_000_000}),
    ("start", {}),
    ("pause", {}),
    ("resume", {}),
    ("hold", {}),
    ("bolus", {"volume_nl": 100_000, "duration_ms": 5000, "overrides": []}),
    ("acknowledge", {}),
    ("mute", {"ms": 1000}),
    ("heartbeat", {}),
    ("clock", {"utc_s": 1_800_000_000, "ms": 0}),
    ("events", {"after": 0}),
    ("journal", {"name": "", "first": 0}),
    ("doses", {}),
    ("selftest", {}),
    ("settings", {}),
    ("library", {"index": 0, "first": 0}),
    ("stop", {}),
)


@pytest.mark.slow
@pytest.mark.requirement("SR-LIB-10")
def test_the_whole_packaged_library_goes_in_and_outlives_the_power(bench: Bench) -> None:
    """On the chip reading and writing it takes longer, as a whole, than the watchdog waits."""
    library = read("regimens").library
    library_link.upload(bench.pump, library)
    bench.cut_power()
    bench.restore_power()
    bench.reconnect()
    status = bench.pump.status()
    assert (status["state"], status["alarms"]) == ("IDLE", [])
    assert bench.pump.request("library", index=0, first=0)["digest"] == library.digest


@pytest.mark.requirement("SR-LIB-12")
def test_nothing_that_runs_a_program_changes_library_or_settings_and_nothing_changes_them_in_a_run(
    bench: Bench,
) -> None:
    pump = bench.pump
    library = Library([entry(), entry(code="other")])
    library_link.upload(pump, library)
    settings = pump.configure(near_empty_level=1)
    phases = flat(25, 600)
    program = header(phases, concentration_ng_ml=CONCENTRATION_NG_ML, weight_g=WEIGHT_G, code="test")
    for where in ("READY", "INFUSING", "PAUSED"):
        pump.syringe(SYRINGE, 50_000_000)
        pump.confirm(pump.load(program, phases))
        if where != "READY":
            pump.start()
        if where == "PAUSED":
            pump.pause()
        for method, params in (
            ("configure", {"settings": settings | {"near_empty_level": 0}}),
            ("library_load", {"count": 1, "index": 0, "first": 0, "fields": {}}),
            ("library_confirm", {"digest": Library([entry()]).digest, "utc_s": 0}),
        ):
            with pytest.raises(Refused, match=f"in state {where}; possible in IDLE"):
                pump.request(method, **params)
        for method, params in RUN_LEVEL:
            try:
                pump.request(method, **params)
            except Refused:
                continue
        assert pump.status()["state"] == "IDLE"
        assert pump.settings() == settings
        assert library_link.download(pump).digest == library.digest


@pytest.mark.requirement("SR-LIB-15")
def test_another_fluid_takes_the_readiness_and_reckons_anew(bench: Bench) -> None:
    """A program of another drug under another entry: it needs its own confirmation and has its own limits."""
    other = entry(code="other", drug="midazolam", rate_soft_high_nl_h=20_000_000, rate_hard_high_nl_h=20_000_000)
    library_link.upload(bench.pump, Library([entry(), other]))
    pump = bench.pump
    phases, slower = flat(25, 600), flat(10, 600)
    known = {"concentration_ng_ml": CONCENTRATION_NG_ML, "weight_g": WEIGHT_G, "fill_nl": 40_000_000}
    pump.syringe(SYRINGE, 40_000_000)
    pump.confirm(pump.load(header(phases, code="test", **known), phases))
    status = pump.status()
    assert (status["state"], status["empty_s"]) == ("READY", 5760)
    too_fast = header(phases, drug="midazolam", code="other", **known)
    digest = pump.load(too_fast, phases)
    assert pump.status()["state"] == "IDLE"
    assert pump.status()["empty_s"] == -1
    with pytest.raises(Refused, match="IDLE"):
        pump.start()
    with pytest.raises(Refused, match="rate_hard_high"):
        pump.confirm(digest)
    pump.confirm(pump.load(header(slower, drug="midazolam", code="other", **known), slower))
    assert pump.status()["empty_s"] == 14_400
    pump.start()
    bench.run_for(2)
    bench.reconnect()
    with pytest.raises(Refused, match="INFUSING"):
        bench.pump.load(header(phases, code="test", **known), phases)
    status = follow(bench, lambda status: True)
    assert status["rate_nl_h"] == 10_000_000
    bench.reconnect()
    assert bench.pump.fluid("midazolam", CONCENTRATION_NG_ML) == "INFUSING", "its own"
    assert bench.pump.fluid("ketamine", CONCENTRATION_NG_ML) == "IDLE"
    steps = bench.steps
    bench.run_for(2)
    assert (bench.steps, bench.target.motor_on) == (steps, False)
    bench.reconnect()
    status = bench.pump.status()
    assert (status["remaining_nl"], status["empty_s"]) == (0, -1), "to be declared anew"
