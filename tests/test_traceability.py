"""The trace holds together, and the check that says so sees every way in which it can be wrong."""

import re
import subprocess
import sys
from collections.abc import Callable

import pytest

from tools import traceability
from tools.traceability import Requirement, Shortfall, Shown

UNKNOWN = "NONE-99"
ROWS = [
    Requirement("A-01", "GIP 1.1.1", "a", "It pumps.", "", "yes", "", ["core"]),
    Requirement("A-02", "OpenPCA R5.1.0(1); GIP HID 1.28*", "a", "It stops.", "", "partly", "some", ["sim"]),
    Requirement("A-03", "GIP sec. 2.2 alarm Air-in-line", "a", "It flies.", "", "no", "no wings", ["doc"]),
]
PLACES = {"A-01": ["pump.core.law"], "A-02": ["pump.core.states"]}
SHOWN: Shown = {"A-01": {"tests/core/test_a.py::test_a": {"core"}}}
SHORT = [Shortfall("A-02", "open", "all of it")]


def test_the_trace_holds_together() -> None:
    """In a process of its own, because it collects the tests. Prints the line that sums it up."""
    done = subprocess.run(
        [sys.executable, "tools/traceability.py"], cwd=traceability.ROOT, capture_output=True, text=True
    )
    print(done.stdout)
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"traced \d+ of 185, open \d+, not applicable 15\n", done.stdout)


def problems(
    rows: list[Requirement] = ROWS,
    short: list[Shortfall] = SHORT,
    places: traceability.Cited = PLACES,
    shown: Shown = SHOWN,
    named: tuple[tuple[str, str], ...] = (),
) -> list[str]:
    return list(traceability.problems(rows, short, places, shown, named))


def test_what_fits_together_is_no_problem() -> None:
    assert problems() == []
    assert traceability.summary(ROWS, SHORT) == "traced 1 of 2, open 1, not applicable 1"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda: problems(named=((UNKNOWN, "pump/app.py"),)), "pump/app.py: NONE-99 is not in requirements.csv"),
        (lambda: problems(shown=SHOWN | {UNKNOWN: {"t.py::t": {"sim"}}}), "t.py::t: NONE-99 is not in"),
        (lambda: problems(shown={}), "A-01 has no test"),
        (lambda: problems(places={"A-02": PLACES["A-02"]}), "A-01 is cited nowhere"),
        (lambda: problems(short=[]), "A-02 has no test"),
        (lambda: problems(shown=SHOWN | {"A-02": {"t.py::t": {"sim"}}}), "A-02 has a test: drop the line"),
        (lambda: problems(short=[Shortfall("A-02", "partial", "half")]), "A-02 has no test: its state is open"),
        (lambda: problems(short=[Shortfall("A-02", "done", "none")]), "A-02 needs a state"),
        (lambda: problems(short=[Shortfall("A-02", "open", "")]), "A-02 needs a state"),
        (lambda: problems(short=SHORT * 2), "an id stands there twice"),
        (lambda: problems(short=[*SHORT, Shortfall("A-03", "open", "wings")]), "A-03 is not a requirement that"),
        (lambda: problems(short=[*SHORT, Shortfall(UNKNOWN, "open", "all")]), "NONE-99 is not a requirement that"),
        (lambda: problems(shown=SHOWN | {"A-03": {"t.py::t": {"doc"}}}), "t.py::t: A-03 does not apply"),
        (lambda: problems([*ROWS[:2], ROWS[2]._replace(why="")]), "A-03 does not apply, and does not say why"),
        (lambda: problems([ROWS[0]._replace(origin="GIP 9.9"), *ROWS[1:]]), "A-01 comes from GIP 9.9, which is no"),
    ],
)
def test_each_way_to_be_wrong_is_named(wrong: Callable[[], list[str]], said: str) -> None:
    (found,) = wrong()
    assert said in found


def test_a_failed_result_is_named() -> None:
    failed = {"tests/core/test_a.py::test_a": {"core": "failed"}}
    assert traceability.failures(SHOWN, {}) == []
    assert traceability.failures(SHOWN, {"tests/core/test_a.py::test_a": {"core": "passed"}}) == []
    (found,) = traceability.failures(SHOWN, failed)
    assert "test_a on core" in found


@pytest.mark.parametrize(
    ("outcomes", "word"),
    [(["passed"] * 2, "passed"), (["passed", "failed"], "failed"), (["passed", "skipped"], "skipped"), ([], "passed")],
)
def test_the_worst_of_several_results_is_told(outcomes: list[str], word: str) -> None:
    assert traceability.merged(outcomes) == word


@pytest.mark.parametrize(
    ("path", "url", "emulated", "where"),
    [
        ("tests/core/test_a.py::test_a", None, False, "core"),
        ("tests/host/test_a.py::test_a", None, False, "host"),
        ("tests/emulated/test_a.py::test_a", None, True, "emu"),
        ("tests/hil/test_a.py::test_a[emu]", "emu://", True, "emu"),
        ("tests/hil/test_a.py::test_a[sim]", "sim://", False, "sim"),
        ("tests/hil/test_a.py::test_a", None, False, "sim"),
        ("tests/test_documents.py::test_a", None, False, "doc"),
    ],
)
def test_a_test_runs_on_the_target_of_its_bench_or_folder(
    path: str, url: str | None, emulated: bool, where: str
) -> None:
    assert traceability.target(path, url, emulated) == where


@pytest.mark.requirement("SR-DOC-03")
def test_every_origin_is_an_item_of_a_source() -> None:
    rows = traceability.requirements()
    assert len(rows) == len({row.id for row in rows}) == 200
    assert [row.id for row in rows if traceability.unresolved(row.origin)] == []
    items = {item for row in rows for item in row.origin.split("; ")}
    numbers = {item for item in items if re.fullmatch(r"OpenPCA R[\d.]+\(\d+\)", item)}
    not_indexed = set(re.findall(r"R[\d.]+\(\d+\)(?= without an index footnote)", "".join(row.why for row in rows)))
    assert not_indexed <= {item.removeprefix("OpenPCA ") for item in numbers}
    assert len(numbers) - len(not_indexed) == 143
    # Part III is read with the chapter raised by one; these three of its entries lead to nothing.
    nowhere = {item.partition(" (in Part III")[0] for item in items if "in Part III only" in item}
    assert nowhere == {"OpenPCA R5.5.0(8)", "OpenPCA R5.9.0(5)", "OpenPCA R5.9.0(6)"}
    assert not nowhere & numbers
    assert not {"OpenPCA R6.5.0(8)", "OpenPCA R6.8.0(7)"} & numbers, "marked as removed in the source"
