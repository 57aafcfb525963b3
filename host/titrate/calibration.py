"""What a calibration is worked out from, and how it is told: steps against water, a reading against a gauge.

Asks no pump and nobody: calibrating.py does. A step's nominal volume is that of bore and screw.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from pump.core import syringes, wire
from pump.core.units import PL_PER_ML
from titrate.errors import DeliveryError, ProtocolError

PPM = 1_000_000
PPM_PER_PERCENT = 10_000
FEWEST_RUNS = 2  # one alone has no scatter
AIR_G_ML = 0.0012  # at 20 °C and 1013 hPa, half humid
WEIGHTS_G_ML = 8.0  # to which balances are adjusted
LEAST_SPAN_PA = 20_000  # below, an error of the gauge's zero counts too much
WATER_C = (5.0, 40.0)

Calibration = dict[str, Any]  # as the method `calibration` of the link gives it


def density_g_ml(celsius: float) -> float:
    """Of water without air, at 1013 hPa: Tanaka et al., Metrologia 2001, 38:301-309. Raises ProtocolError beyond
    5 to 40 °C. Tap water is heavier by less than a part in a thousand.
    """
    if not WATER_C[0] <= celsius <= WATER_C[1]:
        raise ProtocolError("--temperature", f"{celsius:g}", "the water's, 5 to 40 °C")
    a1, a2, a3, a4, a5 = -3.983035, 301.797, 522528.9, 69.34881, 0.999974950
    return float(a5 * (1 - (celsius + a1) ** 2 * (celsius + a2) / (a3 * (celsius + a4))))


def ml_of(grams: float, density: float) -> float:
    """Volume of what a balance shows as so many grams: in air, which carries a thousandth of water's weight."""
    return grams * (1 - AIR_G_ML / WEIGHTS_G_ML) / (density - AIR_G_ML)


def nominal_ml(steps: int, syringe: str, hello: dict[str, Any]) -> float:
    """What so many steps displace by bore and screw, whatever calibration is in force."""
    pl = Fraction(*syringes.step_volume_pl(syringe, hello["lead_um"], hello["steps_per_turn"]))
    return float(steps * pl / PL_PER_ML)


@dataclass(frozen=True)
class Fit:
    """A line through zero by least squares: measured = (1 + slope) x nominal. residual_ppm: standard deviation of the
    runs about it, as a part of a run; errors_ppm: of each run."""

    slope_ppm: int
    residual_ppm: int
    errors_ppm: tuple[int, ...]


def fit(nominal: Sequence[float], measured: Sequence[float]) -> Fit:
    """Of runs in mL. Raises ProtocolError for less than two."""
    if len(nominal) < FEWEST_RUNS:
        raise ProtocolError("--runs", len(nominal), f"at least {FEWEST_RUNS}: one alone has no scatter")
    x, y = np.array(nominal), np.array(measured)
    slope = float(x @ y / (x @ x))
    errors = (y - slope * x) / x
    residual = float(np.sqrt(np.sum((y - slope * x) ** 2) / (len(x) - 1) / np.mean(x**2)))
    return Fit(round((slope - 1) * PPM), round(residual * PPM), tuple(round(float(error) * PPM) for error in errors))


def check(name: str, value: int, hint: str) -> None:
    """Raises DeliveryError for a value of a calibration that the pump would refuse. hint: what it may come from."""
    least, most, meaning = wire.CALIBRATION[name]
    if least <= value <= most:
        return
    if name.endswith("_ppm"):
        found, *span = (each / PPM_PER_PERCENT for each in (value, least, most))
        told = f"{found:+.2f} %; plausible are {span[0]:g} to {span[1]:g} %"
    else:
        told = f"{value} Pa; plausible are {least} to {most} Pa"
    raise DeliveryError(f"not stored: {meaning}: {told}. {hint}")


def uncorrected_pa(reading_pa: float, pressure: dict[str, Any]) -> float:
    """What the sensor itself reads where a pump with this calibration tells reading_pa."""
    if not pressure:
        return reading_pa
    return float(reading_pa * PPM / (PPM + pressure["span_ppm"]) + pressure["zero_pa"])


def span_ppm(raw_pa: float, zero_pa: int, known_pa: float) -> int:
    """The span with which the sensor's own reading becomes the known pressure. Raises ProtocolError, DeliveryError."""
    if known_pa < LEAST_SPAN_PA:
        raise ProtocolError("--at", f"{known_pa / 1000:g} kPa", f"at least {LEAST_SPAN_PA // 1000} kPa")
    if raw_pa - zero_pa < known_pa / 2:
        raise DeliveryError(
            f"not stored: the sensor reads {raw_pa:.0f} Pa at {known_pa:.0f} Pa: it sees no such pressure"
        )
    return round((known_pa / (raw_pa - zero_pa) - 1) * PPM)


def of_syringe(calibration: Calibration, syringe: str) -> Calibration:
    """What of a calibration counts for one syringe: {"syringe": ..., "pressure": ...}, None for what is nominal."""
    return {"syringe": calibration["syringes"].get(syringe), "pressure": calibration["pressure"] or None}


def volume_words(found: dict[str, Any] | None) -> str:
    """One syringe's in words."""
    if not found:
        return "nominal: not calibrated"
    slope, residual = (f"{found[name] / PPM_PER_PERCENT:{form}} %" for name, form in FORMS)
    return f"{slope} per step, residual {residual}, {found['date']} by {found['author']}"


FORMS = (("slope_ppm", "+.3f"), ("residual_ppm", ".3f"))


def pressure_words(found: dict[str, Any] | None) -> str:
    """The pressure's in words."""
    if not found:
        return "nominal: not calibrated"
    span = f"{found['span_ppm'] / PPM_PER_PERCENT:+.3f} %"
    return f"zero {found['zero_pa']} Pa, span {span}, {found['date']} by {found['author']}"
