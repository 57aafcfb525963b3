"""`titrate play`: a protocol, confirmed by a person, delivered by a pump, and measured."""

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from titrate.cli import output

if TYPE_CHECKING:
    from collections.abc import Callable

    from titrate.client import Pump, Status
    from titrate.plan import Plan
    from titrate.playing import Player, Session


def play(
    protocol: Annotated[str, typer.Argument(metavar="FILE_OR_NAME", help="A protocol file, or a packaged name.")],
    port: output.Port,
    weight: output.Weight = None,
    session: output.Session = None,
    syringe: output.Syringe = "bd-plastipak-50",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before the pump moves.")] = False,
    tolerance: Annotated[float, typer.Option(help="Largest error of the delivered volume, in percent.")] = 2.0,
    plot: Annotated[Path | None, typer.Option(help="Write a picture of the delivery: .png or .svg.")] = None,
    json: output.Json = False,
) -> None:
    """Play a protocol on a pump and compare what came out with what was commanded."""
    from titrate.client import Pump
    from titrate.playing import Player
    from titrate.protocol import Protocol

    planned = Protocol.read(protocol).plan(weight, session=session, syringe=syringe)
    output.warnings(planned.warnings)
    if plot:
        from titrate.plot import check_path

        check_path(plot)
    begun_s = time.perf_counter()
    with Pump.open(port) as pump:
        if not yes:
            _ask(planned, port)
        player = Player(pump, planned, _syringe_changer(pump, yes))
        done = _follow(player, planned)
        wall_seconds = time.perf_counter() - begun_s
    if plot:
        from titrate.plot import plot_delivery

        plot_delivery(planned, done.series, plot, simulated=bool(done.bench and done.bench.simulated))
        output.messages().print(f"plot: {plot}", markup=False, highlight=False, soft_wrap=True)
    if json:
        output.document(done.as_json(port, wall_seconds))
    else:
        _show(done, port, wall_seconds)
    if not done.within(tolerance):
        raise typer.Exit(1)


def _ask(planned: "Plan", port: str) -> None:
    """Shows the plan and waits for a yes. Without a terminal nobody can say it."""
    from titrate.cli.plan import show
    from titrate.errors import ProtocolError

    if not sys.stdin.isatty():
        raise ProtocolError("titrate play", None, "--yes, where no terminal is there to ask at")
    show(planned)
    if not typer.confirm(f"Fit a full {planned.syringe} and start on {port}?"):
        raise typer.Exit(1)


def _syringe_changer(pump: "Pump", yes: bool) -> "Callable[[int], bool]":
    """A simulated bench changes its syringe itself when nobody is to be asked; a real one waits for the person."""
    bench = getattr(pump.port, "bench", None)

    def change(number: int) -> bool:
        if not (bench and yes):
            output.messages().print(f"The syringe is empty. Fit full syringe number {number}.", style="bold")
            if not typer.confirm("Is it fitted?", err=True):
                return False
        if bench:
            bench.change_syringe()
        return True

    return change


def _follow(player: "Player", planned: "Plan") -> "Session":
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.fields[state]:<8}"),
        BarColumn(),
        TextColumn("{task.percentage:>5.1f} %  {task.fields[facts]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=output.messages(), refresh_per_second=8) as progress:
        task = progress.add_task("", total=float(planned.duration_s), state="READY", facts="")

        def on_status(status: "Status") -> None:
            progress.update(task, completed=status["infused_ms"] / 1000, state=status["state"], facts=_facts(status))

        return player.play(player.load(), on_status)


def _facts(status: "Status") -> str:
    alarms = " ".join(status["alarms"])
    return (
        f"{status['rate_nl_h'] / 1e6:.2f} mL/h  {status['counted_nl'] / 1e6:.3f} mL  "
        f"{status['pressure_pa'] / 1000:.1f} kPa  {alarms}"
    )


def _show(done: "Session", port: str, wall_seconds: float) -> None:
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
    where = f"{port}, simulated" if done.bench and done.bench.simulated else port
    device = f"{clock(done.device_seconds)} of device time in {wall_seconds:.1f} s"
    console.print(f"{where}; firmware {done.hello['firmware'][:12]}; {device}", highlight=False)
