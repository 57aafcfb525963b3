"""Calibration on a whole pump: found by measuring, kept, refused, or found damaged; and what it then delivers."""

import binascii
from fractions import Fraction
from typing import Any

import pytest

from hil.bench import Bench, open_bench
from hil.plugin import is_real
from pump.core.syringes import SYRINGES, step_volume_pl
from pump.core.wire import CALIBRATION
from tests.hil.test_memory import again
from tests.programs import SYRINGE, flat, follow, header, start
from titrate import calibrating
from titrate.errors import DeliveryError, LinkError, Refused

GOOD = {"syringe": SYRINGE, "slope_ppm": 12_345, "residual_ppm": 210, "date": "2026-11-28"}
PRESSURE = {"zero_pa": 1200, "span_ppm": -30_000, "date": "2026-11-28"}
ML_H = 300
GEAR = (2000, 3200)


@pytest.fixture(autouse=True)
def a_simulated_pump(request: pytest.FixtureRequest) -> None:
    if is_real(request.config):
        pytest.skip("it would replace the calibration of a real pump")


class AtTheLine:
    """Measures what left the open end of the line."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._before_ul = 0.0

    def before(self, run: int) -> None:
        self._before_ul = self._bench.delivered_ul

    def after(self, run: int) -> float:
        return (self._bench.delivered_ul - self._before_ul) / 1000


def delivered_ml(bench: Bench, ml_h: float, seconds: float) -> float:
    """What a program at one rate brings out of the line in the end."""
    before_ul = bench.delivered_ul
    start(bench, flat(ml_h, seconds))
    follow(bench, lambda status: "INFUSION_COMPLETE" in status["alarms"])
    bench.pump.acknowledge()
    for _ in range(15):
        bench.pump.wait_status()
    return (bench.delivered_ul - before_ul) / 1000


@pytest.mark.plant("ideal")
@pytest.mark.requirement("SR-MECH-03")
@pytest.mark.parametrize("bore_error_percent", [1.5, -0.8])
def test_a_barrel_of_another_bore_is_measured_and_then_delivers_what_is_asked(
    bench: Bench, bore_error_percent: float
) -> None:
    bench.fit_barrel(bore_error_percent)
    error = (1 + bore_error_percent / 100) ** 2 - 1
    assert delivered_ml(bench, ML_H, 12) == pytest.approx(1 + error, rel=0.002), "without a calibration it is off"
    measure = AtTheLine(bench)
    done = calibrating.measure_volume(bench.pump, SYRINGE, Fraction(1), Fraction(ML_H), 3, measure, lambda status: None)
    found = calibrating.fit(done)
    assert found.slope_ppm == pytest.approx(error * 1e6, abs=1000)
    assert found.residual_ppm < 1000
    calibrating.store_volume(bench.pump, SYRINGE, found)
    again(bench)
    bench.change_syringe()
    assert delivered_ml(bench, ML_H, 12) == pytest.approx(1, rel=0.002)
    told = [event["text"] for event in bench.pump.events() if event["kind"] == "versions"]
    assert f"{SYRINGE} {found.slope_ppm:+d} ppm, residual {found.residual_ppm} ppm" in told[-1]


@pytest.mark.sim_only("minutes of device time; the other bench has the same sums")
@pytest.mark.requirement("SR-MECH-03")
def test_with_play_friction_and_a_screw_that_errs_a_larger_volume_finds_the_bore_as_well(bench: Bench) -> None:
    bench.fit_barrel(1.0)
    done = calibrating.measure_volume(
        bench.pump, SYRINGE, Fraction(5), Fraction(ML_H), 4, AtTheLine(bench), lambda status: None
    )
    found = calibrating.fit(done)
    assert found.residual_ppm < 3000, "a turn of the screw is 1.1 mL"
    calibrating.store_volume(bench.pump, SYRINGE, found)
    bench.change_syringe()
    delivered_ml(bench, ML_H, 12)  # takes up the play
    assert delivered_ml(bench, ML_H, 120) == pytest.approx(10, rel=0.002)


@pytest.mark.sim_only("the same core divides on every target")
@pytest.mark.parametrize("syringe", sorted(SYRINGES))
def test_a_calibrated_step_is_exact(bench: Bench, syringe: str) -> None:
    bench.pump.request("calibrate", **GOOD | {"syringe": syringe})
    bench.pump.syringe(syringe, SYRINGES[syringe][3])
    controller = bench.target.app.controller  # type: ignore[attr-defined]
    nominal = Fraction(*step_volume_pl(syringe, *GEAR))
    assert Fraction(*controller.step_volume) == nominal * Fraction(1_012_345, 1_000_000)
    others = [name for name in SYRINGES if name != syringe]
    assert all(Fraction(*controller.step_volume_of(name)) == Fraction(*step_volume_pl(name, *GEAR)) for name in others)


@pytest.mark.requirement("SR-LOG-05")
@pytest.mark.requirement("SR-AUTH-07")
def test_it_is_kept_through_a_power_cut_with_date_and_operator_until_it_is_forgotten(bench: Bench) -> None:
    pump = bench.pump
    assert pump.calibration() == {"syringes": {}, "pressure": {}}
    pump.request("calibrate", **GOOD)
    pump.request("calibrate", **GOOD | {"syringe": "bd-plastipak-5", "slope_ppm": -7})
    pump.request("calibrate_pressure", **PRESSURE)
    kept = {name: GOOD[name] for name in ("slope_ppm", "residual_ppm", "date")} | {"author": "bench"}
    whole = {
        "syringes": {SYRINGE: kept, "bd-plastipak-5": kept | {"slope_ppm": -7}},
        "pressure": PRESSURE | {"author": "bench"},
    }
    assert pump.calibration() == whole
    again(bench)
    assert bench.pump.calibration() == whole
    token = bench.pump.request("clear", what="calibration")["token"]
    bench.pump.request("clear_confirm", token=token)
    again(bench)
    assert bench.pump.calibration() == {"syringes": {}, "pressure": {}}


@pytest.mark.sim_only("the same core decides")
@pytest.mark.requirement("SR-AUTH-08")
@pytest.mark.parametrize("name", sorted(CALIBRATION))
def test_what_is_implausible_is_refused_and_changes_nothing(bench: Bench, name: str) -> None:
    pump = bench.pump
    method, good = ("calibrate", GOOD) if name in GOOD else ("calibrate_pressure", PRESSURE)
    pump.request(method, **good)
    before = pump.calibration()
    least, most, _ = CALIBRATION[name]
    for value in (least - 1, most + 1):
        with pytest.raises(Refused, match=f"{name}: must be {least} to {most}"):
            pump.request(method, **good | {name: value})
    with pytest.raises(Refused, match="date: must be YYYY-MM-DD"):
        pump.request(method, **good | {"date": "yesterday"})
    with pytest.raises(Refused, match="known are"):
        pump.request("calibrate", **GOOD | {"syringe": "a bottle"})
    assert pump.calibration() == before
    for value in (least, most):
        pump.request(method, **good | {name: value})


@pytest.mark.sim_only("the same core decides")
@pytest.mark.requirement("SR-AUTH-07")
def test_it_wants_maintenance_at_the_pump_and_an_idle_one(bench: Bench) -> None:
    pump = bench.pump
    asked: list[Any] = []
    hands, pump.at_the_pump = pump.at_the_pump, asked.append
    for method, params in (("calibrate", GOOD), ("calibrate_pressure", PRESSURE)):
        with pytest.raises(Refused, match="hold START for a second, then MUTE"):
            pump.request(method, **params)
    assert ("start", "mute") in asked
    pump.at_the_pump = hands
    start(bench, flat(25, 60))
    for method, params in (("calibrate", GOOD), ("calibrate_pressure", PRESSURE)):
        with pytest.raises(Refused, match="in state INFUSING"):
            pump.request(method, **params)
    assert pump.calibration() == {"syringes": {}, "pressure": {}}


@pytest.mark.requirement("SR-UI-05")
def test_program_and_syringe_of_before_are_not_gone_on_with(bench: Bench) -> None:
    pump, phases = bench.pump, flat(25, 60)
    pump.syringe(SYRINGE, 50_000_000)
    digest = pump.load(header(phases), phases)
    pump.request("calibrate", **GOOD)
    with pytest.raises(Refused, match="no complete program is loaded"):
        pump.confirm(digest)
    with pytest.raises(Refused, match="declare a"):
        pump.confirm(pump.load(header(phases), phases))
    assert pump.status()["remaining_nl"] == 0


@pytest.mark.requirement("SR-LOG-09")
@pytest.mark.parametrize("damage", ["bit", "value", "rubbish"])
def test_a_damaged_calibration_is_an_alarm_in_the_log_and_nominal(damage: str) -> None:
    with open_bench("sim://") as bench:
        bench.pump.request("calibrate", **GOOD)
        store = bench.target.store  # type: ignore[attr-defined]
        bench.cut_power()
        if damage == "bit":
            store.flip_bit("calibration", 8 * len(store.files["calibration"]) // 2)
        elif damage == "value":  # with a good checksum: a firmware with other limits has written it
            text = store.files["calibration"][:-9].replace(b"12345", b"99999")
            store.files["calibration"] = text + b" %08x" % binascii.crc32(text)
        else:
            store.files["calibration"] = b"\xff\x00"
        bench.restore_power()
        bench.run_for(2)
        bench.reconnect()
        status = bench.pump.status()
        assert (status["state"], "MEMORY_FAULT" in status["alarms"]) == ("ALARM", True)
        faults = [event["text"] for event in bench.pump.events() if event["kind"] == "fault"]
        assert faults == ["calibration: damaged; bore, screw and sensor count as nominal"]
        assert bench.pump.calibration() == {"syringes": {}, "pressure": {}}
        assert bench.pump.acknowledge() == []
        again(bench)
        assert bench.pump.status()["state"] == "IDLE", "it was set aside, and is no fault any more"


@pytest.mark.requirement("SR-LOG-05")
def test_a_power_cut_at_any_byte_leaves_the_calibration_before_or_the_new_one() -> None:
    with open_bench("sim://") as bench:
        bench.pump.request("calibrate", **GOOD)
        store = bench.target.store  # type: ignore[attr-defined]
        found = set()
        for cut_after_bytes in range(0, len(store.files["calibration"]) + 40, 5):
            bench.pump.request("calibrate", **GOOD)
            bench.run_for(2)  # what the log has of it is stored
            store.cut_after_bytes = cut_after_bytes
            stored = False
            try:
                bench.pump.request("calibrate", **GOOD | {"slope_ppm": 99})
                stored = True
            except LinkError:
                pass
            bench.cut_power()
            bench.restore_power()
            bench.run_for(3)
            bench.reconnect()
            slope_ppm = bench.pump.calibration()["syringes"][SYRINGE]["slope_ppm"]
            assert slope_ppm == 99 or not stored
            found.add(slope_ppm)
            assert bench.pump.status()["state"] == "IDLE"
        assert found == {12_345, 99}


@pytest.mark.sim_only("on the chip a flash that takes nothing outlasts the watchdog")
@pytest.mark.requirement("SR-LOG-09")
def test_what_cannot_be_stored_is_not_in_force(bench: Bench) -> None:
    bench.pump.request("calibrate", **GOOD)
    before = bench.pump.calibration()
    bench.hold_in_turn(["start", "mute"])
    bench.fill_flash()
    with pytest.raises(Refused, match="calibration: cannot be stored"):
        bench.pump.request("calibrate", **GOOD | {"slope_ppm": 99})
    bench.free_flash()
    assert bench.pump.calibration() == before
    assert "MEMORY_FAULT" in bench.pump.status()["alarms"]


@pytest.mark.requirement("SR-DIAG-09")
def test_a_slope_that_flips_in_memory_stops_the_pump_before_it_moves() -> None:
    with open_bench("sim://") as bench:
        bench.pump.request("calibrate", **GOOD)
        phases = flat(25, 60)
        bench.pump.syringe(SYRINGE, 50_000_000)
        bench.pump.confirm(bench.pump.load(header(phases), phases))
        memory = bench.target.app.controller.memory  # type: ignore[attr-defined]
        memory.calibration["syringes"][SYRINGE]["slope_ppm"] ^= 1 << 12
        with pytest.raises(Refused, match="not the one that was confirmed"):
            bench.pump.start()
        assert bench.pump.status()["state"] == "FAULT"


@pytest.mark.plant("ideal")
def test_a_sensor_that_is_off_is_measured_and_then_reads_what_the_gauge_does(bench: Bench) -> None:
    sensor = bench.target.sensor
    sensor.offset_kpa, sensor.gain = 2.4, 0.94  # type: ignore[union-attr]
    stored = calibrating.store_pressure(bench.pump, None)
    assert stored["zero_pa"] == pytest.approx(2400, abs=60)
    bench.set_back_pressure(50)
    bench.run_for(30)
    bench.reconnect()
    assert bench.pump.status()["pressure_pa"] == pytest.approx(47_000, abs=300)
    stored = calibrating.store_pressure(bench.pump, 50_000)
    assert stored["span_ppm"] == pytest.approx(1e6 / 0.94 - 1e6, abs=3000)
    for _ in range(2):
        assert bench.pump.wait_status()["pressure_pa"] == pytest.approx(50_000, abs=300)
        stored = calibrating.store_pressure(bench.pump, 50_000)  # again, out of what is corrected already
        assert stored["span_ppm"] == pytest.approx(1e6 / 0.94 - 1e6, abs=3000)
    bench.set_back_pressure(0)
    bench.run_for(30)
    bench.reconnect()
    assert bench.pump.status()["pressure_pa"] == pytest.approx(0, abs=200)


@pytest.mark.sim_only("a host's business")
def test_a_sensor_that_is_far_off_is_not_stored(bench: Bench) -> None:
    sensor = bench.target.sensor
    sensor.offset_kpa = 6.0  # type: ignore[union-attr]
    with pytest.raises(DeliveryError, match="plausible are -5000 to 5000 Pa"):
        calibrating.store_pressure(bench.pump, None)
    with pytest.raises(DeliveryError, match="it sees no such pressure"):
        calibrating.store_pressure(bench.pump, 50_000)
    assert bench.pump.calibration()["pressure"] == {}


@pytest.mark.sim_only("a host's business")
@pytest.mark.expects("OCCLUSION")
def test_a_run_that_an_alarm_ends_is_not_measured(bench: Bench) -> None:
    bench.occlude()
    with pytest.raises(DeliveryError, match="the run ended in ALARM: OCCLUSION"):
        calibrating.measure_volume(
            bench.pump, SYRINGE, Fraction(1), Fraction(ML_H), 3, AtTheLine(bench), lambda status: None
        )
    assert bench.pump.status()["state"] == "IDLE"
    assert not bench.motor_on
