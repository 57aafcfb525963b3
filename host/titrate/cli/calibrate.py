"""Measure what a pump delivers and reads, and store it in the pump: a syringe against a balance or a cylinder, the
pressure against the atmosphere and a gauge. Everything is nominal until that is done.
"""

from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Annotated, Any

import typer

from titrate.cli import output

if TYPE_CHECKING:
    from titrate.calibrating import Measure, Run
    from titrate.calibration import Calibration, Fit
    from titrate.client import Pump, Status

COMMAND = "titrate calibrate"
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask before the pump moves, nor before the result is stored.")]


class Given:
    """Measures from somewhere else: the options of the command, or a person at the terminal."""

    def __init__(self, values: list[str], density: float, asked: bool) -> None:
        self._values = [_ml(text, density) for text in values]
        self._density = density
        self._asked = asked

    def before(self, run: int) -> None:
        if self._asked:
            _pause(f"Run {run}: empty the vessel or tare the balance")

    def after(self, run: int) -> float:
        if self._values:
            return self._values[run - 1]
        return _ask_ml(f"Run {run}: what came out, such as 5.02 mL or 5.01 g", self._density)


def volume(
    port: output.Port,
    syringe: output.Syringe = "bd-plastipak-50",
    ml: Annotated[str | None, typer.Option(help='Volume of a run; a tenth of the syringe. "5 mL"')] = None,
    rate: Annotated[str | None, typer.Option(help='Rate of a run; one that takes two minutes. "150 mL/h"')] = None,
    runs: Annotated[int, typer.Option(help="How often it is measured.")] = 3,
    balance: Annotated[
        str | None, typer.Option(metavar="FAMILY:PORT", help="Weigh on this balance: mt-sics, sbi or ohaus.")
    ] = None,
    measured: Annotated[
        list[str] | None, typer.Option(help='What came out of a run, "5.02 mL" or "5.01 g"; once for each run.')
    ] = None,
    temperature: Annotated[float, typer.Option(help="Of the water, in °C, for its density.")] = 20.0,
    yes: Yes = False,
    json: output.Json = False,
) -> None:
    """Find what a step of a syringe delivers: runs of one volume, weighed or measured, and a line through zero."""
    from fractions import Fraction

    from titrate.calibrating import check_volume, fit, measure_volume, store_volume
    from titrate.calibration import density_g_ml
    from titrate.client import Pump
    from titrate.plan import nominal_nl, syringe_id
    from titrate.quantities import FLOW, VOLUME, parse

    fill_nl = nominal_nl(syringe_id(syringe))
    run_ml = parse(ml, VOLUME, "--ml").value if ml is not None else Fraction(fill_nl, 10_000_000)
    run_ml_h = parse(rate, FLOW, "--rate").value if rate is not None else run_ml * 30
    runs = len(measured) if measured else runs
    check_volume(syringe, run_ml, runs)
    density = density_g_ml(temperature)
    if not yes or not (measured or balance is not None):
        output.need_terminal(f"{COMMAND} volume")
    with ExitStack() as stack:
        pump = stack.enter_context(Pump.open(port))
        measure = _measure(stack, pump, balance, measured or [], density, asked=not yes)
        if not yes:
            told = (
                f"{runs} runs of {float(run_ml):g} mL at {float(run_ml_h):g} mL/h, and {float(run_ml / 5):g} mL before"
            )
            output.messages().print(f"{told} to take up the play. They wet whatever is at the end of the line.")
            question = f"Is a full {syringe} fitted on {port}, the line full of water and free of air?"
            output.confirm(question, f"{COMMAND} volume")
        done = measure_volume(pump, syringe, run_ml, run_ml_h, runs, measure, _shower())
        before = pump.calibration()["syringes"].get(syringe)
        found = fit(done)
        if not json:
            _show(done, found, density)
        if not yes:
            output.confirm(f"Store {found.slope_ppm:+d} ppm for {syringe} in the pump?", f"{COMMAND} volume")
        stored = store_volume(pump, syringe, found)
    if json:
        output.document(
            {"syringe": syringe, "runs": [vars(run) for run in done], "errors_ppm": found.errors_ppm}
            | {"density_g_ml": density, "before": before}
            | stored
        )
    else:
        from titrate.calibration import volume_words

        output.results().print(f"stored: {syringe}: {volume_words(stored)}", markup=False, highlight=False)


def pressure(
    port: output.Port,
    zero: Annotated[
        bool, typer.Option("--zero", help="At the atmosphere: nothing is on the line, the motor off.")
    ] = False,
    at: Annotated[str | None, typer.Option(help='At a known pressure: "50 kPa" or "300 mmHg".')] = None,
    yes: Yes = False,
    json: output.Json = False,
) -> None:
    """Find zero and span of the pressure sensor: first --zero with the line open, then --at a pressure by a gauge."""
    from titrate.calibrating import store_pressure
    from titrate.calibration import pressure_words
    from titrate.client import Pump
    from titrate.errors import ProtocolError
    from titrate.quantities import PRESSURE, parse

    if zero == (at is not None):
        raise ProtocolError(f"{COMMAND} pressure", "both" if zero else None, 'either --zero or --at "50 kPa"')
    known_pa = float(parse(at, PRESSURE, "--at").value) if at is not None else None
    if not yes:
        question = (
            "Is the line open, with its end at the height of the sensor?" if zero else f"Does the gauge show {at}?"
        )
        output.confirm(question, f"{COMMAND} pressure")
    with Pump.open(port) as pump:
        stored = store_pressure(pump, known_pa)
    if json:
        output.document(stored)
    else:
        output.results().print(f"stored: {pressure_words(stored)}", markup=False, highlight=False)


def default(context: typer.Context, port: output.Port = "", json: output.Json = False) -> None:
    """Show the calibration that is in force in a pump."""
    from titrate.errors import ProtocolError

    if context.invoked_subcommand:
        return
    if not port:
        raise ProtocolError("--port", None, "where the pump is, such as sim:// or /dev/ttyACM0")
    show(port, json)


def show(port: output.Port, json: output.Json = False) -> None:
    """Show what is stored in the pump, and since when."""
    from titrate.client import Pump

    with Pump.open(port) as pump:
        found = pump.calibration()
    if json:
        output.document(found)
        return
    for line in lines(found):
        output.results().print(line, markup=False, highlight=False)


def lines(found: "Calibration") -> list[str]:
    """A calibration in words, a line for each syringe that has one, and for the pressure."""
    from titrate.calibration import pressure_words, volume_words

    told = [f"{name}: {volume_words(record)}" for name, record in sorted(found["syringes"].items())]
    told = told or [f"every syringe: {volume_words(None)}"]
    return [*told, f"pressure: {pressure_words(found['pressure'] or None)}"]


def _measure(
    stack: ExitStack, pump: "Pump", balance: str | None, measured: list[str], density: float, asked: bool
) -> "Measure":
    """Who measures; a balance is closed with the stack. Raises ProtocolError."""
    from titrate.balances import open_balance
    from titrate.calibrating import ByBalance
    from titrate.errors import ProtocolError

    if balance is not None and measured:
        raise ProtocolError("--measured", measured[0], "nothing beside --balance")
    if balance is not None:
        return ByBalance(pump, stack.enter_context(closing(open_balance(balance))), density)
    return Given(measured, density, asked)


def _ml(text: str, density: float) -> float:
    """Millilitres of a measured volume or weight. Raises ProtocolError."""
    from titrate.calibration import ml_of
    from titrate.quantities import MEASURED, parse

    found = parse(text, MEASURED, "--measured")
    return ml_of(float(found.value), density) if found.unit == "g" else float(found.value)


def _ask_ml(question: str, density: float) -> float:
    """Asks until the answer is a volume or a weight."""
    from titrate.errors import ProtocolError

    while True:
        try:
            return _ml(typer.prompt(question, err=True), density)
        except ProtocolError as error:
            output.messages().print(str(error), style="yellow", markup=False, highlight=False, soft_wrap=True)


def _pause(text: str) -> None:
    typer.prompt(f"{text}, then press Enter", default="", show_default=False, err=True)


def _shower() -> "Any":
    """What tells a person how far a run is: one line, on a terminal only."""
    console = output.messages()

    def see(status: "Status") -> None:
        if console.is_terminal:
            console.print(f"{status['counted_nl'] / 1e6:.3f} mL counted", end="\r", highlight=False)

    return see


def _show(done: "list[Run]", found: "Fit", density: float) -> None:
    """Runs and result, as a table."""
    from rich.table import Table

    table = Table(box=None)
    for heading in ("run", "steps", "nominal mL", "measured mL", "off the line"):
        table.add_column(heading, justify="right")
    for number, (run, error) in enumerate(zip(done, found.errors_ppm, strict=True), 1):
        row = (number, run.steps, f"{run.nominal_ml:.4f}", f"{run.measured_ml:.4f}", f"{error / 10_000:+.3f} %")
        table.add_row(*map(str, row))
    console = output.results()
    console.print(table)
    slope, residual = found.slope_ppm / 10_000, found.residual_ppm / 10_000
    told = f"a step delivers {slope:+.3f} % of nominal more; residual {residual:.3f} %; water of {density:.5f} g/mL"
    console.print(told, highlight=False)


calibrate = (default, volume, pressure, show)
