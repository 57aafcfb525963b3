"""The way to a real bench, walked on one that is simulated and does not show it: each part behind its own port."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hil import inventory
from hil.aftermath import leave
from hil.bench import Bench, open_bench
from hil.benchfile import read
from hil.instruments.balance import check_drift
from hil.instruments.errors import (
    Drifting,
    Garbled,
    InstrumentError,
    InstrumentMissing,
    Overloaded,
    Silent,
    Unplugged,
)
from hil.real import RealBench
from hil.virtual import VirtualBench
from pump.core.syringes import SYRINGES
from tests.programs import flat, start
from tests.weighing import volume_ul, weigh
from titrate.errors import LinkError

SPEED = 10.0


@pytest.fixture
def virtual(tmp_path: Path) -> Iterator[VirtualBench]:
    with VirtualBench(tmp_path, speed=SPEED) as virtual:
        yield virtual


@pytest.fixture
def real(virtual: VirtualBench) -> Iterator[RealBench]:
    with RealBench(read(virtual.path), motion=True, clock=virtual.pump) as real:
        yield real


def test_a_dose_goes_through_the_port_and_is_weighed_at_another(real: RealBench) -> None:
    balance = real.balance
    start(real, flat(200, 90))
    real.run_for(10)
    before, *_, after = weigh(real, balance, 40, 10)
    found_ml_h = volume_ul(real, before, after) / 1000 / (after.time_s - before.time_s) * 3600
    assert found_ml_h == pytest.approx(200, rel=0.1)  # as exact as this machine answers in time
    assert real.delivered_ul > 1500
    assert leave(real) == []
    assert not real.motor_on


def test_nothing_moves_without_leave(virtual: VirtualBench) -> None:
    with RealBench(read(virtual.path), clock=virtual.pump) as real:
        with pytest.raises(InstrumentMissing, match="without --motion"):
            start(real, flat(25, 10))
        assert real.pump.status()["state"] == "READY"
    assert virtual.bench.steps == 0


@pytest.mark.parametrize(
    ("ask", "says"),
    [
        (lambda bench: start(bench, flat(401, 10)), "401 mL/h is asked for; its limit is 400 mL/h"),
        (lambda bench: start(bench, flat(400, 3600)), "400 mL is asked for; its limit is 45 mL"),
        (lambda bench: bench.pump.bolus(1_000_000, 1000), "3600 mL/h is asked for"),
        (lambda bench: bench.pump.syringe("bd-plastipak-20", SYRINGES["bd-plastipak-20"][3]), "a bd-plastipak-50 is"),
        (lambda bench: bench.step_times_us, "it has no step_times_us: only a simulated bench has"),
        (lambda bench: bench.target, "it has no target"),
        (lambda bench: bench.add_air(), "it has no add_air"),
        (lambda bench: bench.cut_power(), r"has no table \[power\]"),
    ],
)
def test_what_this_bench_cannot_do_is_a_reason_to_skip(
    real: RealBench, ask: Callable[[RealBench], object], says: str
) -> None:
    with pytest.raises(InstrumentMissing, match=says):
        ask(real)


def test_a_pressure_limit_below_the_pumps_own_is_kept(virtual: VirtualBench) -> None:
    file = read(virtual.path)
    low = file.model_copy(update={"limits": file.limits.model_copy(update={"pressure_kpa": 55})})
    with RealBench(low, motion=True, clock=virtual.pump) as real:
        with pytest.raises(InstrumentMissing, match="bears 55 kPa, and the pump's occlusion limit is set to 69 kPa"):
            start(real, flat(25, 10))
        real.pump.stop()
        real.pump.configure(occlusion_level=1)
        start(real, flat(25, 10))


def test_a_hand_at_the_pump_is_a_relay_across_a_key_or_a_person(virtual: VirtualBench) -> None:
    file = read(virtual.path)
    nobody = pytest.raises(InstrumentMissing, match='nobody is there to "Hold MUTE of the pump for a second"')
    with RealBench(file.model_copy(update={"keys": None}), motion=True, clock=virtual.pump) as real, nobody:
        start(real, flat(25, 10))
    with RealBench(file, motion=True, clock=virtual.pump) as real:
        start(real, flat(400, 30))
        real.press("stop", 0.5)
        real.run_for(1)
        assert real.pump.status()["state"] == "IDLE"
        assert leave(real) == []


def test_an_adjusted_rate_keeps_to_the_limits(real: RealBench) -> None:
    with pytest.raises(InstrumentMissing, match="401 mL/h is asked for"):
        real.pump.adjust(401 * 10**9)


def test_the_clamp_hangs_on_a_relay(real: RealBench, virtual: VirtualBench) -> None:
    start(real, flat(400, 30))
    real.run_for(2)
    real.occlude()
    assert virtual.bench.target.mechanics.line.clamped
    while real.pump.wait_status()["state"] != "ALARM":
        pass
    assert "OCCLUSION" in real.pump.status()["alarms"]
    assert leave(real) == []
    assert not virtual.bench.target.mechanics.line.clamped, "the hand is undone"
    assert "OCCLUSION" not in real.pump.status()["alarms"], "the next test finds a pump that may start"


def drifts(virtual: VirtualBench) -> None:
    virtual.balance.pan.data = type(virtual.balance.pan.data)(drift_g_h=5.0)


FAULTS: dict[str, tuple[Callable[[VirtualBench], None], type[InstrumentError]]] = {
    "silent": (lambda virtual: setattr(virtual.balance, "fault", "silent"), Silent),
    "rubbish": (lambda virtual: setattr(virtual.balance, "fault", "rubbish"), Garbled),
    "overload": (lambda virtual: setattr(virtual.balance.pan, "extra_g", 300.0), Overloaded),
    "drift": (drifts, Drifting),
    "unplugged": (lambda virtual: virtual.balance_pty.close(), Unplugged),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_balance_that_fails_is_named_and_the_pump_is_not(real: RealBench, virtual: VirtualBench, fault: str) -> None:
    spoil, error = FAULTS[fault]
    balance = real.balance
    start(real, flat(25, 60))
    spoil(virtual)
    with pytest.raises(error, match=r"^balance mt-sics \(/dev/.*The pump is not to blame$"):
        check_drift(balance, real.run_for, 20, 30.0 if fault != "drift" else 1.0)
    assert leave(real) == [], "the pump itself goes on, and stops when told"


def test_an_unplugged_pump_is_the_links_failure(real: RealBench, virtual: VirtualBench) -> None:
    assert real.pump.status()["state"] == "IDLE"
    virtual.pump.pty.close()
    with pytest.raises(LinkError):
        real.pump.status()


def test_the_bench_is_told_line_by_line(virtual: VirtualBench) -> None:
    shown = "\n".join(inventory.of_target(str(virtual.path)))
    assert f"pump      {virtual.pump.pty.path}, board pico" in shown
    assert "serial number SIM-0001" in shown
    assert "power     none: what needs it is skipped" in shown


def test_open_bench_takes_a_file_and_a_port_gets_careful_limits(virtual: VirtualBench) -> None:
    with open_bench(str(virtual.path)) as bench:
        assert not bench.simulated
        assert bench.pump.hello["name"] == "titrate"
    careful = inventory.bench_of("/dev/ttyACM9")
    assert (careful.limits.rate_ml_h, careful.balance) == (25, None)


def test_hands_and_their_alarms() -> None:
    with open_bench("sim://") as bench:
        Bench.occlude(bench)
        assert bench.expected == {"OCCLUSION"}
