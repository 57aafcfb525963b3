"""What a person asks of a pump that is at work: pause, resume, stop, bolus, adjust, acknowledge, mute."""

import re
from typing import TYPE_CHECKING, Annotated

import typer

from pump.core.units import NL_PER_ML, PL_PER_ML
from titrate.cli import output

if TYPE_CHECKING:
    from titrate.client import Pump
    from titrate.mixture import Mixture


def pause(port: output.Port, json: output.Json = False) -> None:
    """Stop the motor and keep the program."""
    _ask(port, "pause", "paused", json)


def resume(port: output.Port, json: output.Json = False) -> None:
    """Go on where the program stood."""
    _ask(port, "resume", "resumed", json)


def stop(port: output.Port, json: output.Json = False) -> None:
    """Stop a pump and end its program. Taken in every state."""
    _ask(port, "stop", "stopped", json)


def fluid(
    drug: Annotated[str, typer.Argument(metavar="DRUG", help="Its name, as in the protocol.")],
    concentration: Annotated[str, typer.Argument(metavar="CONCENTRATION", help='Such as "0.98 mg/mL".')],
    port: output.Port,
    json: output.Json = False,
) -> None:
    """Say what the syringe holds. A program that is for another fluid is stopped at once, and has to be loaded anew."""
    from pump.core.wire import PROGRAM
    from titrate.client import Pump
    from titrate.quantities import CONCENTRATION, parse

    output.check_text(drug, "DRUG", PROGRAM["drug"][2])
    ng_ml = round(parse(concentration, CONCENTRATION, "CONCENTRATION").value * 1_000_000)
    with Pump.open(port) as pump:
        pump.fluid(drug, ng_ml)
        _tell(pump, f"the syringe holds {drug}, {ng_ml / 1e6:g} mg/mL", json)


def hold(port: output.Port, json: output.Json = False) -> None:
    """Go down to the hold rate (KVO) until `resume`, because something else saw a hazard."""
    _ask(port, "hold", "held", json)


def ack(port: output.Port, json: output.Json = False) -> None:
    """Acknowledge alarms whose condition is over. Never starts the motor."""
    _ask(port, "acknowledge", "acknowledged", json)


def mute(
    port: output.Port,
    seconds: Annotated[int, typer.Option(min=0, max=120, help="How long; 0 ends a pause.")] = 120,
    json: output.Json = False,
) -> None:
    """Pause the sound of the alarms in force, for two minutes at most."""
    from titrate.client import Pump

    with Pump.open(port) as pump:
        pump.mute(seconds)
        _tell(pump, f"muted for {seconds} s" if seconds else "sounding", json)


def bolus(
    dose: Annotated[str, typer.Argument(metavar="DOSE", help='Such as "0.2 mL", "5 mg" or "0.1 mg/kg".')],
    port: output.Port,
    over: Annotated[str, typer.Option(help='How long it takes, such as "60 s".')] = "60 s",
    override: output.Override = None,
    json: output.Json = False,
) -> None:
    """Ask for a bolus on top of the running program, within the limits and the lockout of the pump."""
    from titrate.client import Pump, unneeded
    from titrate.quantities import DOSE, DURATION, parse

    given = parse(dose, DOSE, "DOSE")
    duration = parse(over, DURATION, "--over")
    pairs = [override_of(text) for text in override or []]
    with Pump.open(port) as pump:
        mixture = _mixture(pump, "bolus")
        volume_nl = round(mixture.mg(given) / mixture.concentration_mg_ml * NL_PER_ML)
        before = pump.status()["overrides"]
        allowed_nl = pump.bolus(volume_nl, round(duration.value * 1000), pairs)
        output.warnings(unneeded(pairs, pump.status()["overrides"] - before))
        reduced = "" if allowed_nl == volume_nl else ", reduced by the drug library"
        _tell(pump, f"bolus of {allowed_nl / 1e6:.4f} mL{reduced}", json)


def adjust(
    rate: Annotated[str, typer.Argument(metavar="RATE", help='Such as "0.2 mg/kg/h", "15 mg/h" or "12 mL/h".')],
    port: output.Port,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before the rate changes.")] = False,
    override: output.Override = None,
    json: output.Json = False,
) -> None:
    """Set the rate for the rest of the phase in force, within the bounds that the protocol gives it."""
    from titrate.client import Pump, unneeded
    from titrate.quantities import RATE, parse

    given = parse(rate, RATE, "RATE")
    pairs = [override_of(text) for text in override or []]
    with Pump.open(port) as pump:
        mixture = _mixture(pump, "adjust")
        rate_mg_h = mixture.mg(given)
        rate_ml_h = rate_mg_h / mixture.concentration_mg_ml
        told = f"{float(rate_ml_h):.4g} mL/h, {float(rate_mg_h / mixture.weight_kg):.4g} mg/kg/h"
        if not yes:
            now_ml_h = pump.status()["rate_nl_h"] / NL_PER_ML
            output.confirm(f"From {now_ml_h:.4g} mL/h to {told}?", "titrate adjust")
        before = pump.status()["overrides"]
        pump.adjust(round(rate_ml_h * PL_PER_ML), pairs)
        output.warnings(unneeded(pairs, pump.status()["overrides"] - before))
        _tell(pump, f"set to {told}", json)


def _mixture(pump: "Pump", method: str) -> "Mixture":
    """Weight and concentration of the program that is under way. Raises Refused without one."""
    from titrate.errors import Refused
    from titrate.mixture import Mixture
    from titrate.program import plan_of

    if pump.state in ("BOOT", "IDLE", "READY"):
        raise Refused(method, pump.state, "no program is under way")
    header, phases, _ = pump.program()
    plan = plan_of(header, phases)
    return Mixture(plan.weight_kg, plan.concentration_mg_ml)


def override_of(text: str) -> tuple[str, int]:
    """FIELD=VALUE of an option. Raises ProtocolError."""
    from pump.core.library import FIELDS
    from titrate.errors import ProtocolError

    given = re.fullmatch("(.+)=([0-9]{1,18})", text)
    if not given:
        raise ProtocolError("--override", text, "FIELD=VALUE, both as the refusal named them")
    soft = [name for name in FIELDS if "_soft_" in name]
    if given[1] not in soft:
        raise ProtocolError("--override", given[1], f"a soft limit: {', '.join(soft)}")
    return given[1], int(given[2])


def _ask(port: str, method: str, done: str, json: bool) -> None:
    from titrate.client import Pump

    with Pump.open(port) as pump:
        pump.request(method)
        _tell(pump, done, json)


def _tell(pump: "Pump", what: str, json: bool) -> None:
    status = pump.status()
    if json:
        output.document(status)
        return
    alarms = f"; {', '.join(status['alarms'])}" if status["alarms"] else ""
    counted = f"{status['counted_nl'] / 1e6:.4f} mL counted"
    output.results().print(f"{what}: {status['state']}, {counted}{alarms}", markup=False, highlight=False)
