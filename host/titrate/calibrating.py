"""Runs a pump for its calibration: a take-up run, runs that somebody measures, pressures that somebody knows.

It shows nothing and asks nobody; a measure tells what came out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from math import ceil
from typing import Any, Protocol

from pump.core import units, wire
from titrate import calibration
from titrate.balances import Balance
from titrate.client import Pump, Status
from titrate.errors import DeliveryError, ProtocolError
from titrate.following import ended
from titrate.plan import nominal_nl
from titrate.program import NO_AUTHOR
from titrate.session import COMPLETE

REST_STATUSES = 15  # seconds until what the line was stretched by has come out
LEAST_RUN = Fraction(1, 1000)  # of a fill: 70 steps or more; where there is none, there is no line to fit
TAKE_UP = Fraction(1, 5)  # of a run: turns the play out of the screw, and stretches the line as every run leaves it
MOST_WEIGHINGS = 60  # one a second until it is at rest
READINGS = 10  # of the pressure, one a second
STEADY_PA = 1000  # between the lowest and the highest of them


class Measure(Protocol):
    """Whoever measures what comes out."""

    def before(self, run: int) -> None:
        """A run is about to begin, from 1."""

    def after(self, run: int) -> float:
        """It has ended, and the line is at rest: mL that came out."""


class ByBalance:
    """Weighs what the vessel on a balance gains. density: of what is pumped, g/mL."""

    def __init__(self, pump: Pump, balance: Balance, density: float) -> None:
        self._pump = pump
        self._balance = balance
        self._density = density
        self._before_g = 0.0

    def before(self, run: int) -> None:
        self._before_g = self._at_rest_g()

    def after(self, run: int) -> float:
        return calibration.ml_of(self._at_rest_g() - self._before_g, self._density)

    def _at_rest_g(self) -> float:
        """Two readings at rest, one after the other; the second. Raises DeliveryError where there is no rest."""
        rested = False
        for _ in range(MOST_WEIGHINGS):
            reading = self._balance.read()
            if rested and reading.stable:
                return reading.grams
            rested = reading.stable
            self._pump.wait_status()
        raise DeliveryError(f"not stored: the balance found no rest in {MOST_WEIGHINGS} s")


@dataclass(frozen=True)
class Run:
    """steps: counted at the pin. nominal_ml: what they are by bore and screw. measured_ml: what came out."""

    steps: int
    nominal_ml: float
    measured_ml: float


def check_volume(syringe: str, ml: Fraction, runs: int) -> None:
    """Raises ProtocolError for runs that one fill has not enough for, too small ones, or too few of them."""
    if runs < calibration.FEWEST_RUNS:
        raise ProtocolError("--runs", runs, f"at least {calibration.FEWEST_RUNS}: one alone has no scatter")
    fill_ml = Fraction(nominal_nl(syringe), units.NL_PER_ML)
    if ml < fill_ml * LEAST_RUN:
        raise ProtocolError("--ml", f"{float(ml):g}", f"at least {float(fill_ml * LEAST_RUN):g} for a {syringe}")
    if ml * (runs + TAKE_UP) > fill_ml:
        most_ml = float(fill_ml / (runs + TAKE_UP))
        raise ProtocolError("--ml", f"{float(ml):g}", f"at most {most_ml:.3g} for {runs} runs out of one {syringe}")


def dispense(pump: Pump, syringe: str, ml: Fraction, ml_h: Fraction, see: Callable[[Status], None]) -> int:
    """Pumps so much at a constant rate and waits until the line is at rest; the steps that were counted at the pin.

    The syringe is declared. Raises DeliveryError when an alarm or a hand ends it before its end.
    """
    rate_pl_h = round(ml_h * units.PL_PER_ML)
    phases = [["infuse", round(ml / ml_h * units.MS_PER_H), rate_pl_h, rate_pl_h]]
    header: dict[str, Any] = {name: kind() for name, (kind, _, _) in wire.PROGRAM.items()}
    header |= {"name": "calibration", "drug": "water", "concentration_ng_ml": units.NG_PER_MG, "weight_g": 70_000}
    header |= {"syringe": syringe, "fill_nl": ceil(ml * units.NL_PER_ML), "phases": 1}
    header |= {"basal_nl_h": ceil(ml_h * units.NL_PER_ML), "date": date.today().isoformat(), "author": NO_AUTHOR}
    pump.confirm(pump.load(header, phases))
    try:
        pump.start()
        while ended(status := pump.wait_status()) is None:
            see(status)
            if status["state"] not in ("INFUSING", "KVO"):
                break
    except BaseException:  # nobody watches it any more
        pump.stop()
        raise
    if ended(status) != "complete":
        pump.stop()
        raise DeliveryError(
            f"not stored: the run ended in {status['state']}: {', '.join(status['alarms']) or 'no alarm'}"
        )
    pump.acknowledge()
    for _ in range(REST_STATUSES):
        status = pump.wait_status()
    return int(status["counted_steps"])


def measure_volume(
    pump: Pump,
    syringe: str,
    ml: Fraction,
    ml_h: Fraction,
    runs: int,
    measure: Measure,
    see: Callable[[Status], None],
) -> list[Run]:
    """Declares a full syringe, pumps a take-up run and then `runs` that are measured."""
    check_volume(syringe, ml, runs)
    pump.syringe(syringe, nominal_nl(syringe))
    if COMPLETE in pump.status()["alarms"]:
        pump.acknowledge()  # of an infusion before: here it is to tell the end of a run
    dispense(pump, syringe, ml * TAKE_UP, ml_h, see)
    done = []
    for run in range(1, runs + 1):
        measure.before(run)
        steps = dispense(pump, syringe, ml, ml_h, see)
        done.append(Run(steps, calibration.nominal_ml(steps, syringe, pump.hello), measure.after(run)))
    return done


def fit(done: list[Run]) -> calibration.Fit:
    """The calibration of these runs. Raises DeliveryError for an implausible one."""
    found = calibration.fit([run.nominal_ml for run in done], [run.measured_ml for run in done])
    calibration.check(
        "slope_ppm", found.slope_ppm, "Is it this syringe, is the line full and tight, were the figures in mL?"
    )
    calibration.check(
        "residual_ppm",
        found.residual_ppm,
        "The runs differ too much: look for air, drops and leaks, or take more volume",
    )
    return found


def store_volume(pump: Pump, syringe: str, found: calibration.Fit) -> dict[str, Any]:
    """Puts it in force in the pump; what the pump then has."""
    today = date.today().isoformat()
    return pump.request(
        "calibrate", syringe=syringe, slope_ppm=found.slope_ppm, residual_ppm=found.residual_ppm, date=today
    )


def raw_pressure_pa(pump: Pump) -> float:
    """What the sensor itself reads, in the mean of ten seconds. Raises DeliveryError for an unsteady pressure."""
    in_force = pump.calibration()["pressure"]
    found = [pump.wait_status()["pressure_pa"] for _ in range(READINGS)]
    if max(found) - min(found) > STEADY_PA:
        raise DeliveryError(f"not stored: the pressure is not steady: {min(found)} to {max(found)} Pa in {READINGS} s")
    return calibration.uncorrected_pa(sum(found) / len(found), in_force)


def store_pressure(pump: Pump, known_pa: float | None) -> dict[str, Any]:
    """Reads the pressure and puts its zero (None) or its span at a known pressure in force; what the pump then has."""
    in_force = pump.calibration()["pressure"]
    zero_pa, span_ppm = in_force.get("zero_pa", 0), in_force.get("span_ppm", 0)
    raw_pa = raw_pressure_pa(pump)
    if known_pa is None:
        zero_pa = round(raw_pa)
        calibration.check("zero_pa", zero_pa, "Is the line open, its end at the height of the sensor?")
    else:
        span_ppm = calibration.span_ppm(raw_pa, zero_pa, known_pa)
        calibration.check("span_ppm", span_ppm, "Does the gauge see the same pressure, and was the zero taken first?")
    today = date.today().isoformat()
    return pump.request("calibrate_pressure", zero_pa=zero_pa, span_ppm=span_ppm, date=today)
