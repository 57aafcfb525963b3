"""`make bench`, `make profile`. Exit code 1 if a figure is outside its limit, 2 for wrong use."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from hil.bench import open_bench
from hil.report import git_revision
from tools.bench import chip, growth, host, kept, profile, results, rivals

Values = dict[str, float]
# Device time, cycles and bytes are the same however busy this machine is: these run side by side, the longest first.
BY_THE_CHIP: dict[str, Callable[[], Values]] = {
    "infusion": chip.infusion,
    "slow": chip.slow_steps,
    "timer": rivals.timer,
    "asyncio": rivals.asyncio,
    "tick": chip.tick,
    "day": kept.day,
    "hang": chip.hang,
    "occlusion": chip.occlusion_latency,
    "stop": chip.stop_latency,
    "link": chip.link,
    "fastest": chip.fastest,
    "boot": chip.boot,
    "law": host.law_error,
}
# Wall time is measured with nothing beside it.
BY_THE_WALL: dict[str, Callable[[], Values]] = {
    "speed": chip.speed,
    "startup": host.startup,
    "sim": host.sim_speed,
}
GROWTH = "growth"


def timed(measure: Callable[[], Values]) -> tuple[Values, float]:
    """Its figures, and the wall seconds that they took."""
    begun_s = time.perf_counter()
    return measure(), time.perf_counter() - begun_s


def measure(names: list[str], console: Console) -> Values:
    """All figures of these measures; each name is told when its are there."""
    values: Values = {}

    def take(name: str, figures: Values, took_s: float) -> None:
        values.update(figures)
        console.print(f"[dim]{name}: {took_s:.0f} s[/dim]", highlight=False)

    with ProcessPoolExecutor(os.cpu_count()) as pool:
        running = {pool.submit(timed, BY_THE_CHIP[name]): name for name in BY_THE_CHIP if name in names}
        for done in as_completed(running):
            take(running[done], *done.result())
    for name in BY_THE_WALL:
        if name in names:
            take(name, *timed(BY_THE_WALL[name]))
    if {"step_error_us_max", "timer_error_us_max", "asyncio_error_us_max"} <= set(values):
        values |= rivals.against(values)
    return values


def main() -> int:
    options = argparse.ArgumentParser(prog="make bench", description=__doc__)
    options.add_argument("--compare", type=Path, help="an older bench.json: print what moved")
    known = [*BY_THE_CHIP, *BY_THE_WALL, GROWTH]
    options.add_argument("--only", help=f"some of {', '.join(known)}; with commas between")
    options.add_argument(
        "--profile", action="store_true", help="only the costliest functions of a control tick and a request"
    )
    given = options.parse_args()
    console = Console(width=160 if not sys.stdout.isatty() else None)
    if given.profile:
        profile.print_profile(profile.infusing(), console)
        return 0
    wanted = given.only.split(",") if given.only else known
    unknown = [name for name in wanted if name not in known]
    if unknown:
        options.error(f"--only {', '.join(unknown)}: known are {', '.join(known)}")
    older = read_older(given.compare, options) if given.compare else None

    values = measure(wanted, console)
    growths = growth.all_of_them() if GROWTH in wanted else []
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
