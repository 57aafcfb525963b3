"""The preview's models against figures that were computed elsewhere, and against plain integration."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from titrate import Protocol, plasma
from titrate.plan import Plan
from titrate.plasma import MODELS, Compartments, Model, concentration_ng_ml, preview, response
from titrate.reading import parse

BY_NAME = {model.name: model for model in MODELS}
TOP = '[protocol]\nname = "p"\ntitle = "P"\n[drug]\nname = "ketamine"\nconcentration = "1 mg/mL"\n'

# ug/mL after 1.2 mg/kg/h for 72 h at 70 kg, and at steady state for 1 mg/kg/h
HELD = {
    "Kamp 2020": (1.00, 0.83),
    "Clements 1981": (1.05, 0.87),
    "Simons 2022": (0.95, 0.79),
    "Fanta 2015": (0.88, 0.74),
    "Domino 1982": (0.72, 0.60),
    "Hijazi 2003": (None, 0.46),
}
# peaks in ng/mL: Domino, Kamp, Fanta
PEAKS = {"schwartzman-2009": (182, 220, 185), "dahan-2011": (173, 238, 208), "goldberg-2010": (345, 476, 420)}


def planned(phases: str, weight: str = "70 kg") -> Plan:
    return parse(TOP + phases).plan(weight)


def test_every_model_names_its_publication() -> None:
    assert len(MODELS) >= 3
    assert set(BY_NAME) == set(HELD)
    assert all(model.citation and model.of in ("racemic", "S") for model in MODELS)


@pytest.mark.parametrize("name", HELD)
def test_a_long_infusion_comes_to_the_published_level(name: str) -> None:
    held_ug_ml, steady_ug_ml = HELD[name]
    plan = planned('[[phase]]\ninfuse = "1.2 mg/kg/h"\nfor = "72 h"\n')
    if held_ug_ml:
        found = concentration_ng_ml(BY_NAME[name], plan, np.array([72.0 * 3600]))
        assert found[0] / 1000 == pytest.approx(held_ug_ml, rel=0.02)
    body = BY_NAME[name].body(70)
    assert 70 / body.cl_l_h == pytest.approx(steady_ug_ml, rel=0.02)


@pytest.mark.parametrize("name", PEAKS)
def test_the_peaks_of_the_packaged_regimens(name: str) -> None:
    found = preview(Protocol.read(name).plan("70 kg"))
    assert found
    peaks = [found.peaks_ng_ml[model] for model in ("Domino 1982", "Kamp 2020", "Fanta 2015")]
    assert peaks == pytest.approx(PEAKS[name], rel=0.02)


def test_a_bolus_alone_is_the_sum_of_exponentials() -> None:
    plan = planned('[[phase]]\nbolus = "70 mg"\nover = "1 s"\n')
    time_s = np.array([600.0, 3600.0, 36000.0])
    for model in MODELS:
        body = model.body(70)
        weights, rates_h = response(body)
        assert weights.sum() == pytest.approx(1)
        assert (rates_h < 0).all()
        expected = 70 / body.v1_l * 1000 * (weights * np.exp(rates_h * (time_s[:, None] - 0.5) / 3600)).sum(axis=1)
        assert concentration_ng_ml(model, plan, time_s) == pytest.approx(expected, rel=1e-3)


def integrated(body: Compartments, plan: Plan, time_s: np.ndarray) -> np.ndarray:
    """By small steps of Runge and Kutta: another way to the same numbers."""

    def change(amounts: np.ndarray, mg_h: float) -> np.ndarray:
        found = np.zeros_like(amounts)
        found[0] = mg_h - body.cl_l_h / body.v1_l * amounts[0]
        for place, (volume_l, exchange_l_h) in enumerate(body.others, start=1):
            flow = exchange_l_h * (amounts[0] / body.v1_l - amounts[place] / volume_l)
            found[0] -= flow
            found[place] += flow
        return found

    def rate(at_s: float) -> float:
        index = next((i for i, phase in enumerate(plan.phases) if at_s < phase.end_s), None)
        if index is None:
            return 0.0
        phase = plan.phases[index]
        part = (at_s - float(phase.begin_s)) / float(phase.end_s - phase.begin_s)
        ml_h = float(phase.begin_ml_h) + part * float(phase.end_ml_h - phase.begin_ml_h)
        return ml_h * float(plan.concentration_mg_ml)

    amounts = np.zeros(len(body.others) + 1)
    found = [0.0]
    for begin_s, end_s in pairwise(time_s):
        steps = max(int(np.ceil((end_s - begin_s) / 10)), 1)
        step_s = (end_s - begin_s) / steps
        for step in range(steps):
            at_s = begin_s + step * step_s
            early, middle, late = rate(at_s + 1e-6), rate(at_s + step_s / 2), rate(at_s + step_s - 1e-6)
            h = step_s / 3600
            k1 = change(amounts, early)
            k2 = change(amounts + h / 2 * k1, middle)
            k3 = change(amounts + h / 2 * k2, middle)
            k4 = change(amounts + h * k3, late)
            amounts = amounts + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        found.append(amounts[0] / body.v1_l * 1000)
    return np.array(found)


@pytest.mark.parametrize("model", MODELS, ids=[model.name for model in MODELS])
def test_the_exact_answer_is_what_small_steps_come_to(model: Model) -> None:
    plan = planned(
        '[[phase]]\nbolus = "5 mg"\nover = "5 min"\n[[phase]]\npause = "10 min"\n'
        '[[phase]]\nramp = { from = "0 mg/h", to = "30 mg/h" }\nfor = "20 min"\n'
        '[[phase]]\ninfuse = "30 mg/h"\nfor = "30 min"\n'
        '[[phase]]\nramp = { from = "30 mg/h", to = "5 mg/h" }\nfor = "10 min"\n'
    )
    time_s = np.unique([*np.arange(0, 6000, 300), *(float(phase.end_s) for phase in plan.phases)])
    exact = concentration_ng_ml(model, plan, time_s)
    assert exact == pytest.approx(integrated(model.body(70), plan, time_s), rel=1e-4, abs=1e-6)


@given(st.sampled_from(MODELS), st.integers(1, 300), st.floats(0.5, 3))
def test_half_the_dose_is_half_the_concentration_and_nothing_is_negative(
    model: Model, weight_kg: int, factor: float
) -> None:
    phases = '[[phase]]\nrepeat = 3\nevery = "24 h"\n[[phase.phase]]\ninfuse = "{} mg/kg/h"\nfor = "4 h"\n'
    whole, half = (planned(phases.format(rate), f"{weight_kg} kg") for rate in ("0.4", "0.2"))
    time_s = np.linspace(0, 100, 200) ** factor
    found = concentration_ng_ml(model, whole, time_s)
    assert (found >= -1e-9).all()
    assert found == pytest.approx(2 * concentration_ng_ml(model, half, time_s), rel=1e-9, abs=1e-12)


def test_the_band_holds_every_model() -> None:
    found = preview(Protocol.read("kiefer-2008-anesthetic").plan("70 kg"))
    assert found
    for values in found.ng_ml.values():
        assert (found.lowest <= values).all()
        assert (values <= found.highest).all()
    assert (found.highest / np.maximum(found.lowest, 1e-9)).max() > 1.5


def test_a_drug_without_models_has_no_preview() -> None:
    assert (
        preview(
            parse(TOP.replace('"ketamine"', '"saline"') + '[[phase]]\ninfuse = "1 mg/h"\nfor = "1 h"\n').plan("1 kg")
        )
        is None
    )
    assert plasma.preview(planned('[[phase]]\ninfuse = "1 mg/h"\nfor = "1 h"\n')) is not None
