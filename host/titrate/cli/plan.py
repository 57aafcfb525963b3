"""`titrate plan`: what would flow, before anything does."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from titrate.cli import output
from titrate.cli.protocols import File

if TYPE_CHECKING:
    from fractions import Fraction

    from rich.table import Table

    from titrate.plan import Plan

MOST_CHANGES = 6  # told one by one; more are counted


def plan(
    protocol: File,
    weight: output.Weight = None,
    age: output.Age = None,
    session: output.Session = None,
    syringe: output.Syringe = "bd-plastipak-50",
    board: Annotated[str, typer.Option(help="The pump for which it is judged what is possible.")] = "pico",
    plot: Annotated[
        Path | None, typer.Option(help="Write a picture of rate, dose and predicted plasma level: .png or .svg.")
    ] = None,
    json: output.Json = False,
) -> None:
    """Show what a protocol means for one subject: phases, totals, syringes, what the pump can do, a preview."""
    from titrate.protocol import Protocol

    planned = Protocol.read(protocol).plan(weight, age=age, session=session, syringe=syringe, board=board)
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
    for line in (*_bounds(planned), *_syringes(planned), *_demand(planned), *_feasibility(planned), *_preview(planned)):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def phase_table(planned: "Plan") -> "Table":
    """One row a phase: begin, end, rate in mL/h and mg/kg/h, volume, dose, source."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column("phase", no_wrap=True)
    for heading in ("begin", "end", "mL/h", "mg/kg/h", "mL", "mg"):
        table.add_column(heading, justify="right", no_wrap=True, overflow="fold")
    table.add_column("source", overflow="fold")
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


def _bounds(planned: "Plan") -> Iterator[str]:
    spans: dict[tuple[Fraction, Fraction], list[str]] = {}
    for phase in planned.phases:
        if phase.floor_ml_h is not None and phase.ceiling_ml_h is not None:
            paths = spans.setdefault((phase.floor_ml_h, phase.ceiling_ml_h), [])
            paths += [phase.path] * (phase.path not in paths)
    for (floor_ml_h, ceiling_ml_h), paths in spans.items():
        span = f"{float(floor_ml_h):.5g} to {float(ceiling_ml_h):.5g} mL/h"
        yield f"bounds: an operator may set {span} in {', '.join(paths)}"


def _syringes(planned: "Plan") -> Iterator[str]:
    from titrate.plan import RESERVE_ML

    each_ml, last_ml = (f"{float(fill_ml):.6g} mL" for fill_ml in planned.fills_ml)
    changes = planned.changes_s(MOST_CHANGES)
    drawn = f"draw up {last_ml}" if not changes else f"draw up {each_ml} each, {last_ml} for the last"
    yield f"syringes: {drawn}; {float(RESERVE_ML):g} mL of it stays in the syringe"
    if changes:
        count = planned.syringes - 1
        more = f" and so on, {count} in all" if count > len(changes) else ""
        yield f"changes: at {', '.join(clock(time_s) for time_s in changes)}{more}"


def _demand(planned: "Plan") -> Iterator[str]:
    if planned.demand:
        dose = f"{float(planned.demand.dose_mg):.6g} mg, {float(planned.demand.volume_ml):.6g} mL"
        times = f"in {clock(float(planned.demand.over_s))}, then not for {clock(float(planned.demand.lockout_s))}"
        yield f"on request: {dose} {times}; not in the total"


def _feasibility(planned: "Plan") -> Iterator[str]:
    stopping = [finding for finding in planned.findings if finding.stops]
    flows = [float(flow) for phase in planned.phases for flow in (phase.begin_ml_h, phase.end_ml_h) if flow]
    step_ml = float(planned.board.step_ml(planned.syringe))
    span = _change(min(flows), max(flows))
    pump = f"{planned.board.name} with {planned.syringe}"
    most = f"at most {float(planned.board.most_ml_h(planned.syringe)):.5g} mL/h"
    steps = " to ".join(dict.fromkeys(f"{step_ml / flow * 3600:.3g}" for flow in (max(flows), min(flows))))
    yield f"pump: {pump}, {most}; {span} mL/h, a step of {1000 * step_ml:.3g} µL every {steps} s"
    yield "not feasible, see the warnings" if stopping else "feasible" + (", with warnings" * bool(planned.findings))


def _preview(planned: "Plan") -> Iterator[str]:
    from titrate.plasma import preview

    predicted = preview(planned)
    if predicted:
        peaks = sorted(predicted.peaks_ng_ml.values())
        least, most = (f"{float(f'{peak:.3g}'):g}" for peak in (peaks[0], peaks[-1]))
        models = f"{len(peaks)} published models, which tell of no single subject"
        yield f"preview only: highest in plasma {least} to {most} ng/mL by {models}"
