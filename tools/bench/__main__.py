"""`make bench`, `make profile`. Exit code 1 if a figure is outside its limit, 2 for wrong use."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from hil.bench import open_bench
from hil.report import git_revision
from tools.bench import chip, growth, host, profile, results, rivals

Values = dict[str, float]
MEASURES: dict[str, Callable[[], Values]] = {
    "boot": chip.boot,
    "tick": chip.tick,
    "heap": chip.heap,
    "steps": chip.steps,
    "fastest": chip.fastest,
    "stop": chip.stop_latency,
    "occlusion": chip.occlusion_latency,
    "hang": chip.hang,
    "link": chip.link,
    "speed": chip.speed,
    "startup": host.startup,
    "sim": host.sim_speed,
    "law": host.law_error,
}


def measure(names: list[str], console: Console) -> Values:
    """All figures of these measures, each told when it is there."""
    values: Values = {}
    for name in names:
        begun_s = time.perf_counter()
        values |= MEASURES[name]()
        console.print(f"[dim]{name}: {time.perf_counter() - begun_s:.0f} s[/dim]", highlight=False)
    if "step_error_us_max" in values:
        values |= rivals.against(values["step_error_us_max"])
    return values


def main() -> int:
    options = argparse.ArgumentParser(prog="make bench", description=__doc__)
    options.add_argument("--compare", type=Path, help="an older bench.json: print what moved")
    options.add_argument("--only", help=f"some of {', '.join(MEASURES)}, growth; with commas between")
    options.add_argument(
        "--profile", action="store_true", help="only the costliest functions of a control tick and a request"
    )
    given = options.parse_args()
    console = Console(width=160 if not sys.stdout.isatty() else None)
    if given.profile:
        profile.print_profile(profile.infusing(), console)
        return 0
    wanted = given.only.split(",") if given.only else [*MEASURES, "growth"]
    unknown = [name for name in wanted if name not in MEASURES and name != "growth"]
    if unknown:
        options.error(f"--only {', '.join(unknown)}: known are {', '.join(MEASURES)}, growth")
    older = read_older(given.compare, options) if given.compare else None

    values = measure([name for name in wanted if name != "growth"], console)
    growths = growth.all_of_them() if "growth" in wanted else []
    figures = results.figures_of(values)
    date = datetime.now(UTC).date().isoformat()
    results.write(figures, growths, date, git_revision(), firmware_digest())
    results.print_table(figures, console)
    for line in results.moved(figures, older) if older is not None else []:
        console.print(line, highlight=False)
    wrong = [figure.name for figure in figures if figure.verdict == "fail"]
    wrong += [f"{each.name}: more than linear" for each in growths if not each.is_linear]
    console.print(f"build/bench.json, build/bench.html; outside the limit: {', '.join(wrong) or 'none'}")
    return 1 if wrong else 0


def read_older(path: Path, options: argparse.ArgumentParser) -> results.Json:
    """The figures of an earlier run; ends with code 2 where the file is not one."""
    try:
        older: results.Json = json.loads(path.read_text())
        assert all("value" in entry for entry in older.values())
    except (OSError, ValueError, AssertionError, AttributeError, TypeError) as error:
        options.error(f"--compare {path}: not a bench.json: {error}")
    return older


def firmware_digest() -> str:
    """Of the firmware that was measured, as it says of itself."""
    with open_bench("emu://") as bench:
        return str(bench.pump.hello["firmware"])


if __name__ == "__main__":
    sys.exit(main())
