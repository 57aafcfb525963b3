"""`make regimens`: plays every packaged protocol at 70 kg, sets beside each other what was commanded, counted and
delivered, and writes docs/regimens.md from it. Exit code 1 if any of them misses a criterion.

Wall time is only reported: nothing here waits for it.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from pump.core import controller
from pump.core.library import Library
from titrate import Protocol, Pump
from titrate.boards import BOARDS
from titrate.library import read as read_library
from titrate.library_link import upload
from titrate.playing import BenchHands, Player
from titrate.reading import packaged
from titrate.session import Session

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs/regimens.md"
WEIGHT = "70 kg"
PHASE_ERROR_PERCENT = 0.5
SHORTEST_PHASE_S = 600  # shorter ones show the line filling, not the pump
EXPECTED_ALARMS = {"NEAR_EMPTY", "SYRINGE_EMPTY"}


@dataclass(frozen=True)
class Row:
    """What came out of one protocol; volumes in mL. faults: the criteria that it misses, in words."""

    name: str
    outcome: str
    commanded_ml: float
    counted_ml: float
    delivered_ml: float
    error_percent: float
    worst_phase_percent: float | None
    steps_off: float
    syringes: int
    alarms: str
    device_seconds: float
    firmware: str
    faults: tuple[str, ...]
    wall_seconds: float = 0.0
    cpu_seconds: float = 0.0


def play(name: str, port: str = "sim://", until_s: float | None = None) -> Row:
    """Plays a packaged protocol, or its first so many seconds of infusion time, on a fresh simulated pump."""
    begun_s, begun_cpu_s = time.perf_counter(), time.process_time()
    plan = Protocol.read(name).plan(WEIGHT)
    with Pump.open(port) as pump:
        entries = read_library("regimens").library.entries
        upload(pump, Library([entry for entry in entries if entry["code"] == plan.code]))
        player = Player(pump, plan, BenchHands(pump.port.bench.change_syringe))  # type: ignore[attr-defined]
        session = player.play(player.load(), until_s=until_s)
    row = row_of(name, session, until_s)
    return replace(row, wall_seconds=time.perf_counter() - begun_s, cpu_seconds=time.process_time() - begun_cpu_s)


def row_of(name: str, session: Session, until_s: float | None) -> Row:
    """A session held against the criteria: everything out, counted to a microstep for each syringe, phases to 0.5 %."""
    step_ml = float(BOARDS["pico"].step_ml(session.plan.syringe))
    phases = [
        abs(result.error_percent)
        for result in session.phases()
        if result.error_percent is not None and result.reached_s - float(result.phase.begin_s) > SHORTEST_PHASE_S
    ]
    worst_percent = max(phases, default=None)
    steps_off = (session.counted_ml - session.commanded_ml) / step_ml
    counts = {}
    for alarm in session.alarms:
        counts[alarm.name] = counts.get(alarm.name, 0) + 1
    faults = []
    wanted = "stopped" if until_s is not None and until_s < session.plan.duration_s else "complete"
    if session.outcome != wanted:
        faults.append(f"outcome {session.outcome}, not {wanted}")
    if abs(steps_off) > session.syringes_fitted:
        faults.append(f"counted {steps_off:+.2f} microsteps beside commanded, with {session.syringes_fitted} syringes")
    if worst_percent is not None and worst_percent >= PHASE_ERROR_PERCENT:
        faults.append(f"a phase is {worst_percent:.3f} % off")
    faults += [f"alarm {name}" for name in counts if name not in EXPECTED_ALARMS]
    assert session.delivered_ml is not None
    return Row(
        name=name,
        outcome=session.outcome,
        commanded_ml=session.commanded_ml,
        counted_ml=session.counted_ml,
        delivered_ml=session.delivered_ml,
        error_percent=session.error_percent or 0.0,
        worst_phase_percent=worst_percent,
        steps_off=steps_off,
        syringes=session.syringes_fitted,
        alarms=", ".join(f"{counts[alarm]} {alarm}" for alarm in sorted(counts)) or "none",
        device_seconds=session.device_seconds,
        firmware=session.hello["firmware"],
        faults=tuple(faults),
    )


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--port", default="sim://", help="sim:// or emu://")
    options.add_argument("--minutes", type=float, help="only the first minutes of each; 10 on emu:// unless said")
    options.add_argument("--jobs", type=int, default=os.cpu_count(), help="how many at a time")
    options.add_argument("--page", type=Path, help="where the table goes; docs/regimens.md for whole ones on sim://")
    given = options.parse_args()
    if given.port.partition("://")[0] not in ("sim", "emu"):
        options.error(f"--port {given.port}: a simulated pump is needed, whose syringes change by themselves")
    minutes = 10.0 if given.minutes is None and given.port.startswith("emu") else given.minutes
    until_s = None if minutes is None else 60 * minutes
    page = given.page or (PAGE if until_s is None else None)
    longest_first = sorted(packaged(), key=lambda name: -Protocol.read(name).plan(WEIGHT).duration_s)
    begun_s = time.perf_counter()
    rows = []
    with ProcessPoolExecutor(given.jobs) as pool:
        for done in as_completed([pool.submit(play, name, given.port, until_s) for name in longest_first]):
            rows.append(done.result())
            verdict = "; ".join(rows[-1].faults) or "good"
            seconds = f"{rows[-1].wall_seconds:7.1f} s, {rows[-1].cpu_seconds:.1f} s of it CPU"
            print(f"{rows[-1].name:<24} {seconds}  {verdict}", file=sys.stderr, flush=True)
    rows.sort(key=lambda row: row.name)
    wall_seconds = time.perf_counter() - begun_s
    table = "\n".join(table_of(rows))
    if page:
        page.write_text(page_of(table, rows, given.port, minutes, wall_seconds), encoding="utf-8")
    print(table)
    return int(any(row.faults for row in rows))


def table_of(rows: list[Row]) -> list[str]:
    """The table in Markdown, a line each."""
    heads = (
        "protocol|commanded mL|counted mL|delivered mL|error %|worst phase %|microsteps off|syringes|alarms|device s"
    )
    lines = [f"| {heads.replace('|', ' | ')} | verdict |", "|---|" + "---:|" * 7 + "---|---:|---|"]
    for row in rows:
        worst = "–" if row.worst_phase_percent is None else f"{row.worst_phase_percent:.3f}"
        cells = [
            row.name,
            *(f"{volume_ml:.4f}" for volume_ml in (row.commanded_ml, row.counted_ml, row.delivered_ml)),
            f"{row.error_percent:+.3f}".replace("-", "−"),
            worst,
            f"{row.steps_off:+.2f}".replace("-", "−"),
            str(row.syringes),
            row.alarms,
            f"{row.device_seconds:.1f}",
            "; ".join(row.faults) or "good",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def page_of(table: str, rows: list[Row], port: str, minutes: float | None, wall_seconds: float) -> str:
    """The page in Markdown. minutes: how much of each was played; None: all."""
    part = "played to its end" if minutes is None else f"its first {minutes:g} min"
    longest = max(rows, key=lambda row: row.device_seconds)
    form = "" if controller.__file__.endswith(".py") else ", compiled by `make compiled`,"
    hours = sum(row.device_seconds for row in rows) / 3600
    return f"""<!-- Written by `make regimens` (tools/regimens.py). Do not change it by hand. -->
# Every packaged regimen, {part}

Titrate is a bench and research device. It is not a medical device, and it is not for use on people or animals.

**Simulated:** the firmware ran on `{port}`{form} and "delivered" is what left the open end of a simulated line. No
figure here comes from a physical pump. `make regimens` plays all of it again and fails where a criterion is missed.

{datetime.now(UTC).date().isoformat()}, for {WEIGHT}, with the drug library `host/titrate/libraries/regimens.toml`
in the pump, firmware digest `{rows[0].firmware[:16]}`. {hours:.0f} h of device time took {wall_seconds / 60:.1f} min on
{os.cpu_count()} cores; the longest, {longest.name} with {longest.device_seconds / 3600:.0f} h, took
{longest.wall_seconds / 60:.1f} min, {longest.cpu_seconds / 60:.1f} of it on the processor.

{table}

- commanded: by the exact plan. counted: pulses at the step pin. delivered: what left the line.
- error: delivered against commanded. A stretched line holds some µL back, which is most of it where little flows.
- worst phase: the greatest error of delivered mg/kg/h in a phase longer than 10 min; good below {PHASE_ERROR_PERCENT} %
- microsteps off: counted against commanded; at most one for each syringe is good.
- alarms: NEAR_EMPTY and SYRINGE_EMPTY belong to a change of syringe; any other is a miss.
"""


if __name__ == "__main__":
    sys.exit(main())
