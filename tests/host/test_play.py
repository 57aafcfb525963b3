"""`titrate play` and its kin as a person types them, on sim://."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pump.core.syringes import step_volume_pl
from titrate.cli import app
from titrate.client import Pump, Status

STEP_ML = step_volume_pl("bd-plastipak-50", 2000, 3200)[0] / step_volume_pl("bd-plastipak-50", 2000, 3200)[1] / 1e9
TITRATE = [sys.executable, "-m", "titrate.cli"]
SESSION = ["play", "schwartzman-2009", "--session", "1", "--weight", "70kg", "--port", "sim://", "--yes", "--json"]


def titrate(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*TITRATE, *arguments], capture_output=True, text=True, timeout=120, **options)  # type: ignore[call-overload]


@pytest.fixture(scope="module")
def played() -> dict[str, object]:
    done = titrate(*SESSION)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.requirement("SR-ACC-01")
def test_four_hours_come_out_right(played: dict[str, object]) -> None:
    assert played["outcome"] == "complete"
    assert played["commanded_ml"] == pytest.approx(100, abs=1e-9)
    assert abs(played["counted_ml"] - 100) <= 2 * STEP_ML
    assert abs(played["delivered_ml"] / 100 - 1) < 0.005
    assert [phase["kind"] for phase in played["phases"]] == ["infuse"]
    assert all(abs(phase["error_percent"]) < 0.5 for phase in played["phases"])


@pytest.mark.requirement("SR-VIS-03")
def test_the_document_has_the_contracts_keys(played: dict[str, object]) -> None:
    wanted = {
        *("target", "outcome", "commanded_ml", "counted_ml", "delivered_ml", "error_percent", "phases", "alarms"),
        *("device_seconds", "wall_seconds", "firmware", "seed", "simulated", "total_ml", "total_mg", "duration_s"),
    }
    assert wanted <= set(played)
    assert set(played["phases"][0]) == {
        *("kind", "begin_s", "end_s", "commanded_mg_kg_h", "delivered_mg_kg_h", "error_percent")
    }
    assert set(played["alarms"][0]) == {"name", "priority", "raised_s", "cleared_s"}
    assert played["simulated"] is True


def test_one_syringe_change_on_the_way(played: dict[str, object]) -> None:
    found = [(alarm["name"], round(alarm["raised_s"])) for alarm in played["alarms"]]
    assert [one for one in found if one[0] not in ("LIBRARY_MISSING", "NEAR_EMPTY")] == [("SYRINGE_EMPTY", 7200)]
    warned_s = [alarm["raised_s"] for alarm in played["alarms"] if alarm["name"] == "NEAR_EMPTY"]
    assert 6600 <= warned_s[0] <= 6601, "ten minutes ahead, and it is looked at once a second"
    assert played["syringes_fitted"] == 2


def test_runs_repeat(played: dict[str, object]) -> None:
    again = json.loads(titrate(*SESSION).stdout)
    assert {**again, "wall_seconds": 0} == {**played, "wall_seconds": 0}


def test_a_picture_and_a_table(tmp_path: Path) -> None:
    picture = tmp_path / "delivery.svg"
    done = titrate(*SESSION[:-1], "--plot", str(picture))
    assert done.returncode == 0
    assert "delivered mg/kg/h" in done.stdout
    assert "simulated" in done.stdout
    assert picture.stat().st_size > 10_000


def test_a_picture_that_cannot_be_written_hides_no_result(tmp_path: Path) -> None:
    picture = tmp_path / "delivery.png"
    picture.symlink_to("/dev/full")
    done = titrate(*SESSION, "--plot", str(picture))
    assert done.returncode == 0
    assert json.loads(done.stdout)["outcome"] == "complete"
    assert "warning: there is no picture: --plot" in done.stderr


def test_nothing_moves_without_a_yes() -> None:
    done = titrate(*[word for word in SESSION if word not in ("--yes", "--json")], stdin=subprocess.DEVNULL)
    assert done.returncode == 2
    assert "--yes" in done.stderr


def test_out_of_tolerance_is_exit_1() -> None:
    done = titrate(*SESSION, "--tolerance", "0.001")
    assert done.returncode == 1
    assert json.loads(done.stdout)["outcome"] == "complete"


@pytest.mark.parametrize("command", ["status", "stop", "play"])
def test_a_missing_port_is_exit_3_and_names_those_that_exist(command: str) -> None:
    arguments = ["schwartzman-2009", "--yes"] if command == "play" else []
    done = titrate(command, *arguments, "--port", "/dev/not-there")
    assert done.returncode == 3
    assert "/dev/not-there" in done.stderr
    assert "sim://" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_line_that_echoes_is_no_pump() -> None:
    done = titrate("status", "--port", "loop://")
    assert done.returncode == 3
    assert "no answer to hello from loop://" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_bad_bench_url_is_exit_3() -> None:
    done = titrate("status", "--port", "sim://?speed=9")
    assert done.returncode == 3
    assert "speed is not an option" in done.stderr


def test_a_program_beyond_the_boards_limit_is_refused_by_the_pump(tmp_path: Path) -> None:
    file = tmp_path / "fast.toml"
    text = (Path(__file__).parents[2] / "host/titrate/protocols/puchalski-2016.toml").read_text()
    file.write_text(text.replace("10 mg/mL", "0.01 mg/mL"))
    done = titrate("play", str(file), "--weight", "70 kg", "--port", "sim://", "--yes")
    assert done.returncode == 4
    assert "pL/h; allowed are" in done.stderr


def test_an_image_that_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hil.targets.emulated.IMAGE", tmp_path / "no.uf2")
    monkeypatch.setattr("hil.targets.emulated._emulator", lambda: None)
    done = CliRunner().invoke(app, ["status", "--port", "emu://"])
    assert done.exit_code == 3
    assert "make image" in done.stderr


def test_ctrl_c_stops_the_pump_and_prints_the_totals(monkeypatch: pytest.MonkeyPatch) -> None:
    stopped: list[str] = []
    seen = [0]
    wait_status, stop = Pump.wait_status, Pump.stop

    def interrupted(pump: Pump) -> Status:
        seen[0] += 1
        if seen[0] > 100:
            raise KeyboardInterrupt
        return wait_status(pump)

    def noted(pump: Pump) -> None:
        stop(pump)
        stopped.append(pump.status()["state"])

    monkeypatch.setattr(Pump, "wait_status", interrupted)
    monkeypatch.setattr(Pump, "stop", noted)
    done = CliRunner().invoke(app, SESSION)
    assert done.exit_code == 1
    totals = json.loads(done.stdout)
    assert stopped == ["IDLE"]
    assert totals["outcome"] == "stopped"
    assert totals["counted_ml"] == pytest.approx(25 * 98 / 3600, abs=0.01)


def test_status_stop_ports_and_their_documents() -> None:
    status = json.loads(titrate("status", "--port", "sim://", "--json").stdout)
    assert status["state"] == "IDLE"
    assert json.loads(titrate("stop", "--port", "sim://", "--json").stdout)["state"] == "IDLE"
    assert {"sim://", "emu://"} <= {entry["port"] for entry in json.loads(titrate("ports", "--json").stdout)}
