"""Drawing liquid into the syringe through its line: `titrate refill`."""

from __future__ import annotations

from typing import Annotated

import typer

from titrate.cli import output


def refill(
    port: output.Port,
    volume: Annotated[str, typer.Option(help='How much to draw in, such as "30 mL".')],
    syringe: output.Syringe = "bd-plastipak-50",
    fill: Annotated[
        str | None, typer.Option(help='What the syringe holds now, such as "10 mL"; else what the pump has counted.')
    ] = None,
    empty: Annotated[bool, typer.Option("--empty", help="The syringe holds nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before the motor starts.")] = False,
    json: output.Json = False,
) -> None:
    """Draw liquid into the fitted syringe, with the end of its line in the liquid and nobody at it. Ctrl-C stops."""
    from titrate.client import Pump
    from titrate.quantities import VOLUME, parse

    wanted_nl = round(parse(volume, VOLUME, "--volume").value * 1_000_000)
    held = parse(fill, VOLUME, "--fill").value if fill else 0 if empty else None
    with Pump.open(port) as pump:
        if not yes:
            output.confirm("Is nobody at the line, and its end deep in the liquid?", "titrate refill")
        if held is not None:
            pump.syringe(syringe, round(held * 1_000_000))
        begin_nl = pump.status()["remaining_nl"]
        pump.refill(wanted_nl)
        try:
            while pump.wait_status()["state"] == "FILLING":
                pass
        finally:
            pump.stop()
        status = pump.status()
    drawn_ml = (status["remaining_nl"] - begin_nl) / 1e6
    if json:
        output.document({"drawn_ml": drawn_ml, "status": status})
    else:
        alarms = f"; {', '.join(status['alarms'])}" if status["alarms"] else ""
        held_ml = f"{status['remaining_nl'] / 1e6:.2f} mL held"
        output.results().print(f"{drawn_ml:.3f} mL drawn in, {held_ml}: {status['state']}{alarms}", highlight=False)
    if status["alarms"]:
        raise typer.Exit(1)
