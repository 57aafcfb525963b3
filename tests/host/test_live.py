"""What a person sees and presses while a pump is at work: lines, the live panel, keys, and the options of play."""

import json
import os
import pty
import re
import select
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hil.bench import open_bench
from pump.core.alarms import ALARMS, TEXT
from tests.host.attendants import SHORT, short_plan
from titrate import Pump
from titrate.cli import app
from titrate.cli.live import lines

TITRATE = [sys.executable, "-m", "titrate.cli"]


def test_the_lines_say_all_of_it() -> None:
    with open_bench("sim://") as bench:
        status = bench.pump.status()
    status |= {"state": "INFUSING", "phase": 0, "infused_ms": 60_000, "rate_nl_h": 60_000_000, "counted_nl": 1_000_000}
    status |= {"pressure_pa": 3400, "remaining_nl": 49_000_000, "empty_s": 2940}
    assert lines(short_plan(), status) == [
        "INFUSING, phase 1 of 3: 60 mL/h, 0.8571 mg/kg/h",
        "dose so far 1 of 13 mg, 1.000 of 13.000 mL",
        "0:20:00 left; next in 0:09:00: pause",
        "syringe 49.00 mL, empty in 0:49:00; pressure 3.4 kPa",
    ]
    status |= {"phase": 1, "infused_ms": 700_000, "rate_nl_h": 0, "empty_s": -1}
    assert lines(short_plan(), status)[2:] == [
        "0:09:20 left; next in 0:03:20: ramp, 10 mL/h",
        "syringe 49.00 mL; pressure 3.4 kPa",
    ]
    status |= {"phase": 2, "infused_ms": 2_000_000}
    assert lines(short_plan(), status)[2] == "0:00:00 left"


@pytest.fixture
def protocol(tmp_path: Path) -> str:
    path = tmp_path / "short.toml"
    path.write_text(SHORT)
    return str(path)


def test_without_a_terminal_there_is_a_plain_line_for_each_change(protocol: str) -> None:
    done = subprocess.run(
        [*TITRATE, "play", protocol, "--port", "sim://", "--yes"],
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | {"FORCE_COLOR": ""},
    )
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stderr
    said = done.stderr.splitlines()
    assert [line.partition(" ")[0] for line in said if "INFUSING, phase" in line] == ["0:00:00", "0:10:00", "0:15:00"]
    assert any(line.endswith(f"low alarm LIBRARY_MISSING: {ALARMS['LIBRARY_MISSING'][TEXT]}") for line in said)


def run_in_terminal(words: list[str], answers: list[tuple[str, str]], env: dict[str, str]) -> tuple[int, str]:
    """Exit code and all that a terminal showed. answers: (what is waited for, what is typed then), in this order."""
    master, slave = pty.openpty()
    process = subprocess.Popen(words, stdin=slave, stdout=slave, stderr=slave, env=os.environ | env)
    os.close(slave)
    shown, waiting = "", list(answers)
    try:
        while select.select([master], [], [], 120)[0]:
            try:
                data = os.read(master, 65536)
            except OSError:  # the other end is closed
                break
            shown += data.decode(errors="replace")
            if waiting and re.search(waiting[0][0], shown):
                os.write(master, waiting.pop(0)[1].encode())
                shown += "\n--answered--\n"
        return process.wait(timeout=60), shown
    finally:
        process.kill()
        os.close(master)


def test_a_person_confirms_and_changes_the_syringe(tmp_path: Path) -> None:
    record = tmp_path / "a.jsonl"
    words = [*TITRATE, "play", "schwartzman-2009", "--session", "1", "--weight", "70kg", "--port", "sim://"]
    code, shown = run_in_terminal(
        [*words, "--record", str(record)], [(r"start on sim://\?", "y\n"), ("Enter when that is done", "\n")], {}
    )
    assert code == 0, shown
    assert shown.count("--answered--") == 2
    assert "complete: commanded 100.0000 mL" in shown
    assert "\x1b[" in shown


def test_saying_no_starts_nothing_and_s_stops(tmp_path: Path) -> None:
    words = [*TITRATE, "play", "schwartzman-2009", "--session", "1", "--weight", "70kg", "--port", "sim://"]
    code, shown = run_in_terminal(words, [(r"start on sim://\?", "n\n")], {})
    assert code == 1
    assert "INFUSING" not in shown
    asked = [(r"start on sim://\?", "y\n"), ("Enter when that is done", "s")]
    code, shown = run_in_terminal(words, asked, {"NO_COLOR": "1"})
    assert code == 1
    assert re.search(r"stopped: commanded (49\.999|50\.000)\d mL", shown), shown
    assert "--from pump" in shown
    colors = re.findall(r"\x1b\[[0-9;]*m", shown)
    assert not [code for code in colors if re.search(r"[\[;][349][0-7]m", code)], "NO_COLOR leaves colours out"


def play(*words: str) -> tuple[int, dict[str, object], str]:
    done = CliRunner().invoke(app, ["play", *words, "--port", "sim://", "--yes", "--json"])
    return done.exit_code, json.loads(done.stdout), done.stderr


def test_a_library_is_put_in_force_first() -> None:
    code, found, said = play("patil-2012", "--library", "regimens")
    assert code == 0
    assert "LIBRARY_MISSING" not in said
    assert found["alarms"] == []


@pytest.mark.requirement("SR-LIB-07")
def test_a_soft_limit_is_passed_by_its_name_only(tmp_path: Path) -> None:
    """0.92 mg/kg is above the entry's soft limit of a loading dose, 0.9 mg/kg."""
    file = tmp_path / "more.toml"
    text = (Path(__file__).parents[2] / "host/titrate/protocols/patil-2012.toml").read_text()
    file.write_text(text.replace('value = "0.5 mg/kg"', 'value = "0.92 mg/kg"'))
    code, found, _ = play(str(file), "--library", "regimens")
    assert code == 4
    reason = found["error"]["message"]
    fields = re.findall(r"(\w+): (\d+); the soft limit", reason)
    assert fields, reason
    words: list[str] = []
    while code == 4:
        words += [word for name, value in fields for word in ("--override", f"{name}={value}")]
        code, found, _ = play(str(file), "--library", "regimens", *words)
        if code == 4:
            fields = re.findall(r"(\w+): (\d+); the soft limit", found["error"]["message"])
            assert fields, found
    assert code == 0
    assert found["outcome"] == "complete"
    code, _, said = play(str(file), "--library", "regimens", *words)
    assert (code, "had no effect" in said) == (0, False)
    unasked = [*words, "--override", "dose_1h_soft_ng_kg=7"]
    code, _, said = play(str(file), "--library", "regimens", *unasked)
    assert code == 0
    assert f"dose_1h_soft_ng_kg=7: 1 of {len(words) // 2 + 1} had no effect" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--override", "nonsense"], "--override"),
        (["--override", "rate=²"], "--override"),
        (["--override", "rate_hard_high_nl_h=5"], "allowed: a soft limit: bolus_rate_soft_high_nl_h, "),
        (["--tolerance", "nan"], "--tolerance"),
        (["--tolerance", "-1"], "--tolerance"),
        (["--override", f"rate={'9' * 5000}"], "--override"),
        (["--from", "pump"], "none is stored"),
        (["--from", "5 bananas"], "--from"),
        (["--from", ""], "--from"),
        (["--library", "no-such-library"], "no-such-library"),
        (["--library", ""], "library file"),
        (["--record", "/no/such/folder/x.jsonl"], "--record"),
    ],
)
def test_wrong_options_are_one_message(words: list[str], said: str) -> None:
    code, found, errors = play("patil-2012", *words)
    assert code in (2, 4)
    assert said in found["error"]["message"]
    assert "Traceback" not in errors


@pytest.mark.requirement("SR-STOP-05")
def test_from_goes_on_where_the_pump_was_interrupted(
    protocol: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with open_bench("sim://") as bench:
        monkeypatch.setattr(Pump, "open", classmethod(lambda cls, url: Pump(bench.port)))
        monkeypatch.setattr(bench.port, "close", lambda: None)
        wait_status = Pump.wait_status
        left = [200]

        def wait(pump: Pump) -> dict[str, object]:
            left[0] -= 1
            if not left[0]:
                bench.cut_power()
                bench.target.restore_power()
            return wait_status(pump)

        monkeypatch.setattr(Pump, "wait_status", wait)
        code, first, said = play(protocol)
        assert (code, first["outcome"]) == (1, "alarm")
        assert "--from pump" in said
        code, second, said = play(protocol, "--from", "pump", "--record", str(tmp_path / "rest.jsonl"))
    assert (code, second["outcome"]) == (0, "complete")
    assert second["from_ml"] == pytest.approx(first["counted_ml"], abs=1e-6)
    assert second["from_ml"] + second["counted_ml"] == pytest.approx(13, abs=1e-3)
    assert "after " in said
