"""`titrate watch`: follows what is under way, and asks nothing of the pump."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hil.bench import Bench, open_bench
from tests.host.attendants import short_plan
from titrate import Pump, Record
from titrate.cli import app


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """A bench whose pump another client has started, and on whose port the command opens a client of its own."""
    with open_bench("sim://") as bench:
        pump = bench.pump
        pump.syringe("bd-plastipak-50", 50_000_000)
        pump.confirm(pump.load(*short_plan().program))
        pump.start()
        bench.run_for(120)
        monkeypatch.setattr(Pump, "open", classmethod(lambda cls, url: Pump(bench.port)))
        monkeypatch.setattr(bench.port, "close", lambda: None)
        yield bench


def watch(*words: str) -> tuple[int, dict[str, object], str]:
    done = CliRunner().invoke(app, ["watch", "--port", "sim://", "--json", *words])
    return done.exit_code, json.loads(done.stdout), done.stderr


def test_it_follows_to_the_end_and_writes_one_document(bench: Bench, tmp_path: Path) -> None:
    code, found, said = watch("--record", str(tmp_path / "watched.jsonl"))
    assert code == 0
    assert found["outcome"] == "complete"
    assert found["counted_ml"] == pytest.approx(13, abs=4e-4)
    assert found["delivered_ml"] is None
    assert found["simulated"] is True
    assert [phase["kind"] for phase in found["phases"]] == ["infuse", "pause", "ramp"]
    assert all(abs(phase["error_percent"]) < 0.5 for phase in found["phases"] if phase["error_percent"] is not None)
    assert found["device_seconds"] == pytest.approx(19 * 60, abs=2)
    assert "alarm LIBRARY_MISSING" in said
    record = Record.read(tmp_path / "watched.jsonl")
    assert record.infused_s[0] == pytest.approx(120, abs=2)
    assert record.session.commanded_ml == pytest.approx(13)


def test_it_asks_nothing_but_what_it_reads(bench: Bench) -> None:
    before = len([event for event in bench.pump.events() if event["kind"] == "command"])
    watch()
    after = [event["text"] for event in Pump(bench.port).events() if event["kind"] == "command"]
    assert len(after) == before
    assert "INFUSION_COMPLETE" in Pump(bench.port).status()["alarms"], "a person has not seen it yet"


@pytest.mark.parametrize(("act", "outcome"), [("press", "stopped"), ("cut", "alarm")])
def test_how_it_ended_is_the_exit_code(bench: Bench, act: str, outcome: str, monkeypatch: pytest.MonkeyPatch) -> None:
    wait_status = Pump.wait_status
    left = [100]

    def wait(pump: Pump) -> dict[str, object]:
        left[0] -= 1
        if not left[0]:
            if act == "press":
                bench.press("stop")
            else:
                bench.cut_power()
                bench.target.restore_power()
        return wait_status(pump)

    monkeypatch.setattr(Pump, "wait_status", wait)
    code, found, _ = watch()
    assert (code, found["outcome"]) == (1, outcome)


def test_ctrl_c_ends_the_watching_and_the_pump_goes_on(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    wait_status = Pump.wait_status
    left = [50]

    def wait(pump: Pump) -> dict[str, object]:
        left[0] -= 1
        if not left[0]:
            raise KeyboardInterrupt
        return wait_status(pump)

    monkeypatch.setattr(Pump, "wait_status", wait)
    code, found, _ = watch("--record", str(tmp_path / "watched.jsonl"))
    assert (code, found["outcome"]) == (0, "running")
    assert bench.target.app.controller.state == "INFUSING"
    assert CliRunner().invoke(app, ["report", str(tmp_path / "watched.jsonl")]).exit_code == 0
    assert "while the pump went on" in (tmp_path / "watched.html").read_text()


def test_where_nothing_is_under_way_it_says_so() -> None:
    done = CliRunner().invoke(app, ["watch", "--port", "sim://"])
    assert done.exit_code == 0
    assert "nothing is under way, the pump is IDLE" in done.stdout
    assert watch()[1]["state"] == "IDLE"
