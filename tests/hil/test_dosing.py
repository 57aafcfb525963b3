"""Library, dose windows, boluses and hold rate on the whole pump, from the upload to the steps at the pin."""

from typing import Any

import pytest

from hil.bench import Bench
from pump.core.library import Library
from tests.core.entries import CONCENTRATION_NG_ML, WEIGHT_G, entry
from tests.programs import SYRINGE, Oracle, flat, follow, header
from titrate import library_link
from titrate.errors import Refused

STEP_NL = float(Oracle(flat(1, 1)).step_pl) / 1000
FILL_NL = 50_000_000


def give(bench: Bench, phases: list[list[Any]], overrides: Any = (), **changed: Any) -> None:
    """Starts phases under the entry "test"."""
    program = header(phases, concentration_ng_ml=CONCENTRATION_NG_ML, weight_g=WEIGHT_G, code="test") | changed
    pump = bench.pump
    pump.syringe(SYRINGE, FILL_NL)
    pump.confirm(pump.load(program, phases), overrides)
    pump.start()


def use(bench: Bench, **changed: Any) -> None:
    """Puts a library of one entry in force; what is not changed is as wide as can be."""
    library_link.upload(bench.pump, Library([entry(**changed)]))


def given_mg_kg(bench: Bench) -> float:
    return bench.steps * STEP_NL * CONCENTRATION_NG_ML / 1e12 / (WEIGHT_G / 1000)


# --- the library


SIM_ONLY = pytest.mark.sim_only("long on the emulated chip; the same core decides")


@pytest.mark.requirement("SR-LIB-01")
@pytest.mark.requirement("SR-LIB-14")
def test_a_library_is_taken_in_shown_and_kept_across_a_power_cut(bench: Bench) -> None:
    library = Library([entry(), entry(code="other")])
    assert bench.pump.status()["library"] == ""
    library_link.upload(bench.pump, library)
    assert bench.pump.status()["library"] == library.digest[:8]
    assert library_link.download(bench.pump).digest == library.digest
    bench.cut_power()
    bench.run_for(1)
    bench.restore_power()
    bench.run_for(3)
    bench.reconnect()
    assert bench.pump.status()["library"] == library.digest[:8]
    assert library_link.download(bench.pump).digest == library.digest


@SIM_ONLY
@pytest.mark.requirement("SR-LIB-05")
def test_an_unknown_code_is_refused_and_logged(bench: Bench) -> None:
    use(bench)
    with pytest.raises(Refused, match="no entry nobody"):
        give(bench, flat(25, 60), code="nobody")
    assert bench.pump.status()["state"] == "IDLE"
    assert any(event["kind"] == "refused" and "nobody" in event["text"] for event in bench.pump.events())


@SIM_ONLY
@pytest.mark.requirement("SR-LIB-14")
def test_without_an_entry_the_alarm_shows_for_the_whole_infusion(bench: Bench) -> None:
    give(bench, flat(25, 5), code="")
    shown = []
    while True:
        status = bench.pump.wait_status()
        if status["state"] == "IDLE":
            break
        if status["state"] == "INFUSING" and status["infused_ms"] > 1500:
            shown.append("LIBRARY_MISSING" in status["alarms"])
    assert shown
    assert all(shown)


@SIM_ONLY
@pytest.mark.requirement("SR-LIB-06")
@pytest.mark.requirement("SR-LIB-09")
def test_a_hard_limit_refuses_whatever_is_overridden(bench: Bench) -> None:
    use(bench, rate_hard_high_nl_h=20_000_000, rate_soft_high_nl_h=20_000_000)
    for overrides in ((), [("rate_hard_high_nl_h", 25_000_000)]):
        with pytest.raises(Refused, match="hard limit"):
            give(bench, flat(25, 60), overrides)
    assert bench.pump.status()["state"] == "IDLE"
    give(bench, flat(20, 60))
    assert bench.pump.status()["state"] == "INFUSING"


@SIM_ONLY
@pytest.mark.requirement("SR-LIB-07")
@pytest.mark.requirement("SR-LIB-08")
@pytest.mark.requirement("SR-UI-05")
def test_a_soft_limit_asks_for_that_very_value_logs_it_and_shows_it(bench: Bench) -> None:
    use(bench, rate_soft_high_nl_h=20_000_000)
    with pytest.raises(Refused, match=r"rate_soft_high_nl_h: 25000000"):
        give(bench, flat(25, 60))
    with pytest.raises(Refused, match="soft"):
        give(bench, flat(25, 60), [("rate_soft_high_nl_h", 25_000_001)])
    give(bench, flat(25, 60), [("rate_soft_high_nl_h", 25_000_000)])
    assert bench.pump.wait_status()["overrides"] == 1
    kinds = [event["kind"] for event in bench.pump.events()]
    assert "override" in kinds
    assert sum(event["kind"] == "refused" and "confirm" in event["text"] for event in bench.pump.events()) == 2


@SIM_ONLY
@pytest.mark.requirement("SR-DOSE-06")
def test_another_concentration_than_the_entrys_is_refused(bench: Bench) -> None:
    use(bench, concentration_low_ng_ml=CONCENTRATION_NG_ML, concentration_high_ng_ml=CONCENTRATION_NG_ML)
    with pytest.raises(Refused, match="concentration"):
        give(bench, flat(25, 60), concentration_ng_ml=CONCENTRATION_NG_ML + 1)
    give(bench, flat(25, 60))


# --- dose windows


@SIM_ONLY
@pytest.mark.requirement("SR-DOSE-04")
@pytest.mark.requirement("SR-ALARM-05")
@pytest.mark.expects("DOSE_LIMIT")
def test_the_dose_of_an_hour_is_never_beyond_its_limit(bench: Bench) -> None:
    """0.35 mg/kg/h with 0.02 mg/kg allowed in an hour: the limit comes after 206 s."""
    limit = 20_000
    use(bench, dose_1h_soft_ng_kg=limit, dose_1h_hard_ng_kg=limit, kvo_nl_h=0)
    phases = flat(24.5, 600)
    with pytest.raises(Refused, match="dose_1h_hard"):
        give(bench, phases)
    short = flat(24.5, 200)  # within, by itself
    give(bench, short)
    follow(bench, lambda status: status["state"] == "IDLE")
    give(bench, short)  # the hour's first dose is not forgotten
    status = follow(bench, lambda status: "DOSE_LIMIT" in status["alarms"])
    assert status["state"] in ("KVO", "PAUSED")
    bench.run_for(30)
    assert given_mg_kg(bench) <= limit / 1e6 < given_mg_kg(bench) + 2 * STEP_NL * CONCENTRATION_NG_ML / 1e12 / 70
    bench.reconnect()
    with pytest.raises(Refused, match="still true: DOSE_LIMIT"):
        bench.pump.resume()


@SIM_ONLY
@pytest.mark.requirement("SR-DOSE-04")
@pytest.mark.requirement("SR-POWER-01")
@pytest.mark.expects("DOSE_LIMIT")
def test_a_power_cut_does_not_empty_the_window(bench: Bench) -> None:
    limit = 20_000
    use(bench, dose_1h_soft_ng_kg=limit, dose_1h_hard_ng_kg=limit)
    give(bench, flat(24.5, 200))
    bench.run_for(120)
    bench.cut_power()
    bench.run_for(7200)  # nobody knows for how long: it counts as nothing
    bench.restore_power()
    bench.run_for(3)
    bench.reconnect()
    bench.pump.acknowledge()
    give(bench, flat(24.5, 200))
    follow(bench, lambda status: "DOSE_LIMIT" in status["alarms"])
    bench.run_for(10)
    assert given_mg_kg(bench) <= limit / 1e6
    assert given_mg_kg(bench) > 0.6 * limit / 1e6, "one checkpoint's worth at most is counted too much"


# --- boluses


@pytest.mark.requirement("SR-BOLUS-03")
def test_the_lockout_counts_from_the_end_of_the_bolus_and_outlives_the_power(bench: Bench) -> None:
    use(bench, bolus_lockout_ms=60_000)
    give(bench, flat(10, 600))
    bench.run_for(2)
    bench.reconnect()
    assert bench.pump.bolus(100_000, 10_000) == 100_000
    follow(bench, lambda status: status["state"] == "INFUSING")
    bench.run_for(30)
    bench.reconnect()
    with pytest.raises(Refused, match=r"locked out for another [123]\d s"):
        bench.pump.bolus(100_000, 10_000)
    bench.cut_power()
    bench.run_for(600)
    bench.restore_power()
    bench.run_for(3)
    bench.reconnect()
    bench.pump.acknowledge()
    give(bench, flat(10, 600))
    bench.run_for(1)
    bench.reconnect()
    with pytest.raises(Refused, match="locked out"):
        bench.pump.bolus(100_000, 10_000)
    bench.run_for(60)
    bench.reconnect()
    assert bench.pump.bolus(100_000, 10_000) == 100_000


@SIM_ONLY
@pytest.mark.requirement("SR-BOLUS-03")
@pytest.mark.parametrize("begin_s", [1.05, 1.35, 1.65, 1.95])
def test_the_lockout_is_kept_to_the_control_tick(bench: Bench, begin_s: float) -> None:
    """Wherever in a second the bolus ends: the next one is refused until the whole interval has passed."""
    use(bench, bolus_lockout_ms=10_000)
    give(bench, flat(10, 600))
    bench.run_for(begin_s)
    bench.reconnect()
    bench.pump.bolus(20_000, 3000)
    follow(bench, lambda status: status["state"] == "INFUSING")
    ended_s = bench.now_s
    while True:
        bench.run_for(0.05)
        bench.reconnect()
        try:
            bench.pump.bolus(20_000, 3000)
        except Refused:
            continue
        break
    assert 10 - 0.1 <= bench.now_s - ended_s <= 10 + 0.3, "the end is told within a tick"


@SIM_ONLY
@pytest.mark.requirement("SR-BOLUS-03")
@pytest.mark.requirement("SR-DOSE-05")
def test_no_more_boluses_within_the_window_than_the_entry_says(bench: Bench) -> None:
    use(bench, bolus_lockout_ms=1000, bolus_count=2, bolus_window_ms=120_000)
    give(bench, flat(10, 3600))
    for _ in range(2):
        bench.run_for(3)
        bench.reconnect()
        bench.pump.bolus(50_000, 2000)
        follow(bench, lambda status: status["state"] == "INFUSING")
    bench.run_for(20)
    bench.reconnect()
    with pytest.raises(Refused, match="2 within 120 s"):
        bench.pump.bolus(50_000, 2000)
    doses = bench.pump.doses()
    assert [doses[name] for name in ("requested", "delivered", "refused", "abandoned")] == [3, 2, 1, 0]
    assert doses["given_nl"] == pytest.approx(100_000, abs=2 * STEP_NL)
    bench.run_for(120)
    bench.reconnect()
    bench.pump.bolus(50_000, 2000)


@SIM_ONLY
@pytest.mark.requirement("SR-BOLUS-04")
def test_a_bolus_beyond_its_hard_limit_is_refused_and_one_beyond_its_soft_limit_is_overridden(bench: Bench) -> None:
    use(bench, bolus_soft_high_nl=100_000, bolus_hard_high_nl=200_000)
    give(bench, flat(10, 600))
    bench.run_for(1)
    bench.reconnect()
    with pytest.raises(Refused, match="bolus_hard_high_nl"):
        bench.pump.bolus(200_001, 20_000)
    with pytest.raises(Refused, match="bolus_soft_high_nl"):
        bench.pump.bolus(150_000, 20_000)
    assert bench.pump.bolus(150_000, 20_000, [("bolus_soft_high_nl", 150_000)]) == 150_000
    assert bench.pump.status()["overrides"] == 1


@SIM_ONLY
@pytest.mark.requirement("SR-DOSE-03")
@pytest.mark.parametrize("policy", ["refuse", "reduce"])
@pytest.mark.expects("DOSE_LIMIT")
def test_a_bolus_that_the_window_has_no_room_for_is_refused_or_reduced(bench: Bench, policy: str) -> None:
    limit = 20_000  # 1.4 mL
    use(bench, dose_1h_soft_ng_kg=limit, dose_1h_hard_ng_kg=limit, bolus_policy=policy, bolus_hard_low_nl=0)
    give(bench, flat(12, 300), bolus_nl=0)
    bench.run_for(60)  # 0.2 mL are given
    bench.reconnect()
    if policy == "refuse":
        with pytest.raises(Refused, match="leaves no room"):
            bench.pump.bolus(1_500_000, 120_000)
        status = bench.pump.status()
        assert "DOSE_LIMIT" in status["alarms"]
        assert status["state"] == "KVO"
        return
    given_nl = bench.pump.bolus(1_500_000, 120_000)
    assert 600_000 < given_nl < 1_000_000
    bench.run_for(300)
    assert given_mg_kg(bench) <= limit / 1e6


@SIM_ONLY
@pytest.mark.requirement("SR-BOLUS-05")
@pytest.mark.requirement("SR-BOLUS-06")
def test_an_alarm_abandons_a_bolus_books_its_part_and_bars_the_next(bench: Bench) -> None:
    use(bench, bolus_lockout_ms=1000)
    give(bench, flat(10, 600))
    bench.run_for(1)
    bench.reconnect()
    bench.pump.bolus(500_000, 20_000)
    bench.run_for(8)
    bench.remove_syringe()
    bench.run_for(2)
    bench.fit_syringe()
    bench.run_for(2)
    bench.reconnect()
    assert bench.pump.status()["state"] == "ALARM"
    doses = bench.pump.doses()
    assert doses["abandoned"] == 1
    assert doses["given_nl"] == pytest.approx(500_000 * 8 / 20, rel=0.1)
    with pytest.raises(Refused):
        bench.pump.bolus(50_000, 5000)
    bench.pump.acknowledge()
    bench.pump.resume()
    assert bench.pump.status()["state"] == "INFUSING", "clearing the alarm does not revive the bolus"
    before = bench.steps
    bench.run_for(20)
    assert (bench.steps - before) * STEP_NL == pytest.approx(10e6 * 20 / 3600, abs=3 * STEP_NL)


@SIM_ONLY
@pytest.mark.requirement("SR-BOLUS-09")
def test_the_programs_rate_is_the_same_after_a_bolus(bench: Bench) -> None:
    use(bench)
    give(bench, flat(10, 600))
    bench.run_for(1)
    bench.reconnect()
    before = bench.pump.status()["rate_nl_h"]
    bench.pump.bolus(100_000, 10_000)
    bench.run_for(1)
    bench.reconnect()
    assert bench.pump.status()["rate_nl_h"] == before + 36_000_000
    follow(bench, lambda status: status["state"] == "INFUSING")
    assert bench.pump.status()["rate_nl_h"] == before


# --- hold rate


@SIM_ONLY
@pytest.mark.requirement("SR-KVO-01")
@pytest.mark.requirement("SR-KVO-02")
@pytest.mark.parametrize(("own_nl_h", "running_ml_h", "expected_ml_h"), [(500_000, 25, 0.5), (900_000, 0.3, 0.3)])
def test_the_hold_is_the_smallest_rate_and_counts_in_the_window(
    bench: Bench, own_nl_h: int, running_ml_h: float, expected_ml_h: float
) -> None:
    use(bench, kvo_nl_h=own_nl_h, kvo_nl=50_000_000, kvo_ms=600_000)
    give(bench, flat(running_ml_h, 30))
    follow(bench, lambda status: status["state"] == "KVO")
    program = bench.steps
    bench.run_for(300)
    assert (bench.steps - program) * STEP_NL == pytest.approx(expected_ml_h * 300 / 3600 * 1e6, abs=2 * STEP_NL)
    bench.reconnect()
    counted_mg = bench.pump.doses()["windows_ng"][0] / 1e6
    assert counted_mg == pytest.approx(bench.steps * STEP_NL * CONCENTRATION_NG_ML / 1e12, rel=0.02)
    bench.run_for(400)
    bench.reconnect()
    assert bench.pump.status()["state"] == "IDLE", "bounded in time"


@SIM_ONLY
@pytest.mark.requirement("SR-RES-05")
@pytest.mark.expects("RESERVOIR_LOW")
def test_the_low_mark_warns_and_drops_to_the_hold_rate(bench: Bench) -> None:
    use(bench, near_empty_nl=1_000_000, near_empty_action="hold", kvo_nl_h=500_000)
    pump = bench.pump
    phases = flat(50, 600)
    fill = {"fill_nl": 1_200_000}
    program = header(phases, concentration_ng_ml=CONCENTRATION_NG_ML, weight_g=WEIGHT_G, code="test") | fill
    pump.syringe(SYRINGE, 1_200_000)
    pump.confirm(pump.load(program, phases))
    pump.start()
    status = follow(bench, lambda status: "RESERVOIR_LOW" in status["alarms"])
    assert status["state"] == "KVO"
    assert 950_000 < status["remaining_nl"] <= 1_000_000
    with pytest.raises(Refused):
        pump.bolus(10_000, 5000)


@pytest.mark.requirement("SR-LINK-04")
@pytest.mark.requirement("SR-LINK-05")
def test_a_hazard_command_holds_until_an_explicit_resume(bench: Bench) -> None:
    use(bench, kvo_nl_h=1_000_000)
    give(bench, flat(25, 600))
    bench.run_for(2)
    bench.reconnect()
    bench.pump.hold()  # which is refused if it is not confirmed
    status = bench.pump.status()
    assert (status["state"], status["rate_nl_h"]) == ("KVO", 1_000_000)
    steps = bench.steps
    bench.run_for(5)
    assert (bench.steps - steps) * STEP_NL == pytest.approx(1e6 * 5 / 3600, abs=2 * STEP_NL)
    bench.reconnect()
    assert bench.pump.status()["state"] == "KVO"
    told = [(event["kind"], event["text"]) for event in bench.pump.events()]
    assert ("command", "hold") in told, "the host asked for it"
    assert ("state", "INFUSING > KVO: HAZARD") in told
    bench.pump.resume()
    assert bench.pump.status()["state"] == "INFUSING"
