"""Force on the plunger to pressure: against exact arithmetic, at the converter's stops, and without conversions."""

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.boards import board_data
from pump.core.load_cell import BROKEN_PA, HIGHEST, LOWEST, OVERLOADED_PA, SCALE, SILENT_TICKS, LoadCell
from pump.core.syringes import BORE_UM, SYRINGES
from pump.core.wire import CALIBRATION

BOARD = board_data()
SMALL_INT = 1 << 30
BORES = st.sampled_from([row[BORE_UM] for row in SYRINGES.values()])


CALIBRATIONS = st.tuples(*(st.integers(*CALIBRATION[name][:2]) for name in ("zero_pa", "span_ppm")))


class Converter:
    next: int | None = 0

    def count(self) -> int | None:
        return self.next


def cell(converter: Converter, bore_um: int, zero: int = 0) -> LoadCell:
    return LoadCell(converter, zero, BOARD.LOAD_UN_PER_64_COUNTS, bore_um)


def test_the_figure_is_that_of_cell_and_converter() -> None:
    """10 kg at 1 mV/V of the bridge's supply; HX711 datasheet, Key Electrical Characteristics: 2^23 counts to
    0.5 AVDD / gain, and AVDD supplies the bridge."""
    counts_of_10_kg = Fraction(1, 1000) / (Fraction(1, 2) / 128) * 2**23
    assert round(Fraction(98_066_500) * SCALE / counts_of_10_kg) == BOARD.LOAD_UN_PER_64_COUNTS


@given(BORES, CALIBRATIONS, st.integers(-300_000, 2_000_000))
def test_a_calibration_is_a_force_whatever_syringe_is_declared_later(
    bore_um: int, calibration: tuple[int, int], count: int
) -> None:
    """The zero, of the bore that the cell was made with, is as many newtons with every other."""
    zero_pa, span_ppm = calibration
    converter = Converter()
    load = cell(converter, BOARD.LOAD_BORE_UM)
    nominal = cell(converter, BOARD.LOAD_BORE_UM)
    load.fitted(bore_um)
    nominal.fitted(bore_um)
    load.correct(zero_pa, span_ppm)
    converter.next = count
    pa, uncorrected_pa = load.pascal(), nominal.pascal()
    if abs(uncorrected_pa) == 1 << 28 or abs(pa) == 1 << 28:
        return
    area = (BOARD.LOAD_BORE_UM / bore_um) ** 2
    right = (uncorrected_pa - zero_pa * area) * (1 + span_ppm / 1e6)
    unit_pa = BOARD.LOAD_UN_PER_64_COUNTS / 1e6 / (math.pi / 4 * (bore_um / 1e6) ** 2)
    assert abs(pa - right) <= 3 * unit_pa + 3 + abs(right) * 2e-3 + abs(zero_pa) * area * 2e-3


@given(BORES, st.integers(-2_000_000, 2_000_000), st.integers(-50_000, 50_000))
def test_pressure_is_force_by_area(bore_um: int, count: int, zero: int) -> None:
    converter = Converter()
    load = cell(converter, 1000, zero)
    load.fitted(bore_um)
    converter.next = count
    pa = load.pascal()
    newtons = Fraction(count - zero, SCALE) * BOARD.LOAD_UN_PER_64_COUNTS / 10**6
    right = float(newtons) / (math.pi / 4 * (bore_um / 1e6) ** 2)
    if abs(pa) == 1 << 28:
        assert abs(right) > 500_000, "beyond what any band allows"
    else:
        unit_pa = BOARD.LOAD_UN_PER_64_COUNTS / 1e6 / (math.pi / 4 * (bore_um / 1e6) ** 2)
        assert abs(pa - right) <= unit_pa + 1 + abs(right) * 4e-4


@given(BORES, st.integers(LOWEST, HIGHEST))
def test_the_tick_has_small_integers_only(bore_um: int, count: int) -> None:
    load = cell(Converter(), bore_um)
    units = count // SCALE
    if abs(units) <= load._most:
        assert abs(units * load._mpa) < SMALL_INT


@pytest.mark.requirement("SR-DIAG-13")
@pytest.mark.parametrize(
    ("count", "pa"),
    [(HIGHEST, OVERLOADED_PA), (HIGHEST - 1, OVERLOADED_PA), (LOWEST, BROKEN_PA), (LOWEST + 1, BROKEN_PA)],
)
def test_a_converter_at_its_stop_is_no_pressure(count: int, pa: int) -> None:
    converter = Converter()
    load = cell(converter, 26590)
    converter.next = count
    assert load.pascal() == pa
    assert not BOARD.PRESSURE_BAND_PA[0] <= pa <= BOARD.PRESSURE_BAND_PA[1]
    converter.next = 64
    assert load.pascal() == 5, "and over with the next good one"


@pytest.mark.requirement("SR-DIAG-13")
def test_a_converter_that_is_silent_is_no_pressure_either() -> None:
    converter = Converter()
    load = cell(converter, 26590)
    converter.next = 6400
    pa = load.pascal()
    converter.next = None
    assert [load.pascal() for _ in range(SILENT_TICKS)] == [pa] * SILENT_TICKS, "a conversion may come between ticks"
    assert load.pascal() == BROKEN_PA
    converter.next = 6400
    assert load.pascal() == pa
