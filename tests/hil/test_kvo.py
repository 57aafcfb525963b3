"""The hold rate: after completion, and for an alarm that asks for it. Bounded, and counted in no program."""

from collections.abc import Iterator

import pytest

from hil.bench import Bench, open_bench
from hil.boards import board_data
from hil.plugin import check
from pump.core import alarms
from tests.programs import Oracle, ended, flat, follow, serious, start

STEP_NL = float(Oracle(flat(1, 1)).step_pl) / 1000


@pytest.fixture
def bench(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """A board whose hold rate is 1 mL/h, for 0.2 mL or 10 min at most."""
    board = board_data()
    monkeypatch.setattr(board, "KVO_NL_H", 1_000_000)
    monkeypatch.setattr(board, "KVO_NL", 200_000)
    monkeypatch.setattr(board, "KVO_MS", 600_000)
    with open_bench("sim://") as bench:
        yield bench
        check(request, bench)


def kvo_steps(bench: Bench) -> int:
    steps: int = bench.target.app.controller.kvo_steps  # type: ignore[attr-defined]
    return steps


@pytest.mark.requirement("SR-KVO-01")
@pytest.mark.parametrize(("ml_h", "kvo_ml_h"), [(25, 1.0), (0.5, 0.5)])
@pytest.mark.requirement("SR-KVO-02")
def test_after_completion_it_holds_at_no_more_than_the_rate_that_ran(
    bench: Bench, ml_h: float, kvo_ml_h: float
) -> None:
    phases = flat(ml_h, 60)
    start(bench, phases)
    follow(bench, lambda status: status["state"] == "KVO")
    program = Oracle(phases).steps(60_000)
    bench.run_for(300)
    held_nl = (bench.steps - program) * STEP_NL
    assert held_nl == pytest.approx(kvo_ml_h * 300 / 3600 * 1e6, abs=2 * STEP_NL)
    status = follow(bench, ended)
    assert status["state"] == "IDLE"
    assert status["counted_steps"] == program, "the hold is counted in no program"
    held_nl = (bench.steps - program) * STEP_NL
    assert held_nl <= min(200_000, kvo_ml_h * 600 / 3600 * 1e6)
    assert kvo_steps(bench) == bench.steps - program


@pytest.mark.expects("LINK_LOST")
@pytest.mark.requirement("SR-ALARM-05")
def test_an_alarm_that_asks_for_the_hold_gets_it_and_resume_goes_on_exactly(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = alarms.ALARMS["LINK_LOST"]
    monkeypatch.setitem(alarms.ALARMS, "LINK_LOST", (lost[0], alarms.HOLD, *lost[2:]))
    phases = flat(25, 60)
    start(bench, phases, attended=True)
    bench.run_for(20)
    bench.reconnect()
    status = bench.pump.status()
    assert status["state"] == "KVO"
    assert serious(status) == ["LINK_LOST"]
    bench.run_for(10)
    bench.pump.resume()
    assert bench.pump.status()["state"] == "INFUSING"
    bench.pump.acknowledge()
    follow(bench, lambda status: "INFUSION_COMPLETE" in status["alarms"])
    bench.pump.stop()
    status = bench.pump.status()
    assert status["counted_steps"] == Oracle(phases).steps(60_000)
    assert bench.steps == status["counted_steps"] + kvo_steps(bench)
    assert kvo_steps(bench) > 0


@pytest.mark.requirement("SR-OCC-04")
@pytest.mark.requirement("SR-OCC-05")
def test_a_line_that_is_shut_while_it_holds_is_relieved_too(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(board_data(), "KVO_NL", 1_000_000)
    monkeypatch.setattr(board_data(), "KVO_MS", 3_600_000)
    bench.pump.configure(occlusion_level=0)
    phases = flat(25, 60)
    start(bench, phases)
    follow(bench, lambda status: status["state"] == "KVO")
    bench.occlude()
    follow(bench, lambda status: status["state"] == "ALARM")
    at_alarm_kpa = bench.pressure_kpa
    bench.run_for(20)
    assert bench.pressure_kpa <= board_data().RELIEVED_PA / 1000 < at_alarm_kpa
    before_ul = bench.delivered_ul
    bench.release()
    bench.run_for(20)
    assert bench.delivered_ul - before_ul <= 200
    assert bench.pump.status()["counted_steps"] == Oracle(phases).steps(60_000), (
        "nothing of the program is to come again"
    )
