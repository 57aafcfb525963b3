"""A run of the rig as a record: results.json, one HTML page, and the raw readings as CSV. Measures nothing itself."""

import csv
import json
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure as Picture

from hil.boards import ROOT
from hil.figures import Figure
from titrate import page

TEMPLATES = Path(__file__).parent / "templates"
PAGE, RESULTS = "report.html", "results.json"
MARKS = {
    "pass": "✓", "marginal": "△", "fail": "✗", "no limit": "–",
    "passed": "✓", "failed": "✗", "skipped": "–",
}  # fmt: skip
ORDER = ("failed", "skipped", "passed")


@dataclass(frozen=True)
class Instrument:
    name: str
    serial_number: str
    simulated: bool


@dataclass(frozen=True)
class Outcome:
    """A test: outcome is "passed", "failed" or "skipped"; reason: of a skip or a failure, in a line."""

    name: str
    outcome: str
    seconds: float = 0.0
    reason: str = ""


@dataclass
class Record:
    """What D14 asks to be recorded of a run. Pictures are (figure, caption); series are readings by name.

    date: of the run, ISO 8601 with its zone. environment: what was noted by hand, such as "room": "21.5 Celsius".
    """

    target: str
    simulated: bool
    firmware: str
    board: str
    syringe: str
    seed: int | None
    date: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    revision: str = field(default_factory=lambda: git_revision())
    bench: str = ""
    instruments: list[Instrument] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    figures: list[Figure] = field(default_factory=list)
    tests: list[Outcome] = field(default_factory=list)
    pictures: list[tuple[Picture, str]] = field(default_factory=list)
    series: dict[str, tuple[Sequence[float], Sequence[float], Sequence[bool]]] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether no test and no figure failed."""
        failed = any(test.outcome == "failed" for test in self.tests)
        return not failed and all(figure.verdict != "fail" for figure in self.figures)


def git_revision(root: Path = ROOT) -> str:
    """The commit of the tree, "+" behind it if files differ from it; "unknown" where there is no git."""
    try:
        words = ["git", "-C", str(root), "describe", "--always", "--abbrev=12", "--dirty=+", "--exclude=*"]
        return subprocess.run(words, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return "unknown"


def write(record: Record, folder: Path) -> Path:
    """Writes page, results.json and a CSV for each series into a folder; the page's path."""
    folder.mkdir(parents=True, exist_ok=True)
    files = [_write_csv(folder, name, *columns) for name, columns in record.series.items()]
    (folder / RESULTS).write_text(json.dumps(as_json(record, files), indent=1, ensure_ascii=False, allow_nan=False))
    (folder / PAGE).write_text(as_page(record, files), encoding="utf-8")
    return folder / PAGE


def as_json(record: Record, files: Sequence[str] = ()) -> dict[str, Any]:
    """Everything but the pictures, ready for json.dumps."""
    plain = {
        key: getattr(record, key)
        for key in ("date", "target", "simulated", "bench", "firmware", "revision", "board", "syringe", "seed")
    }
    return plain | {
        "passed": record.passed,
        "environment": record.environment,
        "instruments": [asdict(instrument) for instrument in record.instruments],
        "figures": [figure.record() for figure in record.figures],
        "tests": [asdict(test) for test in record.tests],
        "raw": list(files),
    }


def as_page(record: Record, files: Sequence[str] = ()) -> str:
    """One HTML page with everything in it."""
    pictures = [{"svg": page.inline_svg(picture, caption), "caption": caption} for picture, caption in record.pictures]
    return page.render(
        "report.html.j2",
        TEMPLATES,
        record=record,
        summary=summary(record),
        facts=_facts(record),
        marks=MARKS,
        pictures=pictures,
        tests=sorted(record.tests, key=lambda test: ORDER.index(test.outcome)),
        files=[*files, RESULTS],
    )


def summary(record: Record) -> str:
    """The run in a sentence."""
    counts = {word: sum(test.outcome == word for test in record.tests) for word in ORDER}
    verdicts = [figure.verdict for figure in record.figures]
    return (
        f"{'Passed' if record.passed else 'FAILED'}. Tests: {counts['passed']} passed, {counts['failed']} failed, "
        f"{counts['skipped']} skipped. Figures: {verdicts.count('pass')} within their limits, "
        f"{verdicts.count('marginal')} within but near, {verdicts.count('fail')} outside, "
        f"{verdicts.count('no limit')} without a limit."
    )


def _facts(record: Record) -> list[tuple[str, str]]:
    facts = [
        ("date", record.date),
        ("target", f"{record.target} ({'simulated' if record.simulated else 'real'})"),
        ("bench", record.bench or "–"),
        ("board", record.board),
        ("syringe", record.syringe),
        ("firmware digest", record.firmware),
        ("git revision", record.revision),
        ("seed", "–" if record.seed is None else str(record.seed)),
    ]
    return facts + list(record.environment.items())


def _write_csv(folder: Path, name: str, time_s: Iterable[float], grams: Iterable[float], stable: Iterable[bool]) -> str:
    """time_s,grams,stable: times to the ms, grams to the 0.01 mg, stable as 0 or 1."""
    path = folder / f"{name}.csv"
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["time_s", "grams", "stable"])
        for second, weight, rest in zip(time_s, grams, stable, strict=True):
            rows.writerow([f"{second:.3f}", f"{weight:.5f}", int(rest)])
    return path.name
