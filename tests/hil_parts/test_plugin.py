"""The rig's pytest plugin, from outside: runs of pytest in a process of their own, on tests written for the purpose."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from hil.boards import ROOT
from hil.firmware_digest import firmware_digest
from hil.virtual import VirtualBench

SUITE = """
import pytest
from tests.programs import flat, start

def test_moves(bench, pump):
    start(bench, flat(400, 30))
    bench.run_for(2)
    assert pump.status()["counted_steps"] > 100

def test_fails_while_it_runs(bench):
    start(bench, flat(25, 30))
    assert bench.pump.status()["state"] == "IDLE"

@pytest.mark.needs("balance")
@pytest.mark.requirement("SR-ACC-01")
def test_weighs(bench, balance, notes):
    before = balance.read()
    start(bench, flat(400, 30))
    bench.run_for(3)
    notes.readings("raw", [before, balance.read()])
    notes.check("weight", balance.read().grams - before.grams, "g", 0.1, 3.4)  # all that is in the program

@pytest.mark.needs("power")
def test_has_a_supply_to_cut(bench):
    bench.cut_power()

def test_looks_at_the_plant(bench):
    assert bench.target

@pytest.mark.bench_only("a simulated one makes no sound")
@pytest.mark.needs("sound_meter")
def test_is_loud(bench):
    pass

@pytest.mark.sim_only("it is simulated")
def test_simulated(bench):
    pass

def test_brings_its_own():
    pass
"""
SURPRISE = """
import pytest

def shut(bench):
    bench.target.mechanics.line.clamp(bench.target.now_us, True)  # behind the bench's back
    from tests.programs import flat, follow, start
    start(bench, flat(400, 30))
    follow(bench, lambda status: status["state"] == "ALARM")

def test_unexpected(bench):
    shut(bench)

@pytest.mark.expects("OCCLUSION")
def test_expected(bench):
    shut(bench)

def test_hand(bench):
    bench.occlude()
    shut(bench)
"""


def run(folder: Path, text: str, *options: str) -> tuple[int, str, dict[str, str]]:
    """Exit code, output, and {test: outcome} of pytest on one file."""
    file = folder / "test_it.py"
    file.write_text(text)
    report = folder / "report"
    words = [sys.executable, "-m", "pytest", str(file), "-p", "no:cacheprovider", "-c", str(ROOT / "pyproject.toml")]
    done = subprocess.run(
        [*words, "--rootdir", str(folder), "--report", str(report), *options],
        cwd=ROOT, capture_output=True, text=True, timeout=300, env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    results = report / "results.json"
    tests = json.loads(results.read_text())["tests"] if results.exists() else []
    return (
        done.returncode,
        done.stdout + done.stderr,
        {test["name"].partition("::")[2]: test["outcome"] for test in tests},
    )


@pytest.mark.slow
def test_a_run_on_a_bench_file(tmp_path: Path) -> None:
    """Real time, all ports: what it has is tested, what it lacks is skipped and says so, the rest is left out."""
    with VirtualBench(tmp_path) as virtual:
        code, text, outcomes = run(tmp_path, SUITE, "--target", str(virtual.path), "--motion")
    assert outcomes == {
        "test_moves[real]": "passed",
        "test_fails_while_it_runs[real]": "failed",
        "test_weighs[real]": "passed",
        "test_has_a_supply_to_cut[real]": "skipped",
        "test_looks_at_the_plant[real]": "skipped",
        "test_is_loud[real]": "skipped",
        "test_simulated[real]": "skipped",
    }
    assert code == 1
    assert "serial number SIM-0001" in text.partition("collected")[0], "the bench stands in the header"
    assert 'power: bench "virtual bench" has no table [power]' in text
    assert 'sound_meter: bench "virtual bench" has no table [sound_meter]' in text
    assert "it has no target: only a simulated bench has" in text
    assert "after the test" not in text, "the pump was stopped behind the test that failed"
    results = json.loads((tmp_path / "report/results.json").read_text())
    figure = results["figures"][0]
    assert (figure["name"], figure["simulated"], figure["requirement"]) == ("weight", False, "SR-ACC-01")
    assert results["instruments"][0]["serial_number"] == "SIM-0001"
    assert results["firmware"] == firmware_digest(), "as the pump told it"
    assert (tmp_path / "report/raw.csv").read_text().startswith("time_s,grams,stable\n")


def test_without_motion_what_moves_is_skipped(tmp_path: Path) -> None:
    with VirtualBench(tmp_path) as virtual:
        _, text, outcomes = run(tmp_path, SUITE, "--target", str(virtual.path), "-k", "test_moves")
        assert virtual.bench.steps == 0
    assert outcomes == {"test_moves[real]": "skipped"}
    assert "nothing moves on a real bench without --motion" in text


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_run_on_the_simulated_pump_notes_the_same_from_every_worker(tmp_path: Path, workers: str) -> None:
    code, text, outcomes = run(tmp_path, SUITE, "--target", "sim", "-n", workers, "-k", "not fails")
    assert set(outcomes.values()) == {"passed"}, "what a real bench alone can do is left out, and not skipped"
    assert code == 0
    results = json.loads((tmp_path / "report/results.json").read_text())
    assert [figure["name"] for figure in results["figures"]] == ["weight"]
    assert results["simulated"]
    assert re.search(r"--randomly-seed=\d+", text), "the order can be had again"


def test_an_alarm_that_nobody_caused_fails_the_test(tmp_path: Path) -> None:
    _, text, outcomes = run(tmp_path, SURPRISE, "--target", "sim")
    assert outcomes == {
        "test_unexpected[sim]": "failed",
        "test_expected[sim]": "passed",
        "test_hand[sim]": "passed",
    }
    assert "after the test: an alarm that nobody caused: OCCLUSION" in text


@pytest.mark.parametrize(
    ("target", "options", "code", "says"),
    [
        ("nowhere.toml", (), 2, "bench file"),
        ("{bench}", ("-n", "2"), 4, "it cannot be shared by -n 2"),
        ("{gone}", (), 3, "no USB device has the serial number"),
    ],
)
def test_a_target_that_is_none_ends_the_run_with_the_reason(
    tmp_path: Path, target: str, options: tuple[str, ...], code: int, says: str
) -> None:
    example = (ROOT / "hil/benches/example.toml").read_text()
    (tmp_path / "gone.toml").write_text(example)
    (tmp_path / "bench.toml").write_text(example.replace('usb_serial = "E6614103E7452D2F"', 'port = "/dev/null"', 1))
    named = target.format(bench=tmp_path / "bench.toml", gone=tmp_path / "gone.toml")
    got, text, _ = run(tmp_path, SUITE, "--target", named, *options)
    assert says in text
    assert "Traceback" not in text
    assert got == code
