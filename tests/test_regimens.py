"""`make regimens` in small: the first minutes of every packaged protocol, and the short ones to their end."""

from pathlib import Path

import pytest

from hil.plugin import need_emulator
from titrate.reading import packaged
from tools import regimens
from tools.regimens import play

FIRST_S = 120.0


@pytest.mark.requirement("SR-ACC-01")
@pytest.mark.parametrize("name", packaged())
def test_the_first_two_minutes_on_the_simulated_pump(name: str) -> None:
    row = play(name, "sim://", FIRST_S)
    assert row.faults == ()
    assert row.commanded_ml > 0


@pytest.mark.emulated
@pytest.mark.slow
@pytest.mark.requirement("SR-ACC-01")
@pytest.mark.parametrize("name", packaged())
def test_the_first_two_minutes_on_the_emulated_chip(name: str) -> None:
    need_emulator()
    row = play(name, "emu://", FIRST_S)
    assert row.faults == ()
    assert row.commanded_ml > 0


@pytest.mark.requirement("SR-ACC-01")
@pytest.mark.parametrize("name", ["patil-2012", "sigtermans-2010"])
def test_short_ones_to_their_end(name: str) -> None:
    row = play(name)
    assert row.faults == ()
    assert row.outcome == "complete"
    assert row.worst_phase_percent is not None or name == "sigtermans-2010", "its phases are five minutes long"


def test_a_criterion_that_is_missed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(regimens, "PHASE_ERROR_PERCENT", 0.01)
    monkeypatch.setattr(regimens, "upload", lambda pump, library: None)
    row = play("patil-2012")
    assert [fault.partition(" ")[0] for fault in row.faults] == ["a", "alarm"]
    assert row.faults[-1] == "alarm LIBRARY_MISSING"


def test_what_is_miscounted_or_does_not_end_is_a_miss(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = regimens.Session.counted_ml
    monkeypatch.setattr(regimens.Session, "counted_ml", property(lambda self: counted.fget(self) + 0.001))
    row = play("patil-2012", until_s=10)
    assert [fault.partition(" ")[0] for fault in row.faults] == ["counted"]
    assert "outcome stopped, not complete" in regimens.row_of("x", _stopped(), None).faults


def _stopped() -> regimens.Session:
    from hil.bench import open_bench
    from titrate import Protocol

    with open_bench("sim://") as bench:
        session = regimens.Session(Protocol.read("patil-2012").plan("70 kg"), bench.pump.hello)
        session.sample(0, 0, 0.0)
        return session


@pytest.mark.parametrize(("fault_percent", "code"), [(0.5, 0), (0.0001, 1)])
def test_the_command_writes_the_page_and_its_exit_code_says_whether_all_is_good(
    fault_percent: float, code: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(regimens, "PHASE_ERROR_PERCENT", fault_percent)
    monkeypatch.setattr(regimens, "packaged", lambda: ["patil-2012", "goebel-2015"])
    page = tmp_path / "page.md"
    monkeypatch.setattr("sys.argv", ["regimens", "--minutes", "12", "--page", str(page), "--jobs", "2"])
    assert regimens.main() == code
    text = page.read_text()
    assert text.count("| good |") == 2 * (1 - code)
    assert "Simulated" in text
    assert "| patil-2012 |" in capsys.readouterr().out
