"""The commands that need no pump: documents, pictures, and what they say of themselves."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from titrate.cli import COMMANDS, app
from titrate.client import Pump

PHASE_KEYS = {
    "kind", "begin_s", "end_s", "begin_ml_h", "end_ml_h", "begin_mg_kg_h", "end_mg_kg_h", "volume_ml", "dose_mg",
}  # fmt: skip
PLAN_KEYS = {
    "protocol", "weight_kg", "concentration_mg_ml", "phases", "total_ml", "total_mg", "duration_s", "syringes",
    "warnings", "sources",
}  # fmt: skip


def test_the_plan_document_is_the_contract() -> None:
    result = CliRunner().invoke(app, ["plan", "schwartzman-2009", "--weight", "70kg", "--session", "1", "--json"])
    document = json.loads(result.stdout)
    assert result.exit_code == 0
    assert set(document) == PLAN_KEYS
    assert [set(phase) for phase in document["phases"]] == [PHASE_KEYS]
    assert document["phases"][0] == {
        "kind": "infuse", "begin_s": 0, "end_s": 14400, "begin_ml_h": 25, "end_ml_h": 25,
        "begin_mg_kg_h": 0.35, "end_mg_kg_h": 0.35, "volume_ml": 100, "dose_mg": 98,
    }  # fmt: skip
    assert (document["total_ml"], document["total_mg"], document["duration_s"]) == (100, 98, 14400)
    assert (document["weight_kg"], document["concentration_mg_ml"], document["syringes"]) == (70, 0.98, 2)
    assert any("Schwartzman" in source for source in document["sources"])


def test_warnings_go_to_stderr_and_into_the_document() -> None:
    result = CliRunner().invoke(app, ["plan", "schwartzman-2009", "--weight", "100 kg", "--json"])
    assert "held at its cap" in result.stderr
    assert any("held at its cap" in warning for warning in json.loads(result.stdout)["warnings"])


def test_a_plan_reads_well_without_a_terminal() -> None:
    result = CliRunner().invoke(app, ["plan", "sigtermans-2010"])
    assert result.exit_code == 0
    assert "total 41.65 mg in 20.825 mL, 2:05:00, 1 x bd-plastipak-50" in result.stdout
    assert "\x1b" not in result.stdout


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_a_plan_is_drawn(suffix: str, tmp_path: Path) -> None:
    picture = tmp_path / f"plan.{suffix}"
    result = CliRunner().invoke(app, ["plan", "dahan-2011", "--plot", str(picture), "--json"])
    assert result.exit_code == 0
    assert json.loads(result.stdout)["protocol"] == "dahan-2011"
    assert picture.stat().st_size > 5000


def test_protocols_lists_the_packaged_files() -> None:
    document = json.loads(CliRunner().invoke(app, ["protocols", "--json", "--weight", "35 kg"]).stdout)
    totals_mg = {entry["name"]: entry["total_mg"] for entry in document["protocols"]}
    assert totals_mg["schwartzman-2009"] == 490
    assert totals_mg["goldberg-2010"] == 4740
    assert "schwartzman-2009" in CliRunner().invoke(app, ["protocols"]).stdout


def test_version_names_the_link_tables() -> None:
    assert len(json.loads(CliRunner().invoke(app, ["version", "--json"]).stdout)["wire"]) == 16


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_takes_json(command: str) -> None:
    assert "--json" in CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "200"}).stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["plan"], "FILE_OR_NAME"),
        (["nonsense"], "nonsense"),
        (["library", "diff", "regimens"], "FILE_OR_NAME"),
        (["mute", "--port", "sim://", "--seconds", "500"], "--seconds"),
        (["plan", "dahan-2011", "--session", "abc"], "--session"),
        (["status", "--port", ""], "--port"),
    ],
)
def test_a_command_line_that_does_not_parse_is_a_document_with_json(words: list[str], said: str) -> None:
    done = CliRunner().invoke(app, [*words, "--json"])
    assert done.exit_code == 2
    error = json.loads(done.stdout)["error"]
    assert error["exit_code"] == 2
    assert said in error["message"]
    assert not CliRunner().invoke(app, words).stdout


def test_help_says_what_this_is_not() -> None:
    text = " ".join(CliRunner().invoke(app, ["--help"]).stdout.split())
    assert "not a medical device" in text


def test_the_command_line_loads_nothing_heavy() -> None:
    script = "import sys, titrate.cli; print({'numpy', 'pint', 'matplotlib', 'pydantic'} & set(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "set()"


def full(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """A command whose stdout is a full disk, in the manner of a shell: written in blocks."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    with open("/dev/full", "w") as disk:
        return subprocess.run(
            [sys.executable, "-m", "titrate.cli", *arguments],
            stdout=disk,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )


@pytest.mark.parametrize("words", [["version"], ["version", "--json"], ["protocols", "show", "goebel-2015", "--toml"]])
def test_a_full_disk_behind_stdout_is_one_line(words: list[str]) -> None:
    done = full(*words)
    assert done.returncode == 2
    assert done.stderr == (
        'titrate: output: "stdout" is not valid; allowed: a place that can be written (No space left on device)\n'
    )


def test_an_error_that_cannot_be_told_still_has_its_exit_code() -> None:
    assert full("plan", "no-such-file", "--json").returncode == 2


def test_a_full_disk_behind_csv_names_the_file() -> None:
    done = CliRunner().invoke(app, ["log", "--port", "sim://", "--csv", "/dev/full"])
    assert done.exit_code == 2
    assert '--csv: "/dev/full" is not valid' in done.stderr


def test_streams_that_were_closed_before_are_no_error() -> None:
    script = "import sys\nsys.stdin = sys.stdout = None\nfrom titrate.cli import main\nmain()"
    subprocess.run([sys.executable, "-c", script, "version"], check=True)


def test_ctrl_c_is_an_end_that_somebody_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(url: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Pump, "open", interrupted)
    done = CliRunner().invoke(app, ["status", "--port", "sim://"])
    assert done.exit_code == 1
    assert "Traceback" not in done.output
