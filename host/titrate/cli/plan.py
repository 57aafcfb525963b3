"""`titrate plan`: what would flow, before anything does."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from titrate.cli import output

if TYPE_CHECKING:
    from rich.table import Table

    from titrate.plan import Plan


def plan(
    protocol: Annotated[str, typer.Argument(metavar="FILE_OR_NAME", help="A protocol file, or a packaged name.")],
    weight: output.Weight = None,
    session: output.Session = None,
    syringe: output.Syringe = "bd-plastipak-50",
    plot: Annotated[Path | None, typer.Option(help="Write a picture of rate and volume: .png or .svg.")] = None,
    json: output.Json = False,
) -> None:
    """Show what a protocol means for one subject: phases, totals, syringes."""
    from titrate.protocol import Protocol

    planned = Protocol.read(protocol).plan(weight, session=session, syringe=syringe)
    if plot:
        from titrate.plot import plot_plan

        plot_plan(planned, plot)
        output.messages().print(f"plot: {plot}", markup=False, highlight=False, soft_wrap=True)
    output.warnings(planned.warnings)
    if json:
        output.document(planned.as_json())
    else:
        show(planned)


def show(planned: "Plan") -> None:
    """The plan as a person confirms it, on stdout."""
    console = output.results()
    console.print(f"{planned.protocol}: {planned.title}", style="bold", markup=False, highlight=False)
    console.print(
        f"{planned.drug}, {float(planned.concentration_mg_ml):.6g} mg/mL, for {float(planned.weight_kg):g} kg",
        markup=False,
        highlight=False,
    )
    console.print(phase_table(planned))
    totals = f"total {float(planned.total_mg):.8g} mg in {float(planned.total_ml):.7g} mL"
    length = clock(float(planned.duration_s))
    console.print(f"{totals}, {length}, {planned.syringes} x {planned.syringe}", highlight=False)


def phase_table(planned: "Plan") -> "Table":
    """One row a phase: begin, end, rate in mL/h and mg/kg/h, volume, dose, source."""
    from rich.table import Table

    table = Table(box=None)
    table.add_column("phase")
    for heading in ("begin", "end", "mL/h", "mg/kg/h", "mL", "mg"):
        table.add_column(heading, justify="right")
    table.add_column("source")
    for phase in planned.phases:
        flows = _change(float(phase.begin_ml_h), float(phase.end_ml_h))
        doses = _change(float(phase.begin_mg_kg_h), float(phase.end_mg_kg_h))
        amounts = [f"{float(phase.volume_ml):.6g}", f"{float(phase.dose_mg):.6g}"]
        row = ["", "", "", ""] if phase.kind == "pause" else [flows, doses, *amounts]
        table.add_row(phase.kind, clock(float(phase.begin_s)), clock(float(phase.end_s)), *row, phase.source or "")
    return table


def clock(time_s: float) -> str:
    """Seconds as hours, minutes and seconds: 100:48:00."""
    minutes, seconds = divmod(round(time_s), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"


def _change(begin: float, end: float) -> str:
    return f"{begin:.5g}" if begin == end else f"{begin:.5g} to {end:.5g}"
