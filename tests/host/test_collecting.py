"""The pump's log, collected on the host: nothing twice, nothing missing unsaid, and no two pumps in one file."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from hil.devices.store import Store
from tests.host.pumps import JournalPump
from titrate.cli import app
from titrate.client import Pump
from titrate.collecting import collect
from titrate.errors import ProtocolError


def pump_on(store: Store, serial: str = "e660-58") -> JournalPump:
    pump = JournalPump(store)
    pump.hello = {"serial": serial}
    return pump


def collected(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.mark.requirement("SR-LOG-07")
@given(st.lists(st.integers(0, 120), min_size=1, max_size=5))
def test_however_often_it_is_collected_each_entry_is_there_once(
    tmp_path_factory: pytest.TempPathFactory, runs: list[int]
) -> None:
    folder = tmp_path_factory.mktemp("logs")
    store = Store()
    count = 0
    for more in runs:
        pump = pump_on(store)
        for _ in range(more):
            count += 1
            pump.log.append(count, "state", f"{count}\nof more than one line")
        found = collect(pump, folder)  # type: ignore[arg-type]
        assert (found.new, found.lost) == (more, 0)
    if count:
        assert [entry["sequence"] for entry in collected(folder / "e66058.jsonl")] == list(range(1, count + 1))


@pytest.mark.requirement("SR-LOG-07")
def test_what_the_pump_has_overwritten_stays_and_what_was_lost_before_is_told(tmp_path: Path) -> None:
    store = Store()
    pump = pump_on(store)
    for number in range(1, 301):
        pump.log.append(number, "state", "x" * 200)
    assert collect(pump, tmp_path).new == 300  # type: ignore[arg-type]
    for number in range(301, 2001):
        pump.log.append(number, "state", "x" * 200)
    found = collect(pump, tmp_path)  # type: ignore[arg-type]
    assert found.lost > 0
    assert found.new + found.lost == 1700
    numbers = [entry["sequence"] for entry in collected(found.path)]
    assert numbers == [*range(1, 301), *range(301 + found.lost, 2001)]


def test_what_is_not_stored_yet_is_left_for_the_next_time(tmp_path: Path) -> None:
    pump = pump_on(Store())
    pump.log.append(1, "boot", "0.1.0")
    pump.log.add(2, "command", "stop")
    assert collect(pump, tmp_path).new == 1  # type: ignore[arg-type]
    pump.log.save()
    assert collect(pump, tmp_path).new == 1  # type: ignore[arg-type]


@pytest.mark.parametrize("entries", [1, 5, 9])
def test_a_pump_whose_flash_was_erased_begins_a_further_file(tmp_path: Path, entries: int) -> None:
    for flash in range(3):
        pump = pump_on(Store())
        for number in range(5 if flash == 0 else entries):
            pump.log.append(number, "state", f"of flash {flash}")
        found = collect(pump, tmp_path)  # type: ignore[arg-type]
        assert found.path.name == ("e66058.jsonl", "e66058-2.jsonl", "e66058-3.jsonl")[flash]
        assert found.lost == 0
        assert {entry["text"] for entry in collected(found.path)} == {f"of flash {flash}"}
    assert not collect(pump, tmp_path).new  # type: ignore[arg-type]


def test_two_pumps_have_two_files(tmp_path: Path) -> None:
    for serial in ("a1", "b2"):
        pump = pump_on(Store(), serial)
        pump.log.append(0, "boot", "0.1.0")
        collect(pump, tmp_path)  # type: ignore[arg-type]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a1.jsonl", "b2.jsonl"]


@pytest.mark.parametrize("damage", [b"", b"nonsense\n", b'{"sequence": 1}\n', b'{"sequence": 1, "bo', b"[]\n"])
def test_a_file_that_is_no_log_is_named_and_left_alone(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "e66058.jsonl"
    path.write_bytes(damage)
    pump = pump_on(Store())
    pump.log.append(0, "boot", "0.1.0")
    with pytest.raises(ProtocolError, match="collected before"):
        collect(pump, tmp_path)  # type: ignore[arg-type]
    assert path.read_bytes() == damage


def test_the_command_collects_and_a_folder_that_cannot_be_is_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pump = pump_on(Store())
    pump.log.append(0, "boot", "0.1.0")
    monkeypatch.setattr(Pump, "open", lambda url: pump)
    monkeypatch.setenv("TITRATE_LOGS", str(tmp_path / "logs"))
    result = CliRunner().invoke(app, ["log", "--port", "fake://"])
    assert result.exit_code == 0
    assert f"log: 1 new entries in {tmp_path}/logs/e66058.jsonl" in result.stderr
    (tmp_path / "file").write_text("")
    result = CliRunner().invoke(app, ["log", "--port", "fake://", "--logs", str(tmp_path / "file")])
    assert result.exit_code == 0
    assert "warning: the pump's log is not collected:" in result.stderr


def test_play_collects_the_log_of_its_pump(tmp_path: Path) -> None:
    arguments = ["play", "schwartzman-2009", "--session", "1", "--weight", "70 kg", "--port", "sim://", "--yes"]
    result = CliRunner().invoke(app, [*arguments, "--logs", str(tmp_path)])
    assert result.exit_code == 0
    (path,) = tmp_path.iterdir()
    entries = collected(path)
    assert [entry["sequence"] for entry in entries] == list(range(1, len(entries) + 1))
    assert "start" in [entry["text"] for entry in entries if entry["kind"] == "command"]
    assert all(entry["utc"] for entry in entries), "the pump was told the time"
