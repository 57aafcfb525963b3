"""`titrate log`: what it prints, exports and verifies, and its exit codes."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from hil.devices.store import Store
from tests.core.journals import REFERENCE, SEGMENTS, copy_of, starts
from tests.host.pumps import JournalPump
from titrate.cli import app, output
from titrate.client import Pump

AWKWARD = 'program "a, b"; two\nlines — \x1b[31mred\x1b[0m'


@pytest.fixture
def pump(monkeypatch: pytest.MonkeyPatch) -> JournalPump:
    """Two power-ons; the last entry is not stored."""
    store = Store()
    first = JournalPump(store)
    first.log.append(0, "boot", "0.1.0")
    first.log.append(3_723_004, "alarm", "OCCLUSION at 90000 Pa")
    pump = JournalPump(store)
    pump.log.append(0, "boot", "0.1.0")
    pump.log.append(1500, "refused", AWKWARD)
    pump.log.add(2000, "command", "[bold]stop[/bold]")
    put(monkeypatch, pump)
    return pump


def put(monkeypatch: pytest.MonkeyPatch, pump: JournalPump) -> None:
    monkeypatch.setattr(Pump, "open", lambda url: pump)


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["log", "--port", "fake://", *arguments])


def numbers(stdout: str) -> list[int]:
    return [int(line.split()[0]) for line in stdout.splitlines()]


def test_without_a_terminal_every_entry_is_one_whole_line(pump: JournalPump) -> None:
    result = run()
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "     1  boot 1      0:00:00.000  boot         0.1.0",
        "     2  boot 1      1:02:03.004  alarm        OCCLUSION at 90000 Pa",
        "     3  boot 2      0:00:00.000  boot         0.1.0",
        '     4  boot 2      0:00:01.500  refused      program "a, b"; two?lines — ?[31mred?[0m',
        "     5  boot 2      0:00:02.000  command      [bold]stop[/bold]  (not stored)",
    ]
    assert result.stderr == ""


def test_on_a_terminal_it_is_a_table(pump: JournalPump, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=100, color_system=None)
    monkeypatch.setattr(output, "results", lambda: console)
    run("--verify")
    lines = [line.rstrip() for line in screen.getvalue().splitlines()]
    assert lines[0].split() == ["number", "power-on", "since", "power-on", "kind", "text"]
    assert len(lines) == 7
    assert lines[5].endswith("not stored")
    assert "[bold]stop[/bold]" in lines[5]
    assert lines[6] == "verified: the chain of 4 stored entries holds"


def test_a_date_stands_behind_the_text(pump: JournalPump) -> None:
    pump.log.append(3000, "clock", "utc_s 1764000000.000")
    assert "0.1.0  [2025-11-24T15:59:57.000Z]" in run("--boot", "2").stdout


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--kind", "alarm"], [2]),
        (["--kind", "alarm", "--kind", "command"], [2, 5]),
        (["--after", "3"], [4, 5]),
        (["--last", "2"], [4, 5]),
        (["--last", "1", "--kind", "boot"], [3]),
        (["--boot", "1"], [1, 2]),
        (["--grep", "STOP"], [5]),
        (["--kind", "boot", "--after", "1"], [3]),
    ],
)
def test_filters(pump: JournalPump, arguments: list[str], expected: list[int]) -> None:
    assert numbers(run(*arguments).stdout) == expected
    document = json.loads(run(*arguments, "--json").stdout)
    assert [entry["sequence"] for entry in document["entries"]] == expected


def test_a_kind_that_there_is_none_of_is_told_with_those_there_are(pump: JournalPump) -> None:
    result = run("--kind", "alarms")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "no entry is of kind alarms; there are alarm, boot, command, refused" in result.stderr


def test_the_document(pump: JournalPump) -> None:
    document = json.loads(run("--json", "--verify", "--after", "3").stdout)
    assert set(document) == {"entries", "findings", "verified"}
    assert document["verified"] is True
    assert document["findings"] == []
    assert document["entries"] == [
        {
            "sequence": 4, "boot": 2, "time_ms": 1500, "kind": "refused", "text": AWKWARD, "stored": True, "utc": None,
        },
        {
            "sequence": 5, "boot": 2, "time_ms": 2000, "kind": "command", "text": "[bold]stop[/bold]",
            "stored": False, "utc": None,
        },
    ]  # fmt: skip


@pytest.mark.parametrize("to_file", [True, False])
def test_csv_gives_back_any_text(pump: JournalPump, to_file: bool, tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    result = run("--csv", str(path) if to_file else "-", "--verify")
    assert result.exit_code == 0
    text = path.read_bytes().decode() if to_file else result.stdout
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert list(rows[0]) == ["sequence", "boot", "time_ms", "kind", "text", "stored", "utc"]
    assert [row["text"] for row in rows] == ["0.1.0", "OCCLUSION at 90000 Pa", "0.1.0", AWKWARD, "[bold]stop[/bold]"]
    assert [row["stored"] for row in rows] == ["yes"] * 4 + ["no"]
    assert "verified" in (result.stdout if to_file else result.stderr)


def test_csv_and_document_at_once(pump: JournalPump, tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    assert len(json.loads(run("--csv", str(path), "--json").stdout)["entries"]) == 5
    assert len(path.read_text().splitlines()) == 7, "a header, and one text has two lines"


@pytest.mark.parametrize(
    "arguments",
    [
        ["--json", "--follow"],
        ["--json", "--csv", "-"],
        ["--csv", "/nowhere/at/all.csv"],
        ["--last", "0"],
        ["--after", "-1"],
        ["--boot", "one"],
    ],
)
def test_wrong_use_is_exit_2(pump: JournalPump, arguments: list[str]) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert "Traceback" not in result.stderr


def test_a_csv_that_cannot_be_written_is_one_document(pump: JournalPump, tmp_path: Path) -> None:
    result = run("--json", "--csv", str(tmp_path / "no" / "log.csv"))
    assert result.exit_code == 2
    assert json.loads(result.stdout)["error"]["exit_code"] == 2


def test_no_pump_is_exit_3() -> None:
    result = CliRunner().invoke(app, ["log", "--port", "/dev/there-is-none"])
    assert result.exit_code == 3


# --- damage


@pytest.fixture
def damaged(monkeypatch: pytest.MonkeyPatch) -> tuple[str, int]:
    """(file, offset) of the record that is."""
    store = copy_of(REFERENCE)
    at = starts(store.files[SEGMENTS[1]])[3]
    store.flip_bit(SEGMENTS[1], 8 * at + 100)
    put(monkeypatch, JournalPump(store))
    return SEGMENTS[1], at


@pytest.mark.requirement("SR-LOG-09")
def test_verify_names_what_is_damaged_and_is_exit_1(damaged: tuple[str, int]) -> None:
    file, at = damaged
    result = run("--verify", "--last", "1")
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert numbers(lines[0]) == [150]
    assert lines[1].startswith(f"DAMAGED in {file} at byte {at}, record ")
    assert lines[2].startswith(f"MISSING in {file} at byte ")
    assert lines[3] == "damaged: 2 findings"


def test_the_document_of_a_damaged_journal(damaged: tuple[str, int]) -> None:
    file, at = damaged
    result = run("--verify", "--json")
    document = json.loads(result.stdout)
    assert result.exit_code == 1
    assert document["verified"] is False
    assert len(document["entries"]) == 149
    finding = document["findings"][0]
    assert (finding["kind"], finding["file"], finding["offset"], finding["damage"]) == ("DAMAGED", file, at, True)
    assert f"DAMAGED in {file} at byte {at}" in result.stderr


def test_without_verify_damage_is_a_warning(damaged: tuple[str, int]) -> None:
    file, at = damaged
    result = run()
    assert result.exit_code == 0
    assert len(numbers(result.stdout)) == 149
    assert f"warning: DAMAGED in {file} at byte {at}" in result.stderr


# --- follow


def test_follow_goes_on_with_what_happens_and_ctrl_c_is_the_end(pump: JournalPump) -> None:
    def happens(*texts: str) -> Any:
        return lambda: [pump.log.append(5000, "state", text) for text in texts]

    pump.days = [happens("A"), happens(), happens("B", "C")]
    result = run("--follow", "--last", "1")
    assert result.exit_code == 0
    assert numbers(result.stdout) == [5, 6, 7, 8]
    assert [line.split()[-1] for line in result.stdout.splitlines()[1:]] == ["A", "B", "C"]
    assert "boot 2" in result.stdout.splitlines()[-1]


def test_follow_shows_what_cannot_be_stored_a_second_later(pump: JournalPump) -> None:
    pump.days = [lambda: pump.log.add(5000, "state", "A")]
    assert numbers(run("--follow", "--kind", "state").stdout) == []
    pump.days = [lambda: pump.log.add(5000, "state", "B"), lambda: None]
    assert "B  (not stored)" in run("--follow", "--kind", "state").stdout


def test_follow_can_write_csv(pump: JournalPump, tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    pump.days = [lambda: pump.log.append(5000, "alarm", "AIR_IN_LINE")]
    assert run("--follow", "--kind", "alarm", "--csv", str(path)).exit_code == 0
    assert [row["text"][:5] for row in csv.DictReader(path.open())] == ["OCCLU", "AIR_I"]
