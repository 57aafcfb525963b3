"""`titrate play`: a protocol, confirmed by a person, delivered by a pump, and measured."""

import sys
import time
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from titrate.cli import output
from titrate.cli.protocols import File

if TYPE_CHECKING:
    from titrate.client import Pump
    from titrate.plan import Plan
    from titrate.playing import Attendant
    from titrate.session import Session


def play(
    protocol: File,
    port: output.Port,
    weight: output.Weight = None,
    age: output.Age = None,
    session: output.Session = None,
    syringe: output.Syringe = "bd-plastipak-50",
    library: Annotated[
        str | None, typer.Option(help="Put this drug library file in force first; else the pump keeps what it has.")
    ] = None,
    override: output.Override = None,
    from_: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="pump|VOLUME", help='Only the rest: behind the pump\'s own count, or "12.5 mL".'
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before the pump moves.")] = False,
    tolerance: Annotated[float, typer.Option(help="Largest error of the delivered volume, in percent.")] = 2.0,
    plot: Annotated[Path | None, typer.Option(help="Write a picture of the delivery: .png or .svg.")] = None,
    record: output.Record = None,
    logs: output.Logs = None,
    json: output.Json = False,
) -> None:
    """Play a protocol on a pump and compare what came out with what was commanded."""
    from titrate.cli.control import override_of
    from titrate.client import Pump
    from titrate.errors import ProtocolError
    from titrate.following import LOST
    from titrate.library import read as read_library
    from titrate.library_link import upload
    from titrate.playing import Player
    from titrate.protocol import Protocol
    from titrate.record import Recorder
    from titrate.resuming import rest

    if not tolerance >= 0:  # nan neither
        raise ProtocolError("--tolerance", tolerance, "percent, from 0")
    planned = Protocol.read(protocol).plan(weight, age=age, session=session, syringe=syringe)
    output.warnings(planned.warnings)
    overrides = [override_of(text) for text in override or []]
    found = read_library(library).library if library is not None else None
    if plot:
        from titrate.plot import check_path

        check_path(plot)
    begun_s = time.perf_counter()
    with ExitStack() as stack:
        pump = stack.enter_context(Pump.open(port))
        before_ml = 0.0
        if from_ is not None:
            planned, given_ml = rest(planned, pump, from_)
            before_ml = float(given_ml)
            output.messages().print(f"after {before_ml:.4f} mL, what is left is:", highlight=False)
        elif set(LOST) & set(pump.status()["alarms"]):
            output.warnings(["an infusion was interrupted: --from pump goes on with it, `titrate ack` forgets it"])
        if not found and not pump.status()["library"]:
            from titrate.cli.live import alarm_line

            output.warnings([f"{alarm_line('LIBRARY_MISSING')} See --library."])
        if not yes:
            _ask(planned, port)
        if from_ is not None and pump.status()["state"] == "ALARM":
            pump.acknowledge()  # a person has seen what was delivered
        if found:
            upload(pump, found, int(time.time()))
        recorder = stack.enter_context(Recorder(record)) if record else None
        attendant, shown = _attendant(pump, planned, yes)
        player = Player(pump, planned, attendant, recorder, before_ml)
        digest = player.load()  # may ask for a hand at the pump, which wants the terminal as it is
        with ExitStack() as live:
            for context in shown:
                live.enter_context(context)
            done = player.play(digest, overrides)
        wall_seconds = time.perf_counter() - begun_s
        if recorder:
            recorder.end(done.as_json(wall_seconds))
        if logs:
            output.collect_log(pump, logs)
    if plot:
        _plot(done, plot)
    if recorder:
        output.recorded(recorder)
    if json:
        output.document(done.as_json(wall_seconds))
    else:
        show(done, wall_seconds)
    if done.outcome != "complete":
        output.messages().print("what is left can be given by the same command with --from pump", highlight=False)
    if not done.within(tolerance):
        raise typer.Exit(1)


def _ask(planned: "Plan", port: str) -> None:
    """Shows the plan and waits for a yes. Without a terminal nobody can say it."""
    from titrate.cli.plan import show

    output.need_terminal("titrate play")
    show(planned)
    output.confirm(f"Fit a full {planned.syringe} and start on {port}?", "titrate play")


def _attendant(pump: "Pump", planned: "Plan", yes: bool) -> "tuple[Attendant, list[AbstractContextManager[object]]]":
    """Who is asked when the pump waits, and what has to be open meanwhile: nobody on a simulated bench with --yes,
    which changes its syringes itself; else whoever is at the terminal."""
    from titrate.cli.live import Shown, View
    from titrate.following import bench_of
    from titrate.playing import BenchHands, Nobody

    bench = bench_of(pump)
    if sys.stdin.isatty() and not (bench and yes):
        from titrate.cli.person import KEYS, Keyboard, Person

        keyboard, view = Keyboard(), View(planned, KEYS)
        return Person(keyboard, view, pump), [keyboard, view]
    view = View(planned, "Ctrl-C stops the pump")
    return Shown(view, BenchHands(bench.change_syringe) if bench else Nobody()), [view]


def _plot(done: "Session", path: Path) -> None:
    """The picture. What prevents it is a warning: what was delivered is told all the same."""
    from titrate.errors import ProtocolError
    from titrate.plot import plot_delivery

    try:
        plot_delivery(done.plan, done.series, path, simulated=done.simulated)
    except ProtocolError as error:
        output.warnings([f"there is no picture: {error}"])
        return
    output.messages().print(f"plot: {path}", markup=False, highlight=False, soft_wrap=True)


def show(done: "Session", wall_seconds: float) -> None:
    """The table of commanded against delivered, the totals, and what happened on the way."""
    from rich.table import Table

    from titrate.cli.plan import clock

    console = output.results()
    measured = "counted" if done.delivered_ml is None else "delivered"
    table = Table(box=None)
    for heading in ("phase", "begin", "end", "commanded mg/kg/h", f"{measured} mg/kg/h", "error"):
        table.add_column(heading, justify="left" if heading == "phase" else "right")
    for result in done.phases():
        error = result.error_percent
        table.add_row(
            result.phase.kind,
            clock(float(result.phase.begin_s)),
            clock(result.reached_s),
            f"{result.commanded_mg_kg_h:.5f}",
            f"{result.delivered_mg_kg_h:.5f}",
            "" if error is None else f"{error:+.3f} %",
        )
    console.print(table)
    volumes: dict[str, Any] = {
        "commanded": done.commanded_ml,
        "counted": done.counted_ml,
        "delivered": done.delivered_ml,
    }
    known = ", ".join(f"{name} {volume:.4f} mL" for name, volume in volumes.items() if volume is not None)
    error = done.error_percent
    console.print(f"{done.outcome}: {known}" + ("" if error is None else f", error {error:+.3f} %"), highlight=False)
    for alarm in done.alarms:
        until = "still in force" if alarm.cleared_s is None else f"cleared at {clock(alarm.cleared_s)}"
        console.print(f"{alarm.priority} alarm {alarm.name} at {clock(alarm.raised_s)}, {until}", highlight=False)
    if done.calibration:
        from titrate.calibration import volume_words

        console.print(f"{done.plan.syringe}: {volume_words(done.calibration['syringe'])}", highlight=False)
    where = f"{done.target}, simulated" if done.simulated else done.target
    device = f"{clock(done.device_seconds)} of device time in {wall_seconds:.1f} s"
    console.print(f"{where}; firmware {done.hello['firmware'][:12]}; {device}", highlight=False)
