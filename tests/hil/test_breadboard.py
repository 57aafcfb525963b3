"""A board with the other parts: DRV8825, HX711 and SLF3S, on the simulated pump and in the very image.

The board exists in the tests only (tests/boards/breadboard).
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hil.bench import Bench
from hil.plugin import check
from tests.breadboard import breadboard
from tests.programs import flat, follow, start


@pytest.fixture
def bench(request: pytest.FixtureRequest, bench_url: str, tmp_path: Path) -> Iterator[Bench]:
    with breadboard(bench_url, tmp_path) as bench:
        yield bench
        check(request, bench)


def infusing(bench: Bench, ml_h: float = 100) -> None:
    start(bench, flat(ml_h, 400))
    bench.run_for(4)
    bench.reconnect()
    assert bench.pump.hello["board"] == "breadboard"


def pascal(bench: Bench) -> float:
    bench.reconnect()
    found: float = bench.pump.status()["pressure_pa"]
    return found


def in_alarm(status: dict[str, Any]) -> bool:
    return status["state"] in ("ALARM", "FAULT")


def faults(bench: Bench) -> list[str]:
    return [event["text"] for event in bench.pump.events() if event["kind"] == "fault"]


@pytest.mark.requirement("SR-DIAG-13")
@pytest.mark.expects("OCCLUSION", "LINE_DISCONNECTED")
def test_one_after_another(bench: Bench) -> None:
    """Pressure follows the force; a load cell without its wire; an occlusion by force; the flow
    sensor's flag and its checksum; the driver's fault output."""
    infusing(bench, 400)
    assert pascal(bench) == pytest.approx(bench.pressure_kpa * 1000, abs=500)
    bench.break_pressure_sensor("open")
    status = follow(bench, in_alarm)
    assert "SENSOR_FAULT" in status["alarms"]
    assert not bench.motor_on
    bench.mend_pressure_sensor()
    bench.run_for(1.5)
    bench.reconnect()
    bench.pump.acknowledge()
    bench.pump.resume()

    bench.occlude()
    status = follow(bench, in_alarm)
    assert status["alarms"][0] == "OCCLUSION"
    bench.release()
    bench.run_for(3)
    bench.reconnect()
    bench.pump.acknowledge()
    bench.pump.resume()

    bench.run_for(2)
    bench.let_flow_meter_see(50)
    assert "OVER_DELIVERY" in follow(bench, in_alarm)["alarms"], "a flow beyond the sensor's range"
    bench.let_flow_meter_see(1.0)
    bench.run_for(1.5)
    bench.reconnect()
    bench.pump.acknowledge()
    bench.pump.resume()
    bench.run_for(1)
    bench.break_flow_meter("garbled")
    follow(bench, in_alarm)
    assert faults(bench) == ["pressure sensor: silent", "flow sensor: no good reply 3 times"]
    bench.break_flow_meter(None)
    bench.run_for(2)
    bench.reconnect()
    bench.pump.acknowledge()
    bench.pump.resume()

    bench.break_driver("short")
    status = follow(bench, in_alarm)
    assert (status["state"], status["alarms"][0]) == ("FAULT", "MOTOR_FAULT")
    assert faults(bench)[-1:] == ["motor driver: its fault output is low"]
    assert not bench.motor_on


@pytest.mark.requirement("SR-DIAG-13")
@pytest.mark.sim_only("minutes of device time, and the same code")
@pytest.mark.parametrize("fault", ["short", "stuck"])
def test_a_load_cell_that_cannot_be_true(bench: Bench, fault: str) -> None:
    infusing(bench)
    bench.break_pressure_sensor(fault)
    follow(bench, lambda status: "SENSOR_FAULT" in status["alarms"])  # a force beyond measure is an OCCLUSION before
    assert not bench.motor_on


@pytest.mark.requirement("SR-ACC-10")
@pytest.mark.sim_only("a minute of device time, and the same code")
@pytest.mark.parametrize(
    ("factor", "alarm", "state"), [(0.5, "UNDER_DELIVERY", "INFUSING"), (1.6, "OVER_DELIVERY", "ALARM")]
)
def test_the_flow_sensor_disagrees_with_the_pulses(bench: Bench, factor: float, alarm: str, state: str) -> None:
    infusing(bench)
    bench.run_for(60)
    bench.reconnect()
    assert bench.pump.status()["state"] == "INFUSING", "it agrees"
    begin_s = bench.now_s
    bench.let_flow_meter_see(factor)
    status = follow(bench, lambda status: alarm in status["alarms"])
    print(f"{alarm} after {bench.now_s - begin_s:.0f} s")
    assert bench.now_s - begin_s < 35
    assert status["state"] == state
    assert bench.motor_on == (state == "INFUSING")


@pytest.mark.requirement("SR-AIR-01")
@pytest.mark.sim_only("a minute of device time, and the same code")
@pytest.mark.expects("AIR_IN_LINE")
def test_air_that_only_the_flow_sensor_sees(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    infusing(bench)
    monkeypatch.setattr(bench.target.flow_meter, "_air", lambda: True)
    before_ul = bench.delivered_ul
    assert "AIR_IN_LINE" in follow(bench, in_alarm)["alarms"]
    assert 50 <= bench.delivered_ul - before_ul < 50 + 2.5 * 100 / 3.6, "the single bubble, and two looks at 100 mL/h"


@pytest.mark.sim_only("the same code decides; the emulated one is started above")
def test_a_driver_that_is_faulty_at_power_on(bench: Bench, request: pytest.FixtureRequest) -> None:
    request.node.add_marker(pytest.mark.expects("SELF_TEST_FAILED"))
    bench.run_for(1)
    bench.cut_power()
    bench.break_driver("short")
    bench.restore_power()
    bench.run_for(2)
    bench.reconnect()
    assert bench.pump.status()["state"] == "FAULT"
    assert faults(bench)[-1:] == ["self-test: driver: its fault output is low"]
