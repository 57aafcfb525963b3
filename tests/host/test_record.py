"""Records of sessions: what is written, what is read back, what a cut leaves, and the page that is made of it."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from hil.bench import Bench, open_bench
from tests.host.attendants import Helper, plug_in_later, short_plan
from titrate import ProtocolError, Record, Refused
from titrate.cli import app
from titrate.playing import Player
from titrate.record import CUT_OFF, FIELDS, Recorder
from titrate.report import as_page
from titrate.session import Session


def played(bench: Bench, path: Path, helper: Helper) -> Session:
    with Recorder(path) as record:
        player = Player(bench.pump, short_plan(), helper, record)
        session = player.play(player.load())
        record.end(session.as_json(0.0))
    return session


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Session, Path]]:
    """A session with a lost link in it, and its record."""
    path = tmp_path_factory.mktemp("record") / "session.jsonl"
    with open_bench("sim://", seed=3) as bench:
        helper = Helper([(60, bench.unplug_link)])
        plug_in_later(bench, helper, 20)
        yield played(bench, path, helper), path


def test_a_record_reads_back_as_the_session(made: tuple[Session, Path]) -> None:
    session, path = made
    record = Record.read(path)
    again = record.session
    for name in (
        "outcome",
        "commanded_ml",
        "counted_ml",
        "simulated",
        "seed",
        "target",
        "digest",
        "library",
        "calibration",
    ):
        assert getattr(again, name) == getattr(session, name), name
    assert [alarm.name for alarm in again.alarms] == [alarm.name for alarm in session.alarms]
    assert [alarm.raised_s for alarm in again.alarms] == pytest.approx([alarm.raised_s for alarm in session.alarms])
    assert again.delivered_ml == pytest.approx(session.delivered_ml, abs=1e-6)
    assert again.device_seconds == pytest.approx(session.device_seconds, abs=1e-3)
    ours, theirs = again.as_json(0.0), session.as_json(0.0)
    for one, other in zip(ours.pop("phases"), theirs.pop("phases"), strict=True):
        assert one["kind"] == other["kind"]
        assert one["delivered_mg_kg_h"] == pytest.approx(other["delivered_mg_kg_h"], rel=1e-5)
    assert {name: ours[name] for name in ("total_mg", "sources", "warnings")} == {
        name: theirs[name] for name in ("total_mg", "sources", "warnings")
    }
    assert record.outcome is not None
    assert record.outcome["counted_ml"] == session.counted_ml


def test_its_columns_are_arrays(made: tuple[Session, Path]) -> None:
    record = Record.read(made[1])
    columns = [record.time_s, record.infused_s, record.rate_ml_h, record.counted_ml, record.pressure_kpa]
    assert {column.dtype for column in columns} == {np.dtype(np.float64)}
    assert len({len(column) for column in columns}) == 1
    assert len(record.time_s) > 1200
    assert np.all(np.diff(record.time_s) >= 0)
    assert np.max(np.diff(record.time_s)) > 20, "the link was away"
    assert record.counted_ml[-1] == made[0].counted_ml
    assert np.max(record.rate_ml_h) == 60
    assert set(record.header["sample"]) == set(record.samples) == set(FIELDS)


def test_it_tells_of_alarms_the_pumps_log_and_the_link(made: tuple[Session, Path]) -> None:
    record = Record.read(made[1])
    assert [alarm.name for alarm in record.alarms if alarm.name == "LINK_LOST"] == ["LINK_LOST"]
    assert [note["text"].partition(":")[0] for note in record.notes] == ["link lost", "link found again"]
    assert "INFUSING" in " ".join(event["text"] for event in record.events if event["kind"] == "state")
    header = record.header
    assert header["simulated"] is True
    assert header["seed"] == 3
    assert header["hello"]["firmware"] == made[0].hello["firmware"]


@pytest.mark.parametrize("at", range(0, 100, 7))
def test_a_cut_at_any_byte_leaves_all_lines_before_it(made: tuple[Session, Path], at: int, tmp_path: Path) -> None:
    data = made[1].read_bytes()
    header_bytes = data.index(b"\n") + 1
    cut = header_bytes + (len(data) - 1 - header_bytes) * at // 100
    path = tmp_path / "cut.jsonl"
    path.write_bytes(data[:cut])
    record = Record.read(path)
    lines = data[:cut].count(b"\n")
    samples = sum(line.startswith(b"[") for line in data[:cut].split(b"\n")[:lines])
    assert len(record.time_s) == samples
    assert record.outcome is None
    assert record.session.outcome == CUT_OFF
    assert "cut off" in as_page(record)


def test_an_alarm_that_this_version_does_not_know_is_named(made: tuple[Session, Path], tmp_path: Path) -> None:
    header = made[1].read_text().split("\n")[0]
    path = tmp_path / "newer.jsonl"
    path.write_text(header + '\n{"what":"alarm","time_s":1,"name":"METEORITE","raised":true}\n')
    done = CliRunner().invoke(app, ["report", str(path), "--json"])
    assert done.exit_code == 2
    assert 'newer.jsonl, line 2: "METEORITE" is not valid; allowed: an alarm that this version' in done.stderr
    assert json.loads(done.stdout)["error"]["exit_code"] == 2


def test_a_byte_order_mark_is_passed_over(made: tuple[Session, Path], tmp_path: Path) -> None:
    path = tmp_path / "marked.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + made[1].read_bytes())
    assert Record.read(path).outcome == Record.read(made[1]).outcome


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("", "header"),
        ("\n", "line 1"),
        ('{"what":"header"', "header"),
        ('{"what":"header","format":2}\n', "line 1"),
        ("[1,2]\n", "line 1"),
        ("{HEADER}\n[1,2]\n", "line 2"),
        ("{HEADER}\nnonsense\n{}\n", "line 2"),
        ('{HEADER}\n{"what":"alarm","time_s":1,"name":"OCCLUSION","raised":false}\n', "line 2"),
        ("\x00\x01\n", "line 1"),
    ],
)
def test_what_is_no_record_is_named_by_file_and_line(
    made: tuple[Session, Path], text: str, where: str, tmp_path: Path
) -> None:
    header = made[1].read_text().split("\n")[0]
    path = tmp_path / "bad.jsonl"
    path.write_text(text.replace("{HEADER}", header))
    with pytest.raises(ProtocolError, match=where) as raised:
        Record.read(path)
    assert "bad.jsonl" in str(raised.value)
    done = CliRunner().invoke(app, ["report", str(path)])
    assert done.exit_code == 2
    assert "Traceback" not in done.output


@pytest.mark.parametrize(
    ("line", "path", "value"),
    [
        (1, ("begun",), None),
        (1, ("seed",), None),
        (1, ("hello",), {}),
        (1, ("hello",), 7),
        (1, ("plan",), {}),
        (1, ("sample",), ["time_s"]),
        (1, ("program", "weight_g"), 7000),
        (1, ("phases", 0, 2), 0),
        (3, (1,), "x"),
        (3, (1,), 10**30),
        (3, (0,), None),
        (-2, ("outcome",), "well"),
        (-2, ("syringes_fitted",), "one"),
    ],
)
def test_a_record_that_was_edited_is_named_by_its_line(
    made: tuple[Session, Path], line: int, path: tuple[str | int, ...], value: object, tmp_path: Path
) -> None:
    lines = made[1].read_text().split("\n")
    index = line - 1 if line > 0 else len(lines) + line
    rows = [json.loads(text) for text in lines if text]
    if line == 3:  # the first sample
        index = next(number for number, row in enumerate(rows) if isinstance(row, list))
    place = rows[index]
    for key in path[:-1]:
        place = place[key]
    if value is None and line == 1:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    edited = tmp_path / "edited.jsonl"
    edited.write_text("\n".join(json.dumps(row) for row in rows) + "\n")
    done = CliRunner().invoke(app, ["report", str(edited)])
    assert done.exit_code == 2, done.output
    assert f"line {index + 1}" in done.stderr
    assert not (tmp_path / "edited.html").exists()


def test_bytes_that_are_no_text_and_files_that_are_not_there(tmp_path: Path) -> None:
    path = tmp_path / "bytes"
    path.write_bytes(b"\xff\xfe\n")
    for bad in (path, tmp_path / "none", tmp_path):
        with pytest.raises(ProtocolError, match=bad.name):
            Record.read(bad)


def test_no_record_is_written_over_and_none_where_it_cannot_be(tmp_path: Path) -> None:
    path = tmp_path / "there.jsonl"
    path.write_text("mine")
    for bad in (path, tmp_path / "no" / "folder.jsonl"):
        with pytest.raises(ProtocolError, match="--record"):
            Recorder(bad)
    assert path.read_text() == "mine"


def test_what_is_refused_leaves_no_record_and_a_full_disk_ends_it_early(tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"
    with open_bench("sim://") as bench, Recorder(path) as record:
        attendant = Helper()
        player = Player(bench.pump, short_plan(), attendant, record)
        player.load()
        with pytest.raises(Refused):
            player.play("another digest")
        assert not path.exists()
        disk = open("/dev/full", "w", buffering=1)  # noqa: SIM115
        attendant.acts = [(60, lambda: setattr(record, "_file", disk))]
        session = player.play(player.load())
    assert session.outcome == "complete"
    assert record.failed == "No space left on device"
    assert Record.read(path).outcome is None


def test_a_long_plan_is_sampled_further_apart_and_changes_are_all_there(tmp_path: Path) -> None:
    path = tmp_path / "long.jsonl"
    with open_bench("sim://") as bench, Recorder(path) as record:
        from titrate import Protocol

        player = Player(bench.pump, Protocol.read("goebel-2015").plan("70 kg"), Helper(), record)
        player.play(player.load(), until_s=600)
    read = Record.read(path)
    assert read.header["every_s"] == 27
    steps_s = np.diff(read.time_s)
    assert len(steps_s) < 40
    assert np.max(steps_s) < 29


def test_the_page_says_simulated_in_every_line_of_figures(made: tuple[Session, Path]) -> None:
    page = as_page(Record.read(made[1]))
    body = page[page.index("<h2>Volumes</h2>") : page.index("<h2>Picture</h2>")]
    rows = [row for row in body.split("<tr>")[1:] if "<td" in row]
    assert len(rows) == 3 + 3
    assert all("simulated" in row or "by the plan" in row for row in rows)
    assert "not a medical device" in page
    assert "<svg" in page
    assert "LINK_LOST" in page
    assert "http" not in page.replace("http://www.w3.org", "").replace("http://purl.org", "").replace(
        "http://creativecommons.org", ""
    ), "it needs no network"
    for fact in (made[0].hello["firmware"], made[0].digest, "sim://"):
        assert fact in page


def test_the_command_writes_the_page_beside_the_record(made: tuple[Session, Path], tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"
    path.write_bytes(made[1].read_bytes())
    done = CliRunner().invoke(app, ["report", str(path), "--json"])
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    assert document["outcome"] == "complete"
    assert document["simulated"] is True
    assert Path(document["page"]).read_text().startswith("<!DOCTYPE html>")
    assert CliRunner().invoke(app, ["report", str(path), "--output", str(path)]).exit_code == 2
    assert CliRunner().invoke(app, ["report", str(path), "--output", str(tmp_path / "no" / "page.html")]).exit_code == 2


def test_a_record_without_a_bench_has_no_delivered_figure(made: tuple[Session, Path], tmp_path: Path) -> None:
    """As of a real pump: nothing measures what leaves the line."""
    lines = made[1].read_text().splitlines()
    header = json.loads(lines[0])
    header["hello"]["serial"] = "e6614103e7174f2b"
    header |= {"simulated": False, "seed": None, "target": "/dev/ttyACM0"}
    at = header["sample"].index("delivered_ul")
    samples = [json.loads(line) for line in lines if line.startswith("[")]
    bare = [json.dumps(header)] + [json.dumps([*row[:at], None, *row[at + 1 :]]) for row in samples]
    path = tmp_path / "real.jsonl"
    path.write_text("\n".join(bare) + "\n")
    record = Record.read(path)
    assert np.isnan(record.delivered_ml).all()
    assert record.session.delivered_ml is None
    page = as_page(record)
    assert "nothing measured it" in page
    assert "simulated" not in page
