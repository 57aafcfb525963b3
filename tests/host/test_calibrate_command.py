"""`titrate calibrate`: led by a person, a balance or options; what it refuses, shows and leaves in a report."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hil.bench import Bench, open_bench
from hil.instruments.pty_port import PtyPort
from tests.host.attendants import SHORT
from tests.host.test_live import TITRATE, run_in_terminal
from titrate.cli import app
from titrate.client import Pump

SYRINGE = "bd-plastipak-50"


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    """A simulated pump that stays the same from command to command, with a barrel 1 % wider than it should be."""
    bench = open_bench("sim://")
    bench.fit_barrel(1.0)
    monkeypatch.setattr(Pump, "open", lambda url: Pump(bench.port))
    monkeypatch.setattr(Pump, "close", lambda pump: None)
    return bench


def run(*arguments: str, code: int = 0) -> str:
    done = CliRunner().invoke(app, [*arguments, "--port", "sim://"])
    assert done.exit_code == code, done.output
    return done.stdout if code == 0 else " ".join(done.stderr.split())


def report(record: Path) -> None:
    done = CliRunner().invoke(app, ["report", str(record)])
    assert done.exit_code == 0, done.output


def given(*texts: str) -> list[str]:
    return [word for text in texts for word in ("--measured", text)]


def test_a_balance_weighs_what_the_barrel_really_gives(bench: Bench) -> None:
    """The simulated balance weighs without air: that alone is 0.1 %."""
    with PtyPort(bench.twin.answer) as port:
        words = ["calibrate", "volume", "--ml", "2 mL", "--rate", "200 mL/h", "--balance", f"mt-sics:{port.path}"]
        found = json.loads(run(*words, "--yes", "--json"))
        shown = json.loads(run("calibrate", "show", "--json"))
        again = json.loads(run(*words, "--yes", "--json"))
    assert found["slope_ppm"] == pytest.approx(20_100 + 1_250, abs=600)
    assert found["residual_ppm"] < 500
    assert found["author"] == "bench"
    assert [run["steps"] for run in found["runs"]] == pytest.approx([5762] * 3, abs=2)
    assert shown["syringes"][SYRINGE]["slope_ppm"] == found["slope_ppm"]
    assert again["slope_ppm"] == pytest.approx(found["slope_ppm"], abs=600), "steps are counted, not volumes"
    assert again["before"]["slope_ppm"] == found["slope_ppm"]


def test_measured_values_and_the_table_of_the_runs(bench: Bench) -> None:
    assert run("calibrate", "show").splitlines() == [
        "every syringe: nominal: not calibrated",
        "pressure: nominal: not calibrated",
    ]
    shown = run("calibrate", "volume", "--ml", "1 mL", "--yes", *given("1.02 mL", "1.0203 g"), "--temperature", "21")
    assert re.search(r"1 +2881 +0\.999\d +1\.0200", shown), shown
    assert re.search(r"2 +2881 +0\.999\d +1\.0234", shown), "in air a gram of water is 1.0031 mL"
    assert "water of 0.99800 g/mL" in shown
    assert re.search(r"stored: bd-plastipak-50: \+2\.\d\d\d % per step, residual 0\.2\d\d %", shown)
    assert re.match(r"bd-plastipak-50: \+2\.\d+ % per step, .* by bench\npressure: nominal", run("calibrate", "show"))
    assert "calibration    bd-plastipak-50: +2." in run("status")
    assert run("clear", "calibration", "--yes") == "forgotten: calibration\n"
    assert "nominal: not calibrated" in run("status")


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (["1.06 mL", "1.06 mL"], r"not stored: how much more a step delivers .*: \+6\.0\d %; plausible are -5 to 5 %"),
        (["1.03 mL", "0.99 mL"], r"not stored: standard deviation .*: \+2\.8\d %; plausible are 0 to 1 %"),
    ],
)
def test_an_implausible_result_is_told_and_not_stored(bench: Bench, values: list[str], said: str) -> None:
    assert re.search(said, run("calibrate", "volume", "--ml", "1 mL", "--yes", *given(*values), code=1))
    assert bench.pump.calibration()["syringes"] == {}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["volume", "--yes", *given("5 apples", "5 mL")], "--measured"),
        (["volume", "--yes", *given("5 mL")], "at least 2"),
        (["volume", "--yes", "--ml", "20 mL", *given("5 mL", "5 mL", "5 mL")], "at most 15.6"),
        (["volume", "--yes", "--ml", "0.00001 mL", *given("1 mL", "1 mL")], "at least 0.05"),
        (["volume", "--yes", "--temperature", "90", *given("5 mL", "5 mL")], "5 to 40"),
        (["volume", "--yes", "--balance", "kitchen:/dev/null"], "mt-sics, ohaus, sbi"),
        (["volume", "--yes"], "where no terminal is there"),
        (["volume", "--yes", "--syringe", "bottle", *given("5 mL", "5 mL")], "--syringe"),
        (["pressure", "--yes"], "either --zero or --at"),
        (["pressure", "--yes", "--zero", "--at", "50 kPa"], "either --zero or --at"),
        (["pressure", "--yes", "--at", "5 kPa"], "at least 20 kPa"),
        (["pressure", "--yes", "--at", "50 mL"], "a pressure"),
        (["pressure", "--yes", "--at", ""], "a pressure"),
    ],
)
def test_wrong_options_are_one_message_before_anything_moves(bench: Bench, words: list[str], said: str) -> None:
    assert said in run("calibrate", *words, code=2)
    assert bench.steps == 0


def test_zero_and_span_of_the_pressure(bench: Bench) -> None:
    sensor = bench.target.sensor
    sensor.offset_kpa, sensor.gain = -1.5, 1.05  # type: ignore[union-attr]
    assert run("calibrate", "pressure", "--zero", "--yes").startswith("stored: zero -1")
    bench.set_back_pressure(40)
    bench.run_for(20)
    found = json.loads(run("calibrate", "pressure", "--at", "300 mmHg", "--yes", "--json"))
    assert found["span_ppm"] == pytest.approx((39_997 / 42_000 - 1) * 1e6, abs=3000)
    assert found["zero_pa"] == pytest.approx(-1500, abs=60)
    assert "pressure: zero -1" in run("calibrate", "show")


def test_a_person_is_led_through_it() -> None:
    words = [*TITRATE, "calibrate", "volume", "--port", "sim://", "--ml", "1 mL", "--runs", "2"]
    answers = [
        (r"free of air\? \[y/N\]", "y\n"),
        ("Run 1: empty the vessel", "\n"),
        ("Run 1: what came out", "much\n"),
        (r"allowed: .*\n?.*Run 1: what came out", "1.01 mL\n"),
        ("Run 2: empty the vessel", "\n"),
        ("Run 2: what came out", "1.011 mL\n"),
        (r"Store \+1\d\d\d\d ppm for bd-plastipak-50 in the pump\?", "y\n"),
    ]
    code, shown = run_in_terminal(words, answers, {"COLUMNS": "200"})
    assert code == 0, shown
    assert shown.count("--answered--") == len(answers)
    assert "stored: bd-plastipak-50: +1." in shown


def test_saying_no_stores_nothing() -> None:
    words = [*TITRATE, "calibrate", "volume", "--port", "sim://", "--ml", "1 mL", *given("1.01 mL", "1.01 mL")]
    code, shown = run_in_terminal(words, [(r"free of air\? \[y/N\]", "n\n")], {})
    assert (code, "stored" in shown) == (1, False)


def test_every_report_says_what_was_in_force(bench: Bench, tmp_path: Path) -> None:
    protocol = tmp_path / "short.toml"
    protocol.write_text(SHORT)
    words = ["play", str(protocol), "--yes", "--json", "--record"]
    before = json.loads(run(*words, str(tmp_path / "before.jsonl")))
    assert before["calibration"] == {"syringe": None, "pressure": None}
    assert before["error_percent"] > 1.7
    report(tmp_path / "before.jsonl")
    assert "nominal: not calibrated" in (tmp_path / "before.html").read_text()
    stored = bench.pump.request("calibrate", syringe=SYRINGE, slope_ppm=20_100, residual_ppm=210, date="2026-11-28")
    bench.change_syringe()
    after = json.loads(run(*words, str(tmp_path / "after.jsonl")))
    assert after["calibration"] == {"syringe": stored, "pressure": None}
    assert abs(after["error_percent"]) < 0.3, "what the line holds at the end"
    report(tmp_path / "after.jsonl")
    told = "+2.010 % per step, residual 0.021 %, 2026-11-28 by bench"
    assert told in (tmp_path / "after.html").read_text()
