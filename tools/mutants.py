"""The mutation run of the monitors and limits: every comparison shifted and flipped, every integer moved by one, every
`not` dropped, min and max swapped; each by itself, and the tests must notice.

    tools/mutants.py                    all of them
    tools/mutants.py monitors flow      some modules
    tools/mutants.py --list             with a line for every mutant

Each mutant runs in a fork of a process that has everything loaded but the project's own modules, until the first test
that fails. A mutant that runs out of time is caught, too: the watchdog would have it. Those that survive few hypothesis
examples meet all of them. The exit code is 1 if one survives, or if the list of equivalent ones is out of date.
"""

import argparse
import ast
import gc
import importlib
import os
import signal
import sys
import time
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import Phase, settings

ROOT = Path(__file__).resolve().parents[1]
CORE = ROOT / "firmware/pump/core"

TESTS = {
    "monitors": ["tests/core/test_monitors.py", "tests/core/test_air.py"],
    "flow": ["tests/core/test_flow.py"],
    "sensors": ["tests/core/test_sensors.py", "tests/core/test_selftest.py"],
    "limits": ["tests/core/test_limits_edges.py", "tests/core/test_limits.py"],
    "ledger": ["tests/core/test_limits_edges.py", "tests/core/test_ledger.py"],
}
FEW_EXAMPLES = 15
TIMEOUT_S = 20  # a whole unmutated run takes 2 s
QUIET = ["-x", "-q", "--tb=no", "--noconftest", "--assert=plain"]
for _plugin in ("cacheprovider", "unraisableexception", "threadexception", "xdist", "pytest_cov"):
    QUIET += ["-p", f"no:{_plugin}"]

# No test can tell these from the original: (module, scope, line, mutations, why).
OVERWRITTEN = "the first sample that counts writes over it"
ROTATED = "a ring may begin anywhere"
NONE_YET = "any negative number says that there is none yet, and values are never negative"
SAME = "at equality it takes what it has"
FRACTION = "a divisor of nothing, or of both sides"
EQUIVALENT: list[tuple[str, str, str, tuple[str, ...], str]] = [
    ("monitors", "Leap.__init__", 'self._before_pa = array("i", [0] * window_s)', ("0 to -1", "0 to 1"), OVERWRITTEN),
    ("monitors", "Leap.__init__", "self._next = 0", ("0 to -1",), ROTATED),
    ("monitors", "Leap.__init__", "self._begin(0)", ("0 to -1", "0 to 1"), OVERWRITTEN),
    ("monitors", "SensorBand.__init__", "self._same_s = 0", ("0 to -1", "0 to 1"), OVERWRITTEN),
    ("monitors", "Air.__init__", "self._minute = 0", ("0 to -1", "0 to 1"), ROTATED),
    (
        "monitors",
        "Air.pass_minute",
        "i = (self._minute + 1) % len(minutes)",
        ("1 to 2",),
        "61 is odd: in steps of two, too, each bucket's turn comes after 61 minutes",
    ),
    (
        "sensors",
        "Mean.__init__",
        "self._next = 1",
        ("1 to 0", "1 to 2"),
        "every place holds the first reading; any may be the last",
    ),
    (
        "limits",
        "ProgramCheck.__init__",
        "self._fastest = self._slowest = self._loading_most = self._loading_least = (-1, -1)",
        ("1 to 2", "1 to 2 (2nd)"),
        NONE_YET,
    ),
    (
        "limits",
        "ProgramCheck.__init__",
        "self._loading_fastest = self._loading_slowest = self._longest = (-1, -1)",
        ("1 to 2", "1 to 2 (2nd)"),
        NONE_YET,
    ),
    (
        "limits",
        "ProgramCheck.findings",
        "total = (self._windows[0].total, -1)",
        ("0 to -1", "0 to 1"),
        "every window has walked the same phases",
    ),
    ("limits", "Window.__init__", "self.divisor = 1", ("1 to 2",), FRACTION),
    ("limits", "Window.__init__", "self._rear_shape = (0, 0, 0, 1)", ("1 to 2",), FRACTION),
    (
        "limits",
        "_shape",
        "return duration_ms, begin, end - begin, duration_ms if end != begin else 1",
        ("1 to 2",),
        FRACTION,
    ),
    (
        "limits",
        "Window._walk",
        "rear_at = max(self._rear_at, 0)",
        ("0 to -1",),
        "negative only before the first phase, where the rates that it is multiplied by are 0",
    ),
    (
        "limits",
        "Window._walk",
        "if c2 < 0 < c1 and c1 < -2 * c2 * ahead_ms:",
        ("< to <=", "0 to 1"),
        "with c2 = 0 the last condition contradicts 0 < c1; c1 is even",
    ),
    (
        "limits",
        "Window._walk",
        "if c2 < 0 < c1 and c1 < -2 * c2 * ahead_ms:",
        ("< to <= (2nd)", "< to <= (3rd)"),
        "a vertex at an end is taken as that end",
    ),
    (
        "limits",
        "Window._walk",
        "if c2 < 0 < c1 and c1 < -2 * c2 * ahead_ms:",
        ("0 to -1",),
        "with c2 = -1 and a vertex inside, the ramp would be at a multiple of its length, which is one of its ends",
    ),
    ("limits", "Window._take", "if volume * self.divisor > self.most * divisor:", ("> to >=",), SAME),
    ("limits", "check_bolus", "timed_lockout_ms: int = -1,", ("1 to 2",), NONE_YET),
    (
        "limits",
        "bolus_steps",
        "return max(room_steps, 0)",
        ("0 to -1",),
        "less room than nothing is below every lower limit, and was refused before",
    ),
    (
        "limits",
        "_more",
        "return (value, index) if worst[1] < 0 or value > worst[0] else worst",
        ("1 to 0", "0 to -1"),
        NONE_YET,
    ),
    ("limits", "_less", "return (value, index) if worst[1] < 0 or value < worst[0] else worst", ("1 to 0",), NONE_YET),
    (
        "limits",
        "_above",
        "if value < 0:",
        ("< to <=", "0 to -1", "0 to 1"),
        "0 and less are above no limit, for none is negative",
    ),
    ("ledger", "Ledger.update", "if steps > 0:", ("> to >=", "0 to -1"), "adding nothing changes nothing"),
    ("ledger", "Ledger._find_room", "if left < room:", ("< to <=",), SAME),
]

CAUGHT, SURVIVED, EQUAL = "caught", "SURVIVED", "equivalent"

SHIFTS: dict[type[ast.cmpop], list[type[ast.cmpop]]] = {
    ast.Lt: [ast.LtE, ast.GtE],
    ast.LtE: [ast.Lt, ast.Gt],
    ast.Gt: [ast.GtE, ast.LtE],
    ast.GtE: [ast.Gt, ast.Lt],
    ast.Eq: [ast.NotEq],
    ast.NotEq: [ast.Eq],
    ast.In: [ast.NotIn],
    ast.NotIn: [ast.In],
    ast.Is: [ast.IsNot],
    ast.IsNot: [ast.Is],
}
SIGNS = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.In: "in",
    ast.NotIn: "not in",
    ast.Is: "is",
    ast.IsNot: "is not",
}


@dataclass
class Mutant:
    """One change of a module's syntax tree; `apply` makes it, for good."""

    module: str
    scope: str  # dotted name of class and function
    number: int  # of the line
    line: str
    text: str  # "< to <="; "(2nd)" where the line has it more than once
    apply: Callable[[], None]
    verdict: str = ""

    @property
    def key(self) -> tuple[str, str, str, str]:
        return self.module, self.scope, self.line, self.text


def _changes(node: ast.AST) -> Iterator[tuple[str, Callable[[], None]]]:
    """What can be changed in this very node."""
    if isinstance(node, ast.Compare):
        for i, op in enumerate(node.ops):
            for other in SHIFTS[type(op)]:
                text = f"{SIGNS[type(op)]} to {SIGNS[other]}"
                yield text, lambda i=i, other=other: node.ops.__setitem__(i, other())  # type: ignore[misc]
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        # A double `not` has the truth of the operand, whatever the operand is.
        inner = ast.copy_location(ast.UnaryOp(ast.Not(), node.operand), node)
        yield "not dropped", lambda: setattr(node, "operand", inner)
    elif isinstance(node, ast.Constant) and type(node.value) is int:
        for value in (node.value - 1, node.value + 1):
            yield f"{node.value} to {value}", lambda value=value: setattr(node, "value", value)  # type: ignore[misc]
    elif isinstance(node, ast.Name) and node.id in ("min", "max"):
        other_name = "max" if node.id == "min" else "min"
        yield f"{node.id} to {other_name}", lambda: setattr(node, "id", other_name)


def _walk(node: ast.AST, scope: str) -> Iterator[tuple[ast.AST, str]]:
    """Every node that runs, with its scope: neither annotations nor what is there for type checkers."""
    yield node, scope
    if isinstance(node, ast.ClassDef | ast.FunctionDef):
        scope = f"{scope}.{node.name}" if scope else node.name
    for name, field in ast.iter_fields(node):
        if name in ("annotation", "returns"):
            continue
        for child in field if isinstance(field, list) else [field]:
            if isinstance(child, ast.If) and isinstance(child.test, ast.Name) and child.test.id == "TYPE_CHECKING":
                continue
            if isinstance(child, ast.AST):
                yield from _walk(child, scope)


def mutants(module: str, source: str) -> tuple[ast.Module, list[Mutant]]:
    """The module's tree, and everything that can be changed in it."""
    tree = ast.parse(source)
    lines = source.splitlines()
    found: list[Mutant] = []
    seen: dict[tuple[str, str, int], int] = {}
    for node, scope in _walk(tree, ""):
        for text, apply in _changes(node):
            number: int = node.lineno  # type: ignore[attr-defined]
            nth = seen[scope, text, number] = seen.get((scope, text, number), 0) + 1
            if nth > 1:
                text += f" ({nth}{'nd' if nth == 2 else 'rd' if nth == 3 else 'th'})"
            found.append(Mutant(module, scope, number, lines[number - 1].strip(), text, apply))
    return tree, found


class _Examples:
    """Which hypothesis profile the tests are made with."""

    def __init__(self, most: int) -> None:
        self.profile = settings(
            derandomize=True, deadline=None, max_examples=most, phases=[Phase.explicit, Phase.generate]
        )

    def pytest_configure(self) -> None:
        settings.register_profile("mutants", self.profile)
        settings.load_profile("mutants")


def run_tests(module: str, examples: int) -> bool:
    """Whether all the tests of a module pass, in this process."""
    return pytest.main([*QUIET, *TESTS[module]], plugins=[_Examples(examples)]) == pytest.ExitCode.OK


def _forget_ours() -> None:
    for name in list(sys.modules):
        if name.split(".")[0] in ("pump", "hil", "titrate", "tests"):
            del sys.modules[name]


def _live(tree: ast.Module, mutant: Mutant, examples: int) -> bool:
    """In a forked child: whether the tests pass with the mutant in its module's place."""
    signal.alarm(TIMEOUT_S)
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    _forget_ours()
    mutant.apply()
    name = f"pump.core.{mutant.module}"
    path = CORE / f"{mutant.module}.py"
    made = types.ModuleType(name)
    made.__file__ = str(path)
    package = importlib.import_module("pump.core")
    sys.modules[name] = made
    exec(compile(tree, str(path), "exec"), made.__dict__)
    setattr(package, mutant.module, made)
    return run_tests(mutant.module, examples)


def run(tree: ast.Module, found: list[Mutant], examples: int, jobs: int) -> None:
    """Gives each mutant its verdict; `jobs` of them at a time."""
    waiting = list(reversed(found))
    running: dict[int, Mutant] = {}
    while waiting or running:
        while waiting and len(running) < jobs:
            mutant = waiting.pop()
            pid = os.fork()
            if not pid:
                lives = False
                try:
                    lives = _live(tree, mutant, examples)
                finally:
                    os._exit(0 if lives else 1)
            running[pid] = mutant
        pid, status = os.wait()
        running.pop(pid).verdict = CAUGHT if status else SURVIVED


def judge(module: str, jobs: int) -> list[Mutant]:
    """Runs every mutant of a module. The tests must pass without one."""
    if not run_tests(module, FEW_EXAMPLES):
        raise SystemExit(f"mutants: the tests of {module} fail without any mutant")
    gc.collect()
    gc.freeze()
    tree, found = mutants(module, (CORE / f"{module}.py").read_text(encoding="utf-8"))
    run(tree, found, FEW_EXAMPLES, jobs)
    equal = set(equivalent([module]))
    run(tree, [mutant for mutant in found if mutant.verdict == SURVIVED and mutant.key not in equal], 100, jobs)
    for mutant in found:
        if mutant.verdict == SURVIVED and mutant.key in equal:
            mutant.verdict = EQUAL
    return found


def equivalent(modules: list[str]) -> list[tuple[str, str, str, str]]:
    """Keys of the mutants that EQUIVALENT lists for these modules."""
    return [(*entry[:3], text) for entry in EQUIVALENT if entry[0] in modules for text in entry[3]]


def stale(modules: list[str], found: list[Mutant]) -> list[str]:
    """What is listed and is no equivalent mutant any more."""
    equal = {mutant.key for mutant in found if mutant.verdict == EQUAL}
    return [" | ".join(key) for key in equivalent(modules) if key not in equal]


def main() -> int:
    parser = argparse.ArgumentParser(description="Mutates the monitors and limits; every mutant must be caught.")
    parser.add_argument("modules", nargs="*", metavar="module", help=f"of {', '.join(TESTS)}; all without one")
    parser.add_argument("--list", action="store_true", help="a line for every mutant")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="how many at a time")
    options = parser.parse_args()
    modules: list[str] = options.modules or list(TESTS)
    unknown = set(modules) - set(TESTS)
    if unknown:
        parser.error(f"no such module: {', '.join(sorted(unknown))}; there are {', '.join(TESTS)}")
    os.chdir(ROOT)
    every: list[Mutant] = []
    print(f"{'module':10}{'mutants':>9}{'caught':>9}{'equivalent':>12}{'survived':>10}{'seconds':>9}", flush=True)
    for module in modules:
        begin_s = time.monotonic()
        found = judge(module, options.jobs)
        every += found
        counts = [sum(mutant.verdict == verdict for mutant in found) for verdict in (CAUGHT, EQUAL, SURVIVED)]
        seconds = time.monotonic() - begin_s
        print(f"{module:10}{len(found):9}{counts[0]:9}{counts[1]:12}{counts[2]:10}{seconds:9.1f}", flush=True)
    survivors = [mutant for mutant in every if mutant.verdict == SURVIVED]
    for mutant in every if options.list else survivors:
        print(f"{mutant.verdict}: {mutant.module}.py:{mutant.number} {mutant.scope}: {mutant.text}: {mutant.line}")
    outdated = stale(modules, every)
    for text in outdated:
        print(f"listed as equivalent, but is not: {text}")
    equal = sum(mutant.verdict == EQUAL for mutant in every)
    caught = sum(mutant.verdict == CAUGHT for mutant in every)
    print(f"monitors and limits mutated: {caught}/{len(every) - equal} caught, {equal} equivalent ones beside them")
    return 1 if survivors or outdated else 0


if __name__ == "__main__":
    sys.exit(main())
