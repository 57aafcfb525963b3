"""Ties each row of docs/requirements.csv to the code that meets it, the tests that show it, and their last result.

Code says what it meets by the id in a comment, a docstring or a table; a test by `@pytest.mark.requirement`. Rows that
fall short stand in docs/open-requirements.csv. Run alone, it prints what does not fit together, and exits with 1.
With --record it first keeps the results of the last test run in docs/results.json: `make trace` does that.
"""

import argparse
import csv
import io
import json
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import redirect_stdout
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[1]
TABLE = ROOT / "docs/requirements.csv"
SHORTFALLS = ROOT / "docs/open-requirements.csv"
RECORD = ROOT / "docs/results.json"
LAST_RUN = ROOT / "build/requirements.json"  # written by tests/conftest.py

ID = re.compile(r"\bSR-[A-Z]+-[0-9]+\b")
CODE = ("firmware/**/*.py*", "boards/**/*.py", "host/**/*.py", "host/**/*.toml", "hil/**/*.py", "tools/*.py")
PAGES = ("README.md", "docs/**/*.md", "boards/*/README.md")
TESTS = ("tests/**/*.py",)
GENERATED = ("docs/safety.md", "docs/link.md")  # they would cite themselves
TARGETS = ("core", "host", "sim", "emu", "bench", "doc")

# Every form that an item of a source takes in the column `origin` (SR-DOC-03). The documents themselves are not here.
ORIGINS = [
    re.compile(form + r"( \([^()]*(\([^()]*\))?[^()]*\))?")
    for form in (
        r"OpenPCA R[3-8]\.\d+\.\d+\(\d+\)",
        r"OpenPCA (UC[1-9]|EC\d+|G[0-7]|Table [3-6]|1\.4 Disclaimer|Part III( section \d+)?)",
        r"GIP [1-7](\.\d+){2,3}",
        r"GIP HID [1-8]\.\d+\*?",
        r"GIP sec\. 2(\.\d+)+( (alarm|alert|action) [\w/ -]+)?",
    )
]


class Requirement(NamedTuple):
    """A row of the table. `targets`: where it asks to be shown; `why`: why it applies in part or not, or a note."""

    id: str
    origin: str
    topic: str
    text: str
    number: str
    applies: str
    why: str
    targets: list[str]


class Shortfall(NamedTuple):
    """A row that falls short: `open`, nothing shows it; or `partial`, tests show a part of it."""

    id: str
    state: str
    missing: str


# {id: {test function: targets}}, {id: places}, and {test function: {target: outcome}}
Shown = dict[str, dict[str, set[str]]]
Cited = dict[str, list[str]]
Results = dict[str, dict[str, str]]


def requirements() -> list[Requirement]:
    with TABLE.open(encoding="utf-8", newline="") as file:
        return [
            Requirement(*list(row.values())[:-1], row["verify_on"].split(";"))  # type: ignore[arg-type]
            for row in csv.DictReader(file)
        ]


def shortfalls() -> list[Shortfall]:
    with SHORTFALLS.open(encoding="utf-8", newline="") as file:
        return [Shortfall(row["id"], row["state"], row["missing"]) for row in csv.DictReader(file)]


def citations(*patterns: str) -> Iterator[tuple[str, str]]:
    """(id, path from the root) of every id in the files, each once a file."""
    for path in sorted({path for pattern in patterns for path in ROOT.glob(pattern)}):
        name = path.relative_to(ROOT).as_posix()
        if path.suffix != ".pyc" and name not in GENERATED:
            yield from ((found, name) for found in sorted(set(ID.findall(path.read_text(encoding="utf-8")))))


def place(path: str) -> str:
    """A file as people name it: `pump.core.limits`; a page or a board by its path."""
    if not path.startswith(("firmware/", "host/", "hil/")) or not path.endswith(".py"):
        return path
    return path.removeprefix("firmware/").removeprefix("host/").removesuffix(".py").replace("/", ".")


def cited(rows: Iterable[Requirement]) -> Cited:
    """Where each row is met. A page counts only for a row that is to be shown by documents."""
    found: Cited = {}
    documents = {row.id for row in rows if "doc" in row.targets}
    for number, path in citations(*CODE):
        found.setdefault(number, []).append(place(path))
    for number, path in citations(*PAGES):
        if number in documents:
            found.setdefault(number, []).append(path)
    return found


def target(path: str, url: str | None, emulated: bool) -> str:
    """On what a test runs: the bench that it asks for, or what its folder is for."""
    if url:
        return url.partition(":")[0]
    folder = path.split("/")[1]
    if folder == "hil":
        return "emu" if emulated else "sim"
    return {"core": "core", "host": "host", "emulated": "emu"}.get(folder, "doc")


class Collection:
    """A pytest plugin: what each collected test says that it shows. `nodes`: {node id: (test function, target)}."""

    def __init__(self) -> None:
        self.shown: Shown = {}
        self.nodes: dict[str, tuple[str, str]] = {}
        self.errors: list[str] = []

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.errors.append(f"{report.nodeid} cannot be collected:\n{report.longreprtext}")

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        """Those that a real bench alone can run show something, too, though not here."""
        self._take(items)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self._take(session.items)

    def _take(self, items: Sequence[pytest.Item]) -> None:
        for item in items:
            marks = [mark.args for mark in item.iter_markers("requirement")]
            url = item.callspec.params.get("bench_url") if hasattr(item, "callspec") else None
            function = item.nodeid.partition("[")[0]
            where = target(item.nodeid, url, item.get_closest_marker("emulated") is not None)
            for number in {number for mark in marks for number in mark}:
                self.shown.setdefault(number, {}).setdefault(function, set()).add(where)
                self.nodes[item.nodeid] = (function, where)


def collect() -> Collection:
    """Asks pytest. Ends the program when a test file cannot be collected: the trace would be short of its tests."""
    found, said = Collection(), io.StringIO()
    with redirect_stdout(said):
        code = pytest.main(["--collect-only", "-q", "-p", "no:cacheprovider", str(ROOT / "tests")], plugins=[found])
    if code:
        sys.exit("\n".join(found.errors) or said.getvalue())
    return found


def recorded() -> dict[str, Any]:
    """What `make trace` kept: {revision, date, results}."""
    return json.loads(RECORD.read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def merged(outcomes: Iterable[str]) -> str:
    """One word for several tests: the worst there is."""
    found = set(outcomes)
    return next((word for word in ("failed", "not run", "skipped") if word in found), "passed")


def record(nodes: dict[str, tuple[str, str]]) -> None:
    """Keeps the last run's results of the tests that show a requirement."""
    last = json.loads(LAST_RUN.read_text(encoding="utf-8"))
    grouped: dict[tuple[str, str], list[str]] = {}
    for node, key in nodes.items():
        if node in last:
            grouped.setdefault(key, []).append(last[node])
    results: Results = {}
    for (function, where), outcomes in sorted(grouped.items()):
        results.setdefault(function, {})[where] = merged(outcomes)
    revision = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=10"], cwd=ROOT, capture_output=True, text=True
    ).stdout.strip()
    kept = {"revision": revision or "unknown", "date": f"{datetime.now(UTC):%Y-%m-%d}", "results": results}
    RECORD.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


def unresolved(origin: str) -> list[str]:
    """The items of an `origin` cell that have no form of a source's item."""
    return [item for item in origin.split("; ") if not any(form.fullmatch(item) for form in ORIGINS)]


def problems(
    rows: list[Requirement], short: list[Shortfall], places: Cited, shown: Shown, named: Iterable[tuple[str, str]]
) -> Iterator[str]:
    """What does not fit together, a line each. `named`: (id, file) of every id that a file mentions."""
    known = {row.id: row for row in rows}
    listed = {row.id: row for row in short}
    if len(listed) != len(short):
        yield f"{SHORTFALLS.name}: an id stands there twice"
    for number, path in named:
        if number not in known:
            yield f"{path}: {number} is not in {TABLE.name}"
    for number in sorted(set(shown) - set(known)):
        yield f"{', '.join(shown[number])}: {number} is not in {TABLE.name}"
    for row in short:
        if row.id not in known or known[row.id].applies == "no":
            yield f"{SHORTFALLS.name}: {row.id} is not a requirement that applies"
        elif row.state not in ("open", "partial") or not row.missing:
            yield f"{SHORTFALLS.name}: {row.id} needs a state, open or partial, and what is missing"
        elif row.state == "open" and row.id in shown:
            yield f"{SHORTFALLS.name}: {row.id} has a test: drop the line, or say partial and what is still missing"
        elif row.state == "partial" and row.id not in shown:
            yield f"{SHORTFALLS.name}: {row.id} has no test: its state is open"
    for row in rows:
        yield from (f"{TABLE.name}: {row.id} comes from {item}, which is no item" for item in unresolved(row.origin))
        if row.applies == "no":
            if not row.why:
                yield f"{TABLE.name}: {row.id} does not apply, and does not say why"
            if row.id in shown:
                yield f"{', '.join(shown[row.id])}: {row.id} does not apply"
        elif row.id not in listed:
            if row.id not in shown:
                yield f"{row.id} has no test: mark one, or list it in {SHORTFALLS.name}"
            if row.id not in places:
                yield f"{row.id} is cited nowhere in the code: cite it where it is met, or list it in {SHORTFALLS.name}"


def failures(shown: Shown, results: Results) -> list[str]:
    """Marked tests whose recorded result is a failure."""
    tests = {test: targets for marked in shown.values() for test, targets in marked.items()}
    return [
        f"{test} on {where}: failed when {RECORD.name} was written"
        for test, targets in sorted(tests.items())
        for where in sorted(targets)
        if results.get(test, {}).get(where) == "failed"
    ]


def summary(rows: list[Requirement], short: list[Shortfall]) -> str:
    apply = sum(row.applies != "no" for row in rows)
    traced = apply - len(short)
    return f"traced {traced} of {apply}, open {len(short)}, not applicable {len(rows) - apply}"


def facts() -> dict[str, Any]:
    """What the template of the trace needs."""
    rows, short, shown, kept = requirements(), shortfalls(), collect().shown, recorded()
    listed = {row.id: row for row in short}

    def tests(row: Requirement) -> list[tuple[str, list[str]]]:
        """(file below tests/, its tests) that show a row."""
        files: dict[str, list[str]] = {}
        for test in sorted(shown.get(row.id, {})):
            file, _, name = test.removeprefix("tests/").partition("::")
            files.setdefault(file, []).append(name)
        return list(files.items())

    def result(row: Requirement) -> list[tuple[str, str]]:
        """(target, outcome); "no test" for a target that the row asks for and no test of it runs on."""
        found: dict[str, list[str]] = {where: [] for where in row.targets}
        for test, targets in shown.get(row.id, {}).items():
            for where in targets:
                found.setdefault(where, []).append(kept["results"].get(test, {}).get(where, "not run"))
        return [(where, merged(found[where]) if found[where] else "no test") for where in TARGETS if where in found]

    traced = [row for row in rows if row.applies != "no" and row.id not in listed]
    everywhere = [row for row in traced if all(found != "no test" for where, found in result(row) if where != "bench")]
    return {
        "summary": summary(rows, short).capitalize(),
        "rows": rows,
        "topics": list(dict.fromkeys(row.topic for row in rows)),
        "short": listed,
        "traced": traced,
        "everywhere": len(everywhere),
        "places": cited(rows),
        "tests": tests,
        "result": result,
        "record": kept,
    }


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--record", action="store_true", help="keep the results of the last test run first")
    found = collect()
    if arguments.parse_args().record:
        record(found.nodes)
    rows, short = requirements(), shortfalls()
    named = citations(*CODE, *PAGES, *TESTS)
    wrong = [
        *problems(rows, short, cited(rows), found.shown, named),
        *failures(found.shown, recorded()["results"]),
    ]
    print(*wrong, sep="\n", end="\n" if wrong else "", file=sys.stderr)
    print(summary(rows, short))
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
