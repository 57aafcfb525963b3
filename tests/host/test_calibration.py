"""The sums of a calibration, against a plant with a known error, tables of water, and what is no calibration."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.boards import board_data
from hil.devices.pressure import Pressure, Sensor
from pump.core.syringes import SYRINGES, step_volume_pl
from pump.core.wire import CALIBRATION
from titrate import calibration
from titrate.calibrating import check_volume
from titrate.errors import DeliveryError, ProtocolError

HELLO = {"lead_um": 2000, "steps_per_turn": 3200}


@given(
    st.floats(-0.05, 0.05),
    st.lists(st.tuples(st.floats(0.5, 10), st.floats(-1, 1)), min_size=2, max_size=8),
    st.floats(0, 0.003),
)
def test_the_error_of_a_plant_comes_back_within_its_scatter(
    error: float, runs: list[tuple[float, float]], scatter: float
) -> None:
    nominal = [ml for ml, _ in runs]
    measured = [ml * (1 + error) * (1 + scatter * part) for ml, part in runs]
    found = calibration.fit(nominal, measured)
    assert abs(found.slope_ppm - error * 1e6) <= scatter * 1e6 * (1 + abs(error)) + 1
    assert found.residual_ppm <= 3 * scatter * 1e6 + 1
    if scatter == 0:
        assert found.residual_ppm == 0


def test_the_residual_is_the_scatter_of_the_runs() -> None:
    found = calibration.fit([5.0] * 4, [5.05, 4.95, 5.05, 4.95])
    assert (found.slope_ppm, found.errors_ppm) == (0, (10_000, -10_000, 10_000, -10_000))
    assert found.residual_ppm == pytest.approx(11_547, abs=1)  # 1 % times the root of 4/3


def test_one_run_is_none() -> None:
    with pytest.raises(ProtocolError, match="at least 2"):
        calibration.fit([5.0], [5.0])
    with pytest.raises(ProtocolError, match="at least 2"):
        check_volume("bd-plastipak-50", Fraction(5), 1)
    with pytest.raises(ProtocolError, match=r"at most 1\.56 for 3 runs"):
        check_volume("bd-plastipak-5", Fraction(2), 3)


@pytest.mark.parametrize(("celsius", "g_ml"), [(10, 0.9997025), (15, 0.9991026), (20, 0.9982067), (25, 0.9970470)])
def test_water_weighs_what_the_tables_say(celsius: float, g_ml: float) -> None:
    assert calibration.density_g_ml(celsius) == pytest.approx(g_ml, abs=3e-7)


def test_a_gram_on_a_balance_at_20_degrees_is_the_volume_of_iso_8655() -> None:
    assert calibration.ml_of(1, calibration.density_g_ml(20)) == pytest.approx(1.0029, abs=1e-4)
    for celsius in (4.9, 40.1, float("nan")):
        with pytest.raises(ProtocolError, match="5 to 40"):
            calibration.density_g_ml(celsius)


@pytest.mark.parametrize("name", sorted(CALIBRATION))
def test_what_the_pump_would_refuse_is_told_with_what_is_plausible(name: str) -> None:
    least, most, _ = CALIBRATION[name]
    calibration.check(name, least, "")
    calibration.check(name, most, "")
    for value in (least - 1, most + 1):
        with pytest.raises(DeliveryError, match=r"not stored.*plausible are.*Look there"):
            calibration.check(name, value, "Look there.")


@given(st.sampled_from(sorted(SYRINGES)), st.integers(1, 10**7))
def test_nominal_is_bore_and_screw_alone(syringe: str, steps: int) -> None:
    exact = steps * Fraction(*step_volume_pl(syringe, 2000, 3200)) / 10**9
    assert calibration.nominal_ml(steps, syringe, HELLO) == pytest.approx(float(exact), rel=1e-12)


@given(st.integers(*CALIBRATION["zero_pa"][:2]), st.integers(*CALIBRATION["span_ppm"][:2]), st.floats(20_000, 200_000))
def test_a_known_pressure_gives_zero_and_span_of_a_sensor(zero_pa: int, span: int, known_pa: float) -> None:
    raw_pa = known_pa * 1e6 / (1e6 + span) + zero_pa
    assert calibration.span_ppm(raw_pa, zero_pa, known_pa) == pytest.approx(span, abs=1)
    told = {"zero_pa": zero_pa, "span_ppm": span}
    assert calibration.uncorrected_pa(known_pa, told) == pytest.approx(raw_pa)
    assert calibration.uncorrected_pa(raw_pa, {}) == raw_pa


@given(
    st.integers(*CALIBRATION["zero_pa"][:2]),
    st.integers(*CALIBRATION["span_ppm"][:2]),
    st.floats(-10, 200),
)
def test_the_pump_corrects_to_a_count_and_a_millipascal(zero_pa: int, span: int, kpa: float) -> None:
    board = board_data("pico")
    sensor = Sensor(lambda: kpa, board.PRESSURE_ZERO, board.PRESSURE_MPA_PER_COUNT)
    pressure = Pressure(sensor, board.PRESSURE_ZERO, board.PRESSURE_MPA_PER_COUNT)
    pressure.correct(zero_pa, span)
    right_pa = (1000 * kpa - zero_pa) * (1 + span / 1e6)
    # two counts of the 12-bit converter, one of 16 bits for the zero, 1 mPa a count for the span
    assert abs(pressure.pascal() - right_pa) <= 240 + 10 + 65_536 / 1000


@pytest.mark.requirement("SR-DIAG-13")
@pytest.mark.parametrize("board", ["pico", "pico2"])
@pytest.mark.parametrize("fault", ["open", "short"])
def test_no_calibration_hides_a_sensor_that_is_open_or_shorted(board: str, fault: str) -> None:
    data = board_data(board)
    sensor = Sensor(lambda: 0.0, data.PRESSURE_ZERO, data.PRESSURE_MPA_PER_COUNT)
    sensor.fault = fault
    pressure = Pressure(sensor, data.PRESSURE_ZERO, data.PRESSURE_MPA_PER_COUNT)
    low, high = data.PRESSURE_BAND_PA
    for zero_pa in CALIBRATION["zero_pa"][:2]:
        for span in CALIBRATION["span_ppm"][:2]:
            pressure.correct(zero_pa, span)
            assert not low <= pressure.pascal() <= high
