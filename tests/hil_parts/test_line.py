"""The exact step between events against fine steps, and the ledgers of volume and energy."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.plant.elasticity import Elasticity
from hil.plant.fluid import density_g_ml, viscosity_mpa_s
from hil.plant.line import Line, LineData
from tests.hil_parts.fine_steps import Slow


class Standing:
    """A plunger that nothing moves."""

    def window_kpa(self) -> tuple[float, float]:
        return -math.inf, math.inf

    def give_way(self, direction: int) -> None:
        raise AssertionError("it stands")


def slow_twin(line: Line, gas_ul: float = 0.0) -> Slow:
    return Slow(line.data.compliance_ul_kpa, line.data.resistance_kpa_s_ul, gas=gas_ul, pressure=line.pressure_kpa)


@pytest.mark.parametrize("gas_ul", [0.0, 60.0, 2000.0])
@pytest.mark.parametrize("back_kpa", [0.0, 13.33, -13.33])
def test_an_exact_step_equals_fine_steps(gas_ul: float, back_kpa: float) -> None:
    line = Line(LineData(2.0, 0.5))
    slow = slow_twin(line, gas_ul)
    if gas_ul:
        line.add_bubble(0, gas_ul, to_end_ul=1e9)
    line.displace(0, 80)
    slow.push(80)
    line.set_back_pressure(0, back_kpa)
    slow.outside = back_kpa
    for seconds, volume_ul in ((0.7, 30), (2.5, -20), (11, 5)):
        line.advance(line.at_us + round(seconds * 1e6))
        slow.run(seconds, 0.001)
        assert line.pressure_kpa == pytest.approx(slow.pressure, rel=1e-6, abs=1e-9)
        assert line.delivered_ul == pytest.approx(slow.delivered, rel=1e-6)
        line.displace(line.at_us, volume_ul)
        slow.push(volume_ul)


@pytest.mark.parametrize("clamped", [False, True])
@pytest.mark.parametrize("back_kpa", [0.0, 13.33, -13.33])
def test_a_leaking_fitting_equals_fine_steps(back_kpa: float, clamped: bool) -> None:
    """By the shortcut without a plunger, and by the way that looks for events."""
    for plunger in (None, Standing()):
        line = Line(LineData(2.0, 0.5, fitting_kpa_s_ul=3.0))
        line.plunger = plunger
        slow = Slow(2.0, math.inf if clamped else 0.5, leak=3.0)
        line.clamp(0, clamped)
        line.set_back_pressure(0, back_kpa)
        slow.outside = back_kpa
        for seconds, volume_ul in ((0.7, 110), (2.5, -20), (11, 5)):
            line.displace(line.at_us, volume_ul)
            slow.push(volume_ul)
            line.advance(line.at_us + round(seconds * 1e6))
            slow.run(seconds, 0.001)
            assert line.pressure_kpa == pytest.approx(slow.pressure, rel=1e-6, abs=1e-9)
            assert line.delivered_ul == pytest.approx(slow.delivered, rel=1e-6, abs=1e-9)
            assert line.spilled_ul == pytest.approx(slow.spilled, rel=1e-6, abs=1e-9)


def test_one_long_step_equals_many_short_ones() -> None:
    lines = [Line(LineData(3.0, 0.4)), Line(LineData(3.0, 0.4))]
    for line in lines:
        line.add_bubble(0, 500, to_end_ul=20)
        line.displace(0, 800)
    lines[0].advance(9_000_000)
    for at_us in range(0, 9_000_001, 1000):
        lines[1].advance(at_us)
    assert lines[0].air_ul == lines[1].air_ul == 0
    assert lines[0].delivered_ul == pytest.approx(lines[1].delivered_ul, rel=1e-9)
    assert lines[0].pressure_kpa == pytest.approx(lines[1].pressure_kpa, rel=1e-9)


@pytest.mark.parametrize("fitting_kpa_s_ul", [math.inf, 20.0])
@given(
    events=st.lists(
        st.one_of(
            st.tuples(st.just("displace"), st.floats(-20, 200)),
            st.tuples(st.just("back pressure"), st.floats(-13.33, 13.33)),
            st.tuples(st.just("clamp"), st.sampled_from([math.inf, 50.0, 0.5])),
            st.tuples(st.just("open"), st.none()),
            st.tuples(st.just("bubble"), st.floats(1, 500)),
            st.tuples(st.just("celsius"), st.floats(5, 40)),
            st.tuples(st.just("off"), st.none()),
        ),
        max_size=20,
    ),
    gap_us=st.integers(0, 5_000_000),
)
def test_no_volume_is_lost_or_made(fitting_kpa_s_ul: float, events: list, gap_us: int) -> None:
    line = Line(LineData(4.0, 0.3, fitting_kpa_s_ul=fitting_kpa_s_ul))
    for at_us, (what, value) in enumerate(events):
        at_us *= gap_us
        if what == "displace" and line.pressure_kpa + value / 4 > -50:
            line.displace(at_us, value)
        elif what == "back pressure":
            line.set_back_pressure(at_us, value)
        elif what in ("clamp", "open"):
            line.clamp(at_us, what == "clamp", value)
        elif what == "bubble" and not line.air_ul and fitting_kpa_s_ul == math.inf:
            line.add_bubble(at_us, value, to_end_ul=value / 2)
        elif what == "celsius":
            line.set_temperature(at_us, value, liquid_ul=30_000)
        elif what == "off":
            line.open_inlet(at_us)
        into_ul = line.displaced_ul + line.expanded_ul
        assert into_ul == pytest.approx(line.delivered_ul + line.spilled_ul + line.stored_ul, abs=1e-7)


@pytest.mark.parametrize("gas_ul", [0.0, 300.0])
def test_no_energy_is_lost_or_made(gas_ul: float) -> None:
    line = Line(LineData(2.0, 0.5))
    slow = slow_twin(line, gas_ul)
    if gas_ul:
        line.add_bubble(0, gas_ul, to_end_ul=1e9)
    slow.outside = 6.0
    line.set_back_pressure(0, 6.0)
    work_uj = 0.0
    for _ in range(5):
        line.displace(line.at_us, 25)
        work_uj += slow.push(25)
        line.advance(line.at_us + 700_000)
        slow.run(0.7, 0.001)
    spent_uj = line.stored_uj + slow.lost_uj + 6.0 * line.delivered_ul
    assert work_uj == pytest.approx(spent_uj, rel=1e-6)


def test_a_tight_clamp_holds_and_a_leaking_one_lets_go() -> None:
    tight, leaking = Line(LineData(10, 0.2)), Line(LineData(10, 0.2))
    for line, leak in ((tight, math.inf), (leaking, 1.8)):
        line.clamp(0, True, leak)
        line.displace(0, 300)
        line.advance(20_000_000)
    assert tight.pressure_kpa == 30
    assert leaking.pressure_kpa == pytest.approx(30 * math.exp(-20 / (10 * 2.0)))
    leaking.clamp(20_000_000, False)
    leaking.advance(60_000_000)
    assert leaking.delivered_ul == pytest.approx(300, rel=1e-6)


def test_what_leaks_past_a_fitting_is_not_delivered() -> None:
    line = Line(LineData(10, 0.2, fitting_kpa_s_ul=200))
    line.clamp(0, True)
    line.displace(0, 650)
    line.advance(120_000_000)
    assert line.pressure_kpa == pytest.approx(65 * math.exp(-120 / (10 * 200)))
    assert line.spilled_ul == pytest.approx(10 * (65 - line.pressure_kpa))
    assert line.delivered_ul == 0
    line.clamp(120_000_000, False)
    line.advance(600_000_000)
    assert line.delivered_ul + line.spilled_ul == pytest.approx(650)
    assert line.delivered_ul == pytest.approx(10 * 65 * math.exp(-0.06) * 200 / 200.2)


def test_a_line_that_leaks_takes_no_bubble() -> None:
    with pytest.raises(ValueError, match="leaks"):
        Line(LineData(fitting_kpa_s_ul=200)).add_bubble(0, 60, to_end_ul=1e9)


def test_a_back_pressure_step_draws_back_what_it_compresses() -> None:
    line = Line(LineData(10, 0.2))
    line.set_back_pressure(0, 13.33)
    line.advance(60_000_000)
    assert line.delivered_ul == pytest.approx(-133.3)
    line.set_back_pressure(60_000_000, 0)
    line.advance(120_000_000)
    assert line.delivered_ul == pytest.approx(0, abs=1e-9)


def test_a_bubble_is_a_spring_until_it_leaves_and_is_not_liquid() -> None:
    line = Line(LineData(1.0, 0.1))
    line.add_bubble(0, 1000, to_end_ul=50)
    line.clamp(0, True)
    line.displace(0, 50)
    assert line.pressure_kpa < 5  # without the bubble it would be 50
    line.clamp(0, False)
    for at_us in range(0, 400_000_000, 100_000):
        line.displace(at_us, 1)
    assert line.air_ul == 0
    line.advance(500_000_000)
    assert line.delivered_ul == pytest.approx(4050 - 1000, abs=1)  # the gas has gone out in place of liquid


def test_a_line_that_stays_off_spills_what_is_pushed() -> None:
    line = Line()
    line.displace(0, 100)
    line.open_inlet(0, stays=True)
    line.displace(1_000_000, 40)
    assert (line.spilled_ul, line.pressure_kpa) == (140, 0)
    line.close_inlet(2_000_000)
    line.displace(2_000_000, 10)
    assert line.pressure_kpa == 1.0


def test_warm_water_is_thin_and_grows() -> None:
    assert viscosity_mpa_s(20) == pytest.approx(1.002, rel=0.01)
    assert viscosity_mpa_s(37) == pytest.approx(0.691, rel=0.02)
    assert density_g_ml(20) == pytest.approx(0.99820, abs=1e-5)
    assert density_g_ml(4) == pytest.approx(0.99997, abs=1e-5)
    line = Line()
    line.set_temperature(0, 30, liquid_ul=50_000)
    line.advance(100_000_000)
    assert line.delivered_ul == pytest.approx(50_000 * 2.57e-3, rel=0.02)  # 0.257 % from 20 to 30 Celsius


@given(st.floats(-40, 300), st.floats(-30, 400), st.floats(0, 3000))
def test_pressure_and_volume_are_inverse(kpa: float, volume_ul: float, gas_ul: float) -> None:
    elasticity = Elasticity(5.0, gas_ul)
    assert elasticity.taken_ul(kpa, elasticity.pressure_with_kpa(kpa, volume_ul)) == pytest.approx(volume_ul, abs=1e-8)
