"""The measurements against a vector worked out elsewhere, and against series whose answer is plain."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.boluses import bolus_errors, volumes_ml
from hil.delivery import ending, latency_s, occlusion, rate_ml_h
from hil.figures import Figure
from hil.flow import (
    WINDOWS_MIN,
    evaporation_g_h,
    evenly,
    flow_ml_h,
    mean_error_percent,
    second_hour,
    spread_percent,
    start_up,
    trumpet,
)

SINE = [5 * (1 + 0.03 * math.sin(2 * math.pi * 0.5 * i / 4)) for i in range(120)]


def test_the_reference_vector_holds_to_three_decimals() -> None:
    curve = trumpet(SINE, 5)
    assert [window for window, _, _ in curve] == [2, 5, 11, 19, 31]
    assert [round(ep, 3) for _, _, ep in curve] == [1.811, 0.512, 0.233, 0.135, 0.083]
    assert [round(-ep, 3) for _, ep, _ in curve] == [1.811, 0.512, 0.233, 0.135, 0.083]
    assert [120 - round(window / 0.5) + 1 for window in WINDOWS_MIN] == [117, 111, 99, 83, 59]
    assert abs(mean_error_percent(SINE, 5)) < 1e-9


@given(
    st.lists(st.floats(0.1, 50), min_size=12, max_size=80),
    st.sampled_from([0.5, 1.0, 2.0]),
    st.integers(1, 6),
)
def test_the_trumpet_is_the_definition_with_every_window(rates: list[float], sample: float, length: int) -> None:
    ((window, low, high),) = trumpet(rates, 3.0, sample, [length * sample])
    means = [
        sample / window * sum(100 * (rate - 3.0) / 3.0 for rate in rates[j : j + length])
        for j in range(len(rates) - length + 1)
    ]
    assert low == pytest.approx(min(means), abs=1e-8)
    assert high == pytest.approx(max(means), abs=1e-8)


@pytest.mark.parametrize("window", [0, 0.7, 61])
def test_a_window_that_does_not_fit_is_refused(window: float) -> None:
    with pytest.raises(ValueError, match="window"):
        trumpet(SINE, 5, windows_min=[window])


def test_weights_become_flow_and_evaporation_is_put_back() -> None:
    minutes = np.arange(0, 120.5, 0.5)
    true_ml_h, lost_g_h = 1.0, 0.04
    weights = 0.998 * true_ml_h * minutes / 60 - lost_g_h * minutes / 60
    flow = flow_ml_h(weights, evaporation_g_h=lost_g_h)
    assert flow.shape == (240,)
    assert flow == pytest.approx(np.ones(240))
    assert mean_error_percent(flow_ml_h(weights), 1.0) == pytest.approx(-4.008, abs=1e-3)
    assert evaporation_g_h(minutes * 60, 12 - lost_g_h * minutes / 60) == pytest.approx(lost_g_h)
    assert second_hour(flow).shape == (120,)
    with pytest.raises(ValueError, match="240 or more"):
        second_hour(flow[:-1])
    with pytest.raises(ValueError, match="finite"):
        flow_ml_h([1.0, math.nan])


def test_uneven_readings_are_put_on_the_grid_and_a_gap_is_refused() -> None:
    times = [0, 9.8, 20.1, 31, 39, 50.2, 60.5]
    assert evenly(times, [2 * t for t in times]) == pytest.approx([0, 60, 120])
    with pytest.raises(ValueError, match="gap of 61 s"):
        evenly([0, 61], [0, 1])


def test_start_up_finds_delay_and_deficit() -> None:
    rates = [0.0] * 10 + [2.0] * 4 + [4.0] * 106
    found = start_up(rates, 4.0)
    assert (found.delay_min, found.to_90_percent_min) == (5.5, 7.5)
    assert found.deficit_ml == pytest.approx((10 * 4 + 4 * 2) / 120)
    assert start_up([0.0, 0.1], 4.0).delay_min is None
    assert spread_percent([1.0, 1.0, 1.0]) == 0


def test_boluses() -> None:
    volumes = [1.0] * 23 + [1.05, 0.9]
    found = bolus_errors(volumes, 1.0)
    assert (found.count, found.most_percent, found.least_percent) == (25, pytest.approx(5), pytest.approx(-10))
    assert found.mean_percent == pytest.approx(-0.2)
    with pytest.raises(ValueError, match="24 boluses"):
        bolus_errors(volumes[1:], 1.0)
    weights = np.arange(4) * 0.998 * (1.0 + 0.5 / 60)
    assert volumes_ml(weights, interval_s=60, basal_ml_h=0.5) == pytest.approx(np.ones(3))


def test_occlusion_figures() -> None:
    time = np.arange(0, 101.0)
    pressure = np.clip((time - 10) * 2, 0, 100)
    delivered = np.where(time < 80, 10.0, 10 + 150 * (1 - np.exp(-(time - 80) / 2)))
    found = occlusion(time, pressure, delivered, closed_s=10, alarm_s=40, opened_s=80, settled_s=100, due_ul=5)
    assert (found.time_s, found.pressure_kpa, found.highest_kpa) == (30, 60, 100)
    assert found.released_ul == pytest.approx(145, abs=0.01)
    with pytest.raises(ValueError, match="order"):
        occlusion(time, pressure, delivered, closed_s=10, alarm_s=90, opened_s=80, settled_s=100)


def test_end_of_infusion_hold_rate_and_latency() -> None:
    time = [0, 3600, 3610, 7200]
    delivered = [0, 990, 1000, 1500]
    assert rate_ml_h(time, delivered, 0, 3600) == pytest.approx(0.99)
    found = ending(time, [*delivered[:3], 1000], set_ul=1010, due_s=3600, alarm_s=3605)
    assert (found.late_s, found.after_ul) == (5, pytest.approx(5))
    assert found.error_percent == pytest.approx(-0.990, abs=1e-3)
    edges = [(1.0, True), (1.2, False), (9.0, True)]
    assert latency_s(0.4, edges) == pytest.approx(0.6)
    assert latency_s(1.1, edges) == 0
    assert latency_s(2.0, edges) == 7.0
    assert latency_s(2.0, edges[:2]) is None


def test_a_figure_says_how_near_its_limit_is() -> None:
    assert [Figure("Ep", value, "%", -5, 5).verdict for value in (0, 3.9, 4.2, -4.9, 5.1, math.nan)] == [
        *["pass"] * 2,
        *["marginal"] * 2,
        *["fail"] * 2,
    ]
    figure = Figure("released bolus", 180, "µL", high=200, simulated=False, target="bench")
    assert (figure.margin, figure.limit, figure.origin, figure.verdict) == (20, "at most 200", "measured", "marginal")
    assert figure.record()["low"] is None
    assert Figure("x", 3, "s").verdict == "no limit"
    with pytest.raises(ValueError, match="above"):
        Figure("x", 3, "s", 2, 1)
