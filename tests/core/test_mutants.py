"""The mutation run: a monitor that is wrong by one comparison or one unit does not get through its tests."""

import subprocess
import sys

import pytest

from tools import mutants
from tools.mutants import EQUAL, ROOT, SURVIVED, Mutant

SOURCE = '''"""1 and 2 < 3"""
TYPE_CHECKING = False
if TYPE_CHECKING:
    LEAST = 7

class Monitor:
    def update(self, x: "int | 3", on: bool = True) -> 4:
        return not 5 <= x < 5 or min(x, 0) is None and x - 1 == 1
'''


@pytest.mark.slow
@pytest.mark.requirement("SR-OCC-01", "SR-OCC-06", "SR-AIR-01", "SR-ACC-03", "SR-ACC-07", "SR-ACC-10", "SR-DIAG-13")
@pytest.mark.requirement("SR-POWER-02", "SR-POWER-03", "SR-ALARM-09", "SR-ALARM-10", "SR-STOP-06", "SR-RES-05")
def test_every_mutant_of_the_monitors_is_caught(capsys: pytest.CaptureFixture[str]) -> None:
    tool = [sys.executable, "tools/mutants.py", "monitors", "flow", "sensors"]
    ran = subprocess.run(tool, cwd=ROOT, capture_output=True, text=True, timeout=600)
    with capsys.disabled():
        print(ran.stdout.strip().rpartition("\n")[2])
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_all_that_runs_is_mutated_and_nothing_else() -> None:
    _, found = mutants.mutants("monitors", SOURCE)
    assert [(mutant.scope, mutant.number, mutant.text) for mutant in found] == [
        ("Monitor.update", 8, text)
        for text in (
            "not dropped",
            "<= to <",
            "<= to >",
            "< to <=",
            "< to >=",
            "5 to 4",
            "5 to 6",
            "5 to 4 (2nd)",
            "5 to 6 (2nd)",
            "is to is not",
            "min to max",
            "0 to -1",
            "0 to 1",
            "== to !=",
            "1 to 0",
            "1 to 2",
            "1 to 0 (2nd)",
            "1 to 2 (2nd)",
        )
    ]


@pytest.mark.parametrize(
    ("source", "results"),
    [
        (
            "def f(x): return 3 < x",
            {"< to <=": [0, 1, 1], "< to >=": [1, 1, 0], "3 to 2": [0, 1, 1], "3 to 4": [0] * 3},
        ),
        ("def f(x): return not x - 3", {"not dropped": [1, 0, 1], "3 to 2": [1, 0, 0], "3 to 4": [0, 0, 1]}),
        ("def f(x): return max(x, 3) == 3", {"max to min": [0, 1, 1], "== to !=": [0, 0, 1]}),
    ],
)
def test_a_mutant_does_what_its_text_says(source: str, results: dict[str, list[int]]) -> None:
    """The function's answers for 2, 3 and 4."""
    for text, answers in results.items():
        tree, found = mutants.mutants("monitors", source)
        (mutant,) = [mutant for mutant in found if mutant.text == text]
        mutant.apply()
        names: dict[str, object] = {}
        exec(compile(tree, "mutant", "exec"), names)
        assert [bool(names["f"](x)) for x in (2, 3, 4)] == [bool(answer) for answer in answers], text  # type: ignore[operator]


def test_an_entry_of_the_list_that_is_no_equivalent_mutant_is_named() -> None:
    first, *others = [
        Mutant(module, scope, 1, line, text, lambda: None, EQUAL)
        for module, scope, line, text in mutants.equivalent(["monitors"])
    ]
    for verdict, named in ((EQUAL, 0), (SURVIVED, 1), (mutants.CAUGHT, 1)):
        first.verdict = verdict
        assert len(mutants.stale(["monitors"], [first, *others])) == named
    assert len(mutants.stale(["monitors"], others)) == 1
    assert mutants.stale(["a module that was not run"], []) == []
