"""The log of a whole pump: when each record was made, and what becomes of the oldest."""

import json
from pathlib import Path

import pytest

from hil.bench import Bench
from tests.programs import flat, start
from titrate.collecting import collect
from titrate.journal_link import read

UTC_S = 1_800_000_000
DATE = "2027-01-15"  # 08:00
DAYS, DAY_S, RUNS_A_DAY = 30, 86_400, 4  # of typical use
KEPT = 1000  # SR-LOG-08


@pytest.mark.requirement("SR-LOG-03")
def test_every_record_has_its_date_and_time_and_none_runs_backward(bench: Bench) -> None:
    """Until a host has set the clock the records say boot and uptime; a clock that is set back does not set them
    back."""
    before = read(bench.pump).entries
    assert before
    assert all(entry.utc is None and entry.boot == before[0].boot for entry in before)
    bench.pump.request("clock", utc_s=UTC_S, ms=0)
    start(bench, flat(25, 600))
    bench.run_for(2)
    bench.reconnect()
    bench.pump.request("clock", utc_s=UTC_S, ms=500)
    bench.pump.pause()
    bench.run_for(1)
    bench.reconnect()
    bench.pump.stop()
    bench.run_for(1)
    bench.reconnect()
    entries = read(bench.pump).entries
    assert [entry.sequence for entry in entries] == list(range(1, len(entries) + 1))
    assert {entry.boot for entry in entries} == {before[0].boot}
    assert all(entry.utc and entry.utc.startswith(DATE) for entry in entries)
    times_ms = [entry.time_ms for entry in entries]
    assert times_ms == sorted(times_ms)
    assert times_ms[-1] - times_ms[len(before)] > 3000
    assert times_ms[-1] <= bench.now_s * 1000


@pytest.mark.sim_only("thirty days of device time")
@pytest.mark.requirement("SR-LOG-07")
def test_thirty_days_of_use_are_whole_on_the_host_and_the_pump_has_lost_the_oldest_first(
    bench: Bench, tmp_path: Path
) -> None:
    for _ in range(DAYS):
        for _ in range(RUNS_A_DAY):
            start(bench, flat(25, 600))
            bench.run_for(0.3)
            bench.reconnect()
            bench.pump.stop()
        bench.run_for(2)
        bench.reconnect()
        assert collect(bench.pump, tmp_path).lost == 0
        bench.cut_power()
        bench.run_for(DAY_S)
        bench.restore_power()
        bench.run_for(0.5)
        bench.reconnect()
    bench.run_for(2)
    bench.reconnect()
    path = collect(bench.pump, tmp_path).path
    kept = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    held = [entry.sequence for entry in read(bench.pump).entries]
    assert [entry["sequence"] for entry in kept] == list(range(1, kept[-1]["sequence"] + 1))
    assert {entry["boot"] for entry in kept} == set(range(1, DAYS + 2))
    assert [entry["text"] for entry in kept].count("start") == DAYS * RUNS_A_DAY
    assert held == list(range(held[0], held[-1] + 1))
    assert held[-1] == kept[-1]["sequence"]
    assert KEPT <= len(held) < len(kept), "the oldest are overwritten"
