"""Plasma concentrations that published models of ketamine predict for a plan. A preview: nothing is judged by it.

Every model is a linear one, with a central compartment that the drug enters and leaves and one or two others that
exchange with it. Its response to a dose is then a sum of two or three exponentials, found from the eigenvalues of a
symmetric matrix; for rates that are constant or change linearly the answer is exact, and no step size is chosen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pump.core.units import S_PER_H
from titrate.plan import Plan

Array = NDArray[np.float64]

DRUGS = ("ketamine", "esketamine")

REFERENCE_KG = 70.0
MIN_PER_H = 60
POINTS = 1500
NG_PER_UG = 1000


@dataclass(frozen=True)
class Compartments:
    """Volume of the central one in L, clearance in L/h, and (volume in L, exchange in L/h) of each other one."""

    v1_l: float
    cl_l_h: float
    others: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Model:
    """One published model. of: racemic or S; body: its compartments for a weight in kg."""

    name: str
    of: str
    citation: str
    body: Callable[[float], Compartments]


def _from_rate_constants(
    v1_l_kg: float, k10_min: float, *pairs: tuple[float, float]
) -> Callable[[float], Compartments]:
    """Volumes in proportion to weight; pairs of rate constants in 1/min, out of the central compartment and back."""

    def body(weight_kg: float) -> Compartments:
        v1_l = v1_l_kg * weight_kg
        others = tuple((v1_l * out / back, v1_l * out * MIN_PER_H) for out, back in pairs)
        return Compartments(v1_l, v1_l * k10_min * MIN_PER_H, others)

    return body


def _kamp(weight_kg: float) -> Compartments:
    scale = weight_kg / REFERENCE_KG
    return Compartments(25 * scale, 84 * scale, ((56 * scale, 161 * scale), (157 * scale, 79 * scale)))


def _fanta(weight_kg: float) -> Compartments:
    scale = weight_kg / REFERENCE_KG
    return Compartments(133 * scale, 95.2 * scale**0.75, ((187, 23.2), (98.8, 157)))


def _simons(weight_kg: float) -> Compartments:
    return Compartments(11.6, 1.48 * MIN_PER_H, ((39, 2.43 * MIN_PER_H), (174, 1.21 * MIN_PER_H)))


MODELS = (
    Model(
        "Domino 1982",
        "racemic",
        "Domino EF et al., Anesth Analg 1982, 61:87-92; and Clin Pharmacol Ther 1984, 36:645-653",
        _from_rate_constants(0.063, 0.438, (0.592, 0.247), (0.590, 0.0146)),
    ),
    Model(
        "Clements 1981",
        "racemic",
        "Clements JA, Nimmo WS, Br J Anaesth 1981, 53:27-30, doi:10.1093/bja/53.1.27, the subjects given 250 ug/kg; "
        "also quoted as of 1982",
        _from_rate_constants(1.752, 0.0109, (0.0186, 0.0137)),
    ),
    Model(
        "Hijazi 2003",
        "racemic",
        "Hijazi Y et al., Br J Anaesth 2003, 90:155-160, doi:10.1093/bja/aeg028, intensive care",
        _from_rate_constants(1.08, 0.0333, (0.0088, 0.0030)),
    ),
    Model(
        "Kamp 2020",
        "racemic",
        "Kamp J et al., Anesthesiology 2020, 133:1192-1213, doi:10.1097/ALN.0000000000003577",
        _kamp,
    ),
    Model(
        "Fanta 2015",
        "S",
        "Fanta S et al., Eur J Clin Pharmacol 2015, 71:441-447, doi:10.1007/s00228-015-1826-y, venous blood; judged "
        "by Otto ME et al., Eur J Clin Pharmacol 2021, 77:1181-1192, doi:10.1007/s00228-021-03104-1",
        _fanta,
    ),
    Model(
        "Simons 2022",
        "S",
        "Simons P et al., Front Pain Res 2022, 3:946486, doi:10.3389/fpain.2022.946486, arterial blood; not "
        "scaled by weight",
        _simons,
    ),
)


@dataclass(frozen=True)
class Preview:
    """time_s: plan times, beyond its end as well. ng_ml: by model, what it predicts at each."""

    time_s: Array
    ng_ml: dict[str, Array]

    @property
    def lowest(self) -> Array:
        """The least of the models at each time."""
        least: Array = np.min(list(self.ng_ml.values()), axis=0)
        return least

    @property
    def highest(self) -> Array:
        """The most of them."""
        most: Array = np.max(list(self.ng_ml.values()), axis=0)
        return most

    @property
    def peaks_ng_ml(self) -> dict[str, float]:
        """The highest value of each model."""
        return {name: float(values.max()) for name, values in self.ng_ml.items()}


def preview(plan: Plan) -> Preview | None:
    """What every model predicts for a plan and a while after it; None for a drug of which no model is here."""
    if plan.drug.lower() not in DRUGS:
        return None
    bounds_s = [float(phase.end_s) for phase in plan.phases]
    end_s = bounds_s[-1] + tail_s(plan)
    time_s = np.union1d(np.linspace(0, end_s, POINTS), bounds_s)
    return Preview(time_s, {model.name: concentration_ng_ml(model, plan, time_s) for model in MODELS})


def tail_s(plan: Plan) -> float:
    """How long after its end a plan is looked at: a tenth of it, but an hour to a day."""
    return min(max(float(plan.duration_s) / 10, S_PER_H), 24.0 * S_PER_H)


def concentration_ng_ml(model: Model, plan: Plan, time_s: Array) -> Array:
    """What a model predicts at plan times, with nothing in the body before 0. Exact but for rounding."""
    body = model.body(float(plan.weight_kg))
    weights, rates_h = response(body)
    mg_h = float(plan.concentration_mg_ml)
    begins_h = np.array([float(phase.begin_s) for phase in plan.phases] + [float(plan.duration_s)]) / S_PER_H
    inputs_mg_h = np.array([float(phase.begin_ml_h) for phase in plan.phases] + [0.0]) * mg_h
    ends_mg_h = np.array([float(phase.end_ml_h) for phase in plan.phases] + [0.0]) * mg_h
    lengths_h = np.append(np.diff(begins_h), 1.0)
    slopes = (ends_mg_h - inputs_mg_h) / lengths_h

    held_mg = np.zeros((len(begins_h), len(rates_h)))  # what each exponential holds at the begin of each phase
    for index in range(len(begins_h) - 1):
        held_mg[index + 1] = _ahead(held_mg[index], inputs_mg_h[index], slopes[index], rates_h, lengths_h[index])
    time_h = np.asarray(time_s, dtype=np.float64) / S_PER_H
    at = np.clip(np.searchsorted(begins_h, time_h, side="right") - 1, 0, len(begins_h) - 1)
    elapsed_h = np.maximum(time_h - begins_h[at], 0)[:, None]
    held = _ahead(held_mg[at], inputs_mg_h[at][:, None], slopes[at][:, None], rates_h, elapsed_h)
    found: Array = held @ weights / body.v1_l * NG_PER_UG  # mg/L is ug/mL
    return found


def response(body: Compartments) -> tuple[Array, Array]:
    """(weights, rates in 1/h): after a dose of 1 into the central compartment it holds sum(weights exp(rates t)).

    The matrix of exchange becomes symmetric when each compartment is measured in the right unit, so its eigenvalues
    are real, and the weights are the squares of the central parts of its eigenvectors.
    """
    size = len(body.others) + 1
    matrix = np.zeros((size, size))
    matrix[0, 0] = -body.cl_l_h / body.v1_l
    for place, (volume_l, exchange_l_h) in enumerate(body.others, start=1):
        matrix[0, 0] -= exchange_l_h / body.v1_l
        matrix[place, place] = -exchange_l_h / volume_l
        matrix[0, place] = matrix[place, 0] = exchange_l_h / np.sqrt(body.v1_l * volume_l)
    rates_h, vectors = np.linalg.eigh(matrix)
    return vectors[0] ** 2, rates_h


def _ahead(held: Array, input_mg_h: Array, slope: Array, rates_h: Array, time_h: Array) -> Array:
    """y of y' = rate y + input + slope t, a time after it was `held`."""
    power = rates_h * time_h
    grown = np.expm1(power)
    after: Array = held * (grown + 1) + input_mg_h * grown / rates_h + slope * (grown - power) / rates_h**2
    return after
