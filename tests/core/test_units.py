"""Every number that comes in names its unit in its key, and volumes go by the nanolitre: no other spelling is taken."""

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pump.core import library, wire
from pump.core.law import Law
from pump.core.memory import is_settings
from pump.core.program import Program, Refusal
from pump.core.session import checked
from pump.core.syringes import SYRINGES, step_volume_pl
from tests.core.entries import entry
from tests.programs import SYRINGE, header

UNIT = re.compile(r"(^|_)(nl|nl_h|pl_h|ms|s|h|hz|pa|ppm|g|ng_ml|ng_kg|ng_kg_h)$")
PURE = {  # numbers that count or choose, and have no unit
    *("first", "index", "count", "after", "lights", "phases", "attended", "version", "bolus_count"),
    *("occlusion_level", "near_empty_level", "library_required"),
}
OTHER_UNITS = ("", "_ml", "_ml_h", "_min", "_mg")
NL_PER_ML = 10**6
STEP = step_volume_pl(SYRINGE, 2000, 3200)
STEP_NL = STEP[0] / STEP[1] / 1000


def whole_numbers() -> set[str]:
    """The keys of all numbers that a host or a stored file can bring in."""
    found = {name for _, params, _ in wire.METHODS.values() for name, kind in params.items() if kind is int}
    for table in (wire.PROGRAM, library.ENTRY):
        found |= {name for name, (kind, *_) in table.items() if kind is int}
    return found | set(wire.SETTINGS) | set(wire.CALIBRATION)


def respelt(name: str) -> list[str]:
    """A key without its unit, and with another one."""
    stem = UNIT.sub("", name)
    return [stem + unit for unit in OTHER_UNITS if stem + unit != name]


def spelt_wrongly(fields: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """The value under another key, or under both, or in words."""
    found = []
    for other in respelt(name):
        both = fields | {other: fields[name]}
        found += [both, {key: value for key, value in both.items() if key != name}]
    return [*found, fields | {name: f"{fields[name]} {name.rpartition('_')[2]}"}]


WITH_UNIT = sorted(name for name in whole_numbers() if UNIT.search(name))


@pytest.mark.requirement("SR-RATE-09")
def test_every_number_that_comes_in_has_its_unit_in_its_key() -> None:
    assert whole_numbers() - set(WITH_UNIT) == PURE
    assert {"volume_nl", "fill_nl", "duration_ms", "rate_pl_h", "basal_nl_h"} <= set(WITH_UNIT)


@pytest.mark.requirement("SR-RATE-09")
@pytest.mark.parametrize("name", [name for name in WITH_UNIT if name in wire.PROGRAM])
def test_a_program_whose_header_lacks_a_unit_or_has_another_is_refused(name: str) -> None:
    good = header([])
    good |= {"phases": 1}
    Program(good)
    for fields in spelt_wrongly(good, name):
        with pytest.raises(Refusal) as refused:
            Program(fields)
        assert refused.value.code == wire.WRONG_PARAMETERS


@pytest.mark.requirement("SR-RATE-09")
@pytest.mark.parametrize("method", ["syringe", "refill", "bolus", "adjust", "mute", "clock", "calibrate"])
def test_a_request_whose_parameter_lacks_a_unit_or_has_another_is_refused(method: str) -> None:
    samples: dict[type, Any] = {str: "x", int: 1, list: []}
    good = {name: samples[kind] for name, kind in wire.METHODS[method][1].items()}
    assert checked({"id": 0, "method": method, "params": good}) is None
    for name in [name for name in good if UNIT.search(name)]:
        for params in spelt_wrongly(good, name):
            found = checked({"id": 0, "method": method, "params": params})
            assert found is not None
            assert found[0] == wire.WRONG_PARAMETERS


@pytest.mark.requirement("SR-RATE-09")
@pytest.mark.parametrize("name", [name for name in WITH_UNIT if name in library.ENTRY])
def test_an_entry_of_the_library_that_lacks_a_unit_or_has_another_is_refused(name: str) -> None:
    for fields in spelt_wrongly(entry(), name):
        assert library.fault(fields) is not None


@pytest.mark.requirement("SR-RATE-09")
def test_settings_that_lack_a_unit_or_have_another_are_refused() -> None:
    good = {name: default for name, (_, _, default, _) in wire.SETTINGS.items()}
    assert is_settings(good)
    for fields in spelt_wrongly(good, "auto_off_h"):
        assert not is_settings(fields)


def delivered_steps(volume_nl: int) -> int:
    """Of a phase that the pump lets in, an hour long, and as long again where that would be too fast."""
    hours = -(-volume_nl // (1200 * NL_PER_ML))
    rate_pl_h = volume_nl * 1000 // hours
    rows = [["infuse", 3_600_000 * hours, rate_pl_h, rate_pl_h]]
    program = Program(header(rows))
    program.fastest_pl_h = 1200 * 10**9
    program.add(0, rows)
    assert program.phases == rows
    law = Law(program.phases, STEP)
    return law.steps_due(law.end)


@pytest.mark.requirement("SR-DOSE-02")
@pytest.mark.parametrize(
    ("volume_ml", "grid_ml"),
    [(0.1, 0.1), (0.9, 0.1), (100, 10), (990, 10), (1, 1), (99, 1), (1000, 100), (9900, 100)],
)
def test_a_target_volume_one_grid_unit_further_is_taken_and_delivered(volume_ml: float, grid_ml: float) -> None:
    """At both ends of each stretch for which a volume class asks a grid."""
    volume_nl, grid_nl = round(volume_ml * NL_PER_ML), round(grid_ml * NL_PER_ML)
    further = delivered_steps(volume_nl + grid_nl) - delivered_steps(volume_nl)
    assert further * STEP_NL == pytest.approx(grid_nl, abs=STEP_NL)


@pytest.mark.requirement("SR-DOSE-02")
@settings(max_examples=60)
@given(st.integers(1, 1000 * NL_PER_ML))
def test_any_whole_number_of_nanolitres_is_a_target_volume(volume_nl: int) -> None:
    assert delivered_steps(volume_nl) == volume_nl * 1000 * STEP[1] // STEP[0]
    assert Program(header([["pause", 1, 0, 0]], bolus_nl=min(volume_nl, 10**8))).header["bolus_nl"] > 0
    fill_nl = min(volume_nl, SYRINGES[SYRINGE][3])
    assert Program(header([["pause", 1, 0, 0]], fill_nl=fill_nl)).header["fill_nl"] == fill_nl
