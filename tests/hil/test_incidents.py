"""What went wrong with real pumps, each as a test named after it."""

import pytest

from hil.bench import Bench, open_bench
from pump.core.keys import NAMES
from pump.core.library import Library
from tests.core.entries import CONCENTRATION_NG_ML, entry
from tests.programs import SYRINGE, Oracle, ended, flat, follow, header, start
from titrate import library_link
from titrate.errors import ProtocolError, Refused
from titrate.quantities import DOSE, RATE, parse

STOPPING = {
    "occlusion": (Bench.occlude, 400.0),
    "air": (Bench.add_air, 400.0),
    "no syringe": (Bench.remove_syringe, 25.0),
    "line off": (Bench.disconnect_line, 400.0),
    "sensor": (lambda bench: bench.break_pressure_sensor("open"), 25.0),
    "heat": (lambda bench: bench.set_temperature(80), 25.0),
    "supply": (lambda bench: bench.set_supply(5), 25.0),
}


SIM_ONLY = pytest.mark.sim_only("long on the emulated chip; the same core decides")


@SIM_ONLY
@pytest.mark.requirement("SR-STOP-04")
@pytest.mark.parametrize("cause", STOPPING)
def test_medfusion_4000_delivery_went_on_during_an_alarm(bench: Bench, cause: str) -> None:
    act, ml_h = STOPPING[cause]
    start(bench, flat(ml_h, 300))
    bench.run_for(15)
    bench.reconnect()
    act(bench)
    follow(bench, lambda status: status["state"] == "ALARM")
    forward_us = bench.target.mechanics.last_forward_us
    bench.run_for(20)
    assert bench.target.mechanics.last_forward_us == forward_us


@pytest.mark.requirement("SR-BOLUS-05")
@pytest.mark.requirement("SR-LINK-09")
def test_medfusion_4000_loading_dose_given_again(bench: Bench) -> None:
    """A loading dose that an alarm, a retry and a power cut break into: never twice, and its total is that of its
    steps."""
    phases = [["bolus", 20_000, 60 * 10**9, 60 * 10**9], *flat(10, 60)]
    oracle = Oracle(phases)
    start(bench, phases)
    bench.run_for(8)
    bench.remove_syringe()
    bench.run_for(1)
    bench.fit_syringe()
    bench.run_for(1)
    bench.reconnect()
    bench.pump.acknowledge()
    bench.pump.resume()
    bench.run_for(4)
    bench.cut_power()
    true_steps = bench.steps
    bench.run_for(1)
    bench.restore_power()
    bench.run_for(3)
    bench.reconnect()
    status = bench.pump.status()
    assert true_steps <= status["counted_steps"] <= oracle.steps(80_000) + 4
    bench.pump.acknowledge()
    with pytest.raises(Refused):
        bench.pump.start()
    with pytest.raises(Refused):
        bench.pump.confirm(bench.pump.program()[2])
    bench.run_for(2)
    assert bench.steps == true_steps


@SIM_ONLY
@pytest.mark.requirement("SR-POWER-02")
def test_medfusion_4000_no_alarm_on_a_depleted_battery(bench: Bench) -> None:
    """The supply sinks as a battery's does: a warning first, then a stop, both before the controller goes down."""
    start(bench, flat(25, 600))
    bench.run_for(1)
    bench.reconnect()
    came = []
    for centivolts in range(1200, 700, -25):
        bench.set_supply(centivolts / 100)
        for _ in range(20):
            status = bench.pump.wait_status()
        for name in status["alarms"]:
            if name not in came:
                came.append(name)
        if status["state"] == "ALARM":
            break
    assert came.index("BATTERY_LOW") < came.index("BATTERY_DEPLETED")
    steps = bench.steps
    bench.run_for(5)
    assert bench.steps == steps


@pytest.mark.requirement("SR-UI-07")
@pytest.mark.requirement("SR-UI-14")
@pytest.mark.parametrize("seed", range(12))
def test_alaris_key_bounce(seed: int) -> None:
    """Keys that bounce, in any order, never start a pump by themselves; one press is one press."""
    with open_bench("sim://", seed=seed) as bench:
        phases = flat(25, 600)
        bench.pump.syringe(SYRINGE, 50_000_000)
        program = header(phases, bolus_nl=50_000, bolus_ms=2000)
        bench.pump.confirm(bench.pump.load(program, phases))
        for i in range(12):
            bench.press(NAMES[1 + (seed + i * 5) % 3], 0.05 + 0.07 * ((seed * 7 + i * 3) % 12))
            bench.run_for(0.9)
        bench.reconnect()
        assert bench.pump.status()["state"] in ("READY", "IDLE")
        assert bench.steps == 0


@pytest.mark.requirement("SR-UI-13")
@pytest.mark.requirement("SR-POST-04")
@pytest.mark.expects("SELF_TEST_FAILED")
def test_alaris_stuck_keys_are_found_at_power_on(bench: Bench) -> None:
    bench.hold_key("start")
    bench.cut_power()
    bench.run_for(1)
    bench.restore_power()
    bench.run_for(3)
    bench.reconnect()
    status = bench.pump.status()
    assert status["state"] == "FAULT"
    assert status["alarms"] == ["SELF_TEST_FAILED"]
    assert bench.pump.selftest()["keys"] == "failed"


@pytest.mark.requirement("SR-RATE-06")
@pytest.mark.parametrize("before_ms", [(1 << 30) - 5000, (1 << 31) - 5000, (1 << 32) - 5000])
def test_alaris_delay_started_early_or_late(before_ms: int) -> None:
    """A pause before the infusion, across the instants at which clocks of 30, 31 and 32 bits begin anew."""
    with open_bench("sim://") as bench:
        bench.target.app.controller.now_ms = before_ms  # type: ignore[attr-defined]
        phases = [["pause", 10_000, 0, 0], *flat(60, 10)]
        start(bench, phases)
        began_us = bench.enabled_us[-1]
        status = follow(bench, ended)
        assert "INFUSION_COMPLETE" in status["alarms"]
        assert bench.steps == Oracle(phases).steps(20_000)
        first_us = bench.step_times_us[0] - began_us
        assert 10_000_000 <= first_us <= 10_000_000 + 22_000


@SIM_ONLY
@pytest.mark.requirement("SR-LINK-06")
def test_alaris_8015_lost_link(bench: Bench) -> None:
    start(bench, flat(25, 120), attended=True)
    bench.run_for(1)
    bench.unplug_link()
    bench.run_for(20)
    steps = bench.steps
    bench.plug_link()
    bench.reconnect()
    status = bench.pump.status()
    assert "LINK_LOST" in status["alarms"]
    assert status["state"] == "INFUSING"
    assert steps > 0


@pytest.mark.requirement("SR-AUTH-04")
@pytest.mark.requirement("SR-LIB-10")
def test_b_braun_unsigned_data() -> None:
    """Nothing is taken whose digest nobody named: neither program nor library; and a flipped bit in store is found."""
    with open_bench("sim://") as bench:
        phases = flat(25, 60)
        bench.pump.syringe(SYRINGE, 50_000_000)
        bench.pump.load(header(phases), phases)
        with pytest.raises(Refused, match="digest"):
            bench.pump.confirm("0" * 64)
        library = Library([entry()])
        library_link.upload(bench.pump, library)
        with pytest.raises(Refused):
            bench.pump.request("library_confirm", digest="0" * 64)
        assert bench.pump.status()["library"] == library.digest[:8]
        store = bench.target.store  # type: ignore[attr-defined]
        bench.run_for(1)
        bench.cut_power()
        store.flip_bit("library0", 999)
        bench.restore_power()
        bench.run_for(2)
        bench.reconnect()
        status = bench.pump.status()
        assert status["state"] == "FAULT"
        assert "SELF_TEST_FAILED" in status["alarms"]
        assert "MEMORY_FAULT" in status["alarms"]
        assert status["library"] == ""
        assert any("library" in event["text"] for event in bench.pump.events() if event["kind"] == "fault")
        bench.cut_power()
        bench.restore_power()
        bench.run_for(2)
        bench.reconnect()
        assert bench.pump.status()["state"] == "IDLE", "the damaged one is set aside"
        assert bench.pump.status()["library"] == ""


@pytest.mark.requirement("SR-ACC-01")
@pytest.mark.parametrize("ml_h", [0.1, 0.5, 1.0])
def test_graseby_3400_delivers_less_than_it_reports(ml_h: float) -> None:
    """The open end of the line against the pump's own total, at low rates."""
    with open_bench("sim://") as bench:
        start(bench, flat(ml_h, 4 * 3600))
        bench.run_for(4 * 3600 - 1)
        bench.reconnect()
        counted_ul = bench.pump.status()["counted_nl"] / 1000
        assert counted_ul == pytest.approx(ml_h * 4000, rel=0.01)
        assert bench.delivered_ul == pytest.approx(counted_ul, rel=0.05, abs=1)


@pytest.mark.requirement("SR-RATE-03")
def test_planktoscope_859_a_low_rate_became_zero() -> None:
    """The lowest rate of the small-volume profile moves, at that rate; one unit below it is refused, and not made 0."""
    with open_bench("sim://") as bench:
        library_link.upload(bench.pump, Library([entry(rate_hard_low_nl_h=100_000, kvo_nl_h=0)]))
        pump = bench.pump
        pump.syringe(SYRINGE, 50_000_000)
        below = [["infuse", 1_800_000, 100_000_000 - 1, 100_000_000 - 1]]
        known = {"code": "test", "concentration_ng_ml": CONCENTRATION_NG_ML}
        with pytest.raises(Refused, match="rate_hard_low"):
            pump.confirm(pump.load(header(below, **known), below))
        lowest = flat(0.1, 1800)
        pump.confirm(pump.load(header(lowest, **known), lowest))
        pump.start()
        follow(bench, ended)
        assert bench.steps == Oracle(lowest).steps(1_800_000) > 100


@pytest.mark.requirement("SR-ACC-01")
@pytest.mark.parametrize("ml_h", [1.0, 25.0, 400.0])
def test_planktoscope_289_right_volume_at_the_wrong_rate(ml_h: float) -> None:
    """The rate in every tenth of the time, not only the volume at the end."""
    with open_bench("sim://") as bench:
        phases = flat(ml_h, 400)
        start(bench, phases)
        began_us = bench.enabled_us[-1]
        follow(bench, ended)
        oracle = Oracle(phases)
        for tenth in range(1, 11):
            until_us = began_us + tenth * 40_000_000
            made = sum(1 for at_us in bench.step_times_us if at_us <= until_us)
            assert abs(made - oracle.steps(tenth * 40_000)) <= 1 + ml_h / 100


@pytest.mark.requirement("SR-RATE-09")
@pytest.mark.parametrize("text", ["0,35 mg/kg/h", "-5 mg/kg/h", "35", "1.2.3 mL/h", "5 mg/kg/h extra", "0x10 mL/h"])
def test_stanpumpr_validate_dose_guessed(text: str) -> None:
    with pytest.raises(ProtocolError):
        parse(text, RATE)
    with pytest.raises(ProtocolError):
        parse(text.replace("/h", ""), DOSE)


@SIM_ONLY
@pytest.mark.requirement("SR-STOP-06")
@pytest.mark.expects("REPEATED_ALARM")
def test_restarting_again_and_again_after_the_same_alarm_is_an_alarm(bench: Bench) -> None:
    start(bench, flat(400, 300))
    for _ in range(2):
        bench.run_for(2)
        bench.add_air()
        bench.run_for(1)
        bench.clear_air()
        bench.run_for(1)
        bench.reconnect()
        bench.pump.acknowledge()
        bench.pump.resume()
    bench.run_for(2)
    bench.add_air()
    bench.run_for(1)
    bench.clear_air()
    bench.run_for(1)
    bench.reconnect()
    bench.pump.acknowledge()
    with pytest.raises(Refused, match="too often"):
        bench.pump.resume()
    assert "REPEATED_ALARM" in bench.pump.status()["alarms"]
    bench.pump.acknowledge()
    bench.pump.resume()
