"""`make bench` itself: what it says of figures that hold, fail, moved or are gone. Values are given, not measured."""

import json
import math
import re
from fractions import Fraction
from pathlib import Path

import pytest
from rich.console import Console

from hil.boards import ROOT
from hil.report import MARKS
from pump.core.units import TICKS_PER_MS
from tests.programs import PL_PER_ML, Oracle
from tools.bench import __main__ as command
from tools.bench import results
from tools.bench.growth import Growth
from tools.bench.host import PhaseLaw, law_error
from tools.bench.kept import objects
from tools.bench.soak import random_session
from tools.bench.table import ROWS

GROWTH = Growth("a longer thing", "things", "s", (1, 2, 4), (1.0, 2.0, 4.1))


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):  # type: ignore[no-untyped-def]
    """Runs the command with figures given instead of measured; its exit code."""
    monkeypatch.setattr(results, "BUILD", tmp_path)
    monkeypatch.setattr(results, "FIGURES", tmp_path / "figures.md")
    monkeypatch.setattr(command, "firmware_digest", lambda: "0123456789abcdef0123")

    def run(values: dict[str, float], *arguments: str) -> int:
        monkeypatch.setattr(command, "BY_THE_CHIP", {})
        monkeypatch.setattr(command, "BY_THE_WALL", {"given": lambda: values})
        monkeypatch.setattr("sys.argv", ["bench", "--only", "given", *arguments])
        return command.main()

    return run


def test_a_figure_outside_its_limit_fails_the_command_and_is_named(run, capsys) -> None:  # type: ignore[no-untyped-def]
    assert run({"stop_latency_us": 20_000, "boot_ms": 700}) == 0
    assert "outside the limit: none" in capsys.readouterr().out
    assert run({"stop_latency_us": 20_001, "boot_ms": 700}) == 1
    assert "outside the limit: stop_latency_us" in capsys.readouterr().out


def test_the_json_has_value_unit_limit_and_which_way_is_better(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    run({"emu_speed": 3.5, "image_bytes": 1000})
    assert json.loads((tmp_path / "bench.json").read_text()) == {
        "image_bytes": {"value": 1000, "unit": "bytes", "limit": None, "better": "lower"},
        "emu_speed": {"value": 3.5, "unit": "1", "limit": 3, "better": "higher"},
    }
    assert "emu_speed" in (tmp_path / "bench.html").read_text()
    assert not (tmp_path / "figures.md").exists(), "a part of the figures is no page of them"


def test_what_moved_is_told_with_its_direction(run, tmp_path: Path, capsys) -> None:  # type: ignore[no-untyped-def]
    run({"boot_ms": 700, "emu_speed": 3.0, "stop_latency_us": 5000})
    older = tmp_path / "older.json"
    older.write_text((tmp_path / "bench.json").read_text())
    capsys.readouterr()
    run({"boot_ms": 770, "emu_speed": 3.3, "link_rtt_us_max": 9000}, "--compare", str(older))
    told = capsys.readouterr().out
    assert "boot_ms: 700 to 770 ms, +10.0 %: worse" in told
    assert "emu_speed: 3 to 3.3 1, +10.0 %: better" in told
    assert "link_rtt_us_max: new, 9000 us" in told
    assert "stop_latency_us: no longer measured" in told


@pytest.mark.parametrize("content", ["", "[]", '{"a": 1}'])
def test_what_is_no_bench_json_is_one_line_and_code_2(run, tmp_path: Path, capsys, content: str) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "older.json"
    path.write_text(content)
    with pytest.raises(SystemExit) as ended:
        run({"boot_ms": 700}, "--compare", str(path))
    assert ended.value.code == 2
    assert f"--compare {path}: not a bench.json" in capsys.readouterr().err


def test_an_unknown_measure_is_refused(run, capsys) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(SystemExit) as ended:
        run({}, "--only", "speeed")
    assert ended.value.code == 2
    assert "--only speeed: known are given, growth" in capsys.readouterr().err


def test_the_page_of_all_figures_has_every_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "BUILD", tmp_path)
    monkeypatch.setattr(results, "FIGURES", tmp_path / "figures.md")
    figures = results.figures_of(dict.fromkeys(ROWS, 1.0))
    results.write(figures, [GROWTH], "2026-11-28", "abc", "0123456789abcdef0123")
    text = (tmp_path / "figures.md").read_text()
    assert all(f"| `{name}` | 1 " in text for name in ROWS)
    assert "at most linear" in text
    results.print_table(figures, Console(width=160))


def test_the_page_in_docs_has_every_figure_with_the_limits_of_today() -> None:
    """Its form; the values are those of the run that wrote it, and `make bench` alone judges them."""
    text = (ROOT / "docs/figures.md").read_text(encoding="utf-8")
    assert re.search(r"^\d{4}-\d\d-\d\d, revision [0-9a-f]{7,}(-dirty)?, firmware digest `[0-9a-f]{16}`\.", text, re.M)
    rows = {cells[1].strip(" `"): cells for cells in (line.split("|") for line in text.splitlines()) if len(cells) > 7}
    assert set(ROWS) <= set(rows), "make bench writes it"
    for figure in results.figures_of(dict.fromkeys(ROWS, 1.0)):
        _, _, value, limit, mark, what, peer, _ = rows[figure.name]
        number, _, unit = value.strip().rpartition(" ")
        assert math.isfinite(float(number.replace("−", "-").replace(" ", ""))), value
        assert unit == figure.unit
        assert limit.strip() == figure.limit.replace("-", "−")
        assert mark.strip() in MARKS.values()
        assert (what.strip(), peer.strip()) == (ROWS[figure.name].what, ROWS[figure.name].peer)
    assert text.count("at most linear") + text.count("more than linear") == 4


def test_what_is_kept_is_counted_and_numbers_are_not() -> None:
    """The figure of a day, on objects that are known."""

    class Holder:
        def __init__(self) -> None:
            self.items: list[object] = []

    holder = Holder()
    before = objects(holder)
    holder.items += [1, 2**40, 0.5, "text", b"bytes", Holder]
    assert objects(holder) == before
    holder.items += [[], {}]
    assert objects(holder) == before + 2
    holder.items += [holder.items, holder]
    assert objects(holder) == before + 2, "each once"


def test_the_law_of_a_phase_is_the_oracles() -> None:
    phases = [["ramp", 60_000, 25 * PL_PER_ML, 50 * PL_PER_ML], ["infuse", 7_001, 7 * PL_PER_ML, 7 * PL_PER_ML]]
    oracle, before_pl, begin_ms = Oracle(phases), Fraction(), 0
    for phase in phases:
        law = PhaseLaw(phase, before_pl, oracle.step_pl)
        for ms in (0, 1, 777, 6_543, 7_001):
            exact = oracle.volume_pl(begin_ms + ms) / oracle.step_pl
            assert Fraction(law.distance(3, ms * TICKS_PER_MS), law.whole) == abs(3 - exact)
        before_pl, begin_ms = law.after_pl, begin_ms + phase[1]


def test_growth_that_is_more_than_linear_is_seen() -> None:
    assert GROWTH.is_linear
    assert not Growth("", "", "", (1, 2, 4), (1.0, 2.0, 6.0)).is_linear
    assert Growth("", "", "", (0, 250, 500, 1000), (439, 530, 530, 620)).is_linear


def test_a_random_session_is_good_and_a_miscount_is_told_with_its_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert random_session(3) == ""
    monkeypatch.setattr("hil.bench.Bench.steps", property(lambda bench: len(bench.step_times_us) + 2))
    assert random_session(3).startswith("seed 3: AssertionError: ")


def test_the_law_of_240_hours_is_never_a_step_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.bench.host.LONGEST", "patil-2012")  # the same on 4 h, in the time that a test has
    assert 0 < law_error()["law_error_steps_240h"] <= 1
