"""Filling the line before an infusion, or flushing it after one: `titrate prime`. The syringe: `titrate refill`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from titrate.cli import output

if TYPE_CHECKING:
    from fractions import Fraction

    from titrate.client import Pump, Status


def prime(
    port: output.Port,
    syringe: output.Syringe = "bd-plastipak-50",
    fill: Annotated[str, typer.Option(help="What the syringe holds.")] = "50 mL",
    volume: Annotated[
        str | None, typer.Option(help='End after so much, such as "2.5 mL"; else Enter ends it, when liquid is seen.')
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before the motor starts; wants --volume.")] = False,
    json: output.Json = False,
) -> None:
    """Fill or flush the line, with nobody at its end. No dose is counted; the pump itself ends it after two minutes."""
    from titrate.client import Pump
    from titrate.errors import ProtocolError
    from titrate.quantities import VOLUME, parse

    wanted = parse(volume, VOLUME, "--volume").value if volume is not None else None
    held = parse(fill, VOLUME, "--fill").value
    if yes and wanted is None:
        raise ProtocolError("titrate prime", None, "--volume, where nobody watches the end of the line")
    with Pump.open(port) as pump:
        if not yes:
            output.confirm("Is nobody at the line, and its end over a cup?", "titrate prime")
        pump.syringe(syringe, round(held * 1_000_000))
        status = pump.status()
        begin_nl = status["remaining_nl"]
        with _stopped(pump):
            pump.prime()
            ended_itself = _watch(pump, begin_nl, wanted)
        status = pump.status()
    _tell(status, (begin_nl - status["remaining_nl"]) / 1e6, "used", "left", json)
    if ended_itself:
        raise typer.Exit(1)


@contextlib.contextmanager
def _stopped(pump: Pump) -> Iterator[None]:
    """Whatever ends what is within, the pump is stopped; but not when it refused, for then it may be at other work."""
    from titrate.errors import Refused

    try:
        yield
    except Refused:
        raise
    except BaseException:
        _stop(pump)
        raise
    _stop(pump)


def _stop(pump: Pump) -> None:
    """LinkError where the pump cannot be reached: then it says that the motor may be on."""
    from titrate.errors import MAY_MOVE, LinkError

    try:
        pump.stop()
    except LinkError as error:
        raise type(error)(f"{error}; {MAY_MOVE}") from error


def _watch(pump: Pump, begin_nl: int, wanted_ml: Fraction | None) -> bool:
    """Until the volume is there, somebody presses Enter, or the pump has ended it: whether that was so."""
    from titrate.cli.person import Keyboard

    with contextlib.ExitStack() as stack:
        keyboard = None
        if wanted_ml is None:
            keyboard = stack.enter_context(Keyboard())
            output.messages().print("Press Enter when liquid without bubbles comes out.")
        while True:
            status = pump.wait_status()
            if status["state"] != "PRIMING":
                return True
            if wanted_ml is not None and begin_nl - status["remaining_nl"] >= wanted_ml * 1_000_000:
                return False
            if keyboard and keyboard.pressed(wait=False):
                return False


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
    from titrate.errors import ProtocolError
    from titrate.quantities import VOLUME, parse

    if empty and fill is not None:
        raise ProtocolError("titrate refill", f"--fill {fill} --empty", "one of them: both say what the syringe holds")
    wanted_nl = round(parse(volume, VOLUME, "--volume").value * 1_000_000)
    held = parse(fill, VOLUME, "--fill").value if fill is not None else 0 if empty else None
    with Pump.open(port) as pump:
        if not yes:
            output.confirm("Is nobody at the line, and its end deep in the liquid?", "titrate refill")
        if held is not None:
            pump.syringe(syringe, round(held * 1_000_000))
        begin_nl = pump.status()["remaining_nl"]
        with _stopped(pump):
            pump.refill(wanted_nl)
            while pump.wait_status()["state"] == "FILLING":
                pass
        status = pump.status()
    _tell(status, (status["remaining_nl"] - begin_nl) / 1e6, "drawn", "held", json)
    if status["alarms"]:
        raise typer.Exit(1)


def _tell(status: Status, moved_ml: float, moved: str, remaining: str, json: bool) -> None:
    """What was moved, and what the syringe holds now."""
    if json:
        output.document({f"{moved}_ml": moved_ml, "status": status})
        return
    alarms = f"; {', '.join(status['alarms'])}" if status["alarms"] else ""
    text = f"{moved_ml:.3f} mL {moved}, {status['remaining_nl'] / 1e6:.2f} mL {remaining}: {status['state']}{alarms}"
    output.results().print(text, highlight=False)
