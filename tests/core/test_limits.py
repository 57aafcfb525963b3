"""Every limit of an entry holds exactly: moved by one unit, it changes the verdict."""

from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pump.core import library, limits, syringes
from pump.core.ledger import MOST_STEPS
from pump.core.library import ENTRY, FIELDS, SIDES
from tests.core.entries import CONCENTRATION_NG_ML, WEIGHT_G, entry, header

H_MS = 3_600_000
PL_H_PER_NG_KG_H = WEIGHT_G * 1_000_000 // CONCENTRATION_NG_ML  # at which a dose rate is a whole number


def infuse(rate_pl_h: int, duration_ms: int = H_MS, kind: str = "infuse") -> list[list[Any]]:
    return [[kind, duration_ms, rate_pl_h, rate_pl_h]]


Probe = Callable[[dict[str, Any], int], list[Any]]  # findings at a value of exactly so many units


def _program(phases: Callable[[int], list[list[Any]]], **changed: Any) -> Probe:
    return lambda limits_of, units: limits.check_program(limits_of, header(**changed), phases(units))


def _concentration(limits_of: dict[str, Any], units: int) -> list[Any]:
    return limits.check_program(limits_of, header(concentration_ng_ml=units), infuse(10**9))


def _lockout(limits_of: dict[str, Any], units: int) -> list[Any]:
    wanted = header(bolus_nl=1_000_000, bolus_ms=H_MS, bolus_lockout_ms=units)
    return limits.check_program(limits_of, wanted, infuse(10**9))


# stem of a field: (what is delivered at so many units of it, units to try)
PROBES: dict[str, tuple[Probe, int]] = {
    "rate": (_program(lambda units: infuse(units * 1000)), 25_000_000),
    "dose_rate": (_program(lambda units: infuse(units * PL_H_PER_NG_KG_H)), 350_001),
    "loading": (_program(lambda units: infuse(units * PL_H_PER_NG_KG_H, kind="bolus")), 500_001),
    "loading_rate": (_program(lambda units: infuse(units * 1000, kind="bolus")), 84_000_001),
    "dose_1h": (_program(lambda units: infuse(units * PL_H_PER_NG_KG_H, 2 * H_MS)), 350_001),
    "dose_4h": (_program(lambda units: infuse(units * PL_H_PER_NG_KG_H // 4, 5 * H_MS)), 1_400_004),
    "dose_24h": (_program(lambda units: infuse(units * PL_H_PER_NG_KG_H // 24, 30 * H_MS)), 2_400_000),
    "total": (_program(lambda units: infuse(units * 1000)), 7_000_001),
    "longest_phase": (_program(lambda units: infuse(10**9, units)), 24 * H_MS),
    "concentration": (_concentration, 1_000_000),
    "bolus": (lambda limits_of, units: limits.check_bolus(limits_of, units, H_MS), 500_001),
    "bolus_rate": (lambda limits_of, units: limits.check_bolus(limits_of, units // 60, H_MS // 60), 30_000_000),
    "bolus_lockout": (_lockout, 360_000),
}

# field: (its probe, whether it bounds from above, severity)
BOUNDS: dict[str, tuple[str, bool, str]] = {
    "longest_phase_ms": ("longest_phase", True, "hard"),
    "total_low_nl": ("total", False, "hard"),
    "total_high_nl": ("total", True, "hard"),
    "concentration_low_ng_ml": ("concentration", False, "hard"),
    "concentration_high_ng_ml": ("concentration", True, "hard"),
    "bolus_lockout_ms": ("bolus_lockout", False, "hard"),
}
for _stem, _unit, _ in library.LIMITS:
    for _side in SIDES:
        if _side != "typical":
            BOUNDS[f"{_stem}_{_side}_{_unit}"] = (_stem, "high" in _side, _side.partition("_")[0])
for _hours in library.WINDOWS_H:
    for _severity in ("soft", "hard"):
        BOUNDS[f"dose_{_hours}h_{_severity}_ng_kg"] = (f"dose_{_hours}h", True, _severity)


def verdict(field: str, limit: int, units: int) -> list[tuple[str, str]]:
    """(field, severity) of what is found when only this limit can be met, at so many units."""
    found = PROBES[BOUNDS[field][0]][0](
        entry() | {"rate_hard_low_nl_h": 0, "rate_soft_low_nl_h": 0} | {field: limit}, units
    )
    return [(name, severity) for name, severity, *_ in found if name == field]


@pytest.mark.requirement("SR-LIB-04", "SR-LIB-06", "SR-LIB-07", "SR-BOLUS-04")
@pytest.mark.requirement("SR-DOSE-01", "SR-DOSE-03", "SR-DOSE-06", "SR-RATE-06")
@pytest.mark.parametrize("field", sorted(BOUNDS))
def test_every_limit_moved_by_one_unit_changes_the_verdict(field: str) -> None:
    stem, above, severity = BOUNDS[field]
    units = PROBES[stem][1]
    tighter = -1 if above else 1
    assert verdict(field, units, units) == []
    assert verdict(field, units + tighter, units) == [(field, severity)]


def test_the_sweep_misses_no_limit(capsys: pytest.CaptureFixture[str]) -> None:
    """Prints how many of all single-unit moves the verdict shows; every bound of an entry is swept."""
    caught = total = 0
    for field, (stem, above, severity) in BOUNDS.items():
        units = PROBES[stem][1]
        for move in (-1, 1):  # tighter: what was at the limit is found; looser: what was one beyond is no longer
            total += 1
            tighter = (move < 0) == above
            value = units if tighter else units + move
            if PROBES[stem][0] is PROBES["bolus_rate"][0] and not tighter:
                value = units + move * 60  # a bolus volume is a whole number of nL
                move *= 60
            before, after = verdict(field, units, value), verdict(field, units + move, value)
            caught += [before, after] == ([[], [(field, severity)]] if tighter else [[(field, severity)], []])
    swept = {name for name in FIELDS if name not in BOUNDS and ENTRY[name][0] is int}
    with capsys.disabled():
        print(f"limits moved by one unit: {caught}/{total} caught")
    assert caught == total
    assert swept == {
        "bolus_count", "bolus_window_ms", "concentration_ng_ml", "kvo_ms", "kvo_nl", "kvo_nl_h", "near_empty_nl",
        "version",
        *(f"{stem}_typical_{unit}" for stem, unit, _ in library.LIMITS),
    }  # fmt: skip


@pytest.mark.parametrize(("extra_pl_h", "found"), [(0, []), (1, ["rate_hard_high_nl_h"])])
def test_a_picolitre_an_hour_beyond_is_beyond(extra_pl_h: int, found: list[str]) -> None:
    program = infuse(99_900_000 * 1000 + extra_pl_h)
    assert [finding[0] for finding in limits.check_program(entry(), header(), program)] == found


@given(
    rate=st.integers(1, 10**11),
    weight_g=st.integers(1000, 300_000),
    ng_ml=st.integers(1, 10**9),
    off=st.integers(-1, 1),
)
def test_a_dose_rate_is_never_rounded_before_the_verdict(rate: int, weight_g: int, ng_ml: int, off: int) -> None:
    exact = Fraction(rate * ng_ml, 10**6 * weight_g)  # ng/kg/h, from the units alone: pL x ng/mL / kg
    limit = max(0, int(exact) + off)
    wide = entry(dose_rate_hard_high_ng_kg_h=limit)
    found = limits.check_program(wide, header(weight_g=weight_g, concentration_ng_ml=ng_ml), infuse(rate))
    assert any(finding[0] == "dose_rate_hard_high_ng_kg_h" for finding in found) == (exact > limit)


def test_ramps_count_with_both_ends_but_for_a_start_or_an_end_at_rest() -> None:
    def names(*phases: list[Any]) -> list[str]:
        return [finding[0] for finding in limits.check_program(entry(), header(), list(phases))]

    assert names(["ramp", H_MS, 0, 10**9]) == []
    assert names(["ramp", H_MS, 10**9, 0]) == []
    assert names(["ramp", H_MS, 10**9, 10**11]) == ["rate_hard_high_nl_h"]
    assert names(["ramp", H_MS, 10**7, 10**9]) == ["rate_hard_low_nl_h"]
    assert names(["infuse", H_MS, 0, 0], ["infuse", H_MS, 10**9, 10**9]) == ["rate_hard_low_nl_h"]
    assert names(["pause", 200 * H_MS, 0, 0], ["infuse", H_MS, 10**9, 10**9]) == []


def test_a_finding_names_the_worst_phase() -> None:
    phases = infuse(10**9) + infuse(2 * 10**11) + infuse(3 * 10**11) + infuse(10**11)
    (found,) = limits.check_program(entry(), header(), phases)
    assert found == ("rate_hard_high_nl_h", "hard", 2, 300_000_000, 99_900_000, "SR-LIB-06")
    (found,) = limits.check_program(entry(), header(), infuse(3 * 10**11) + infuse(3 * 10**11) + infuse(10**9))
    assert found[2:4] == (0, 300_000_000)
    (found,) = limits.check_program(
        entry(), header(), infuse(10**7) + infuse(10**7) + infuse(10**9) + infuse(2 * 10**7)
    )
    assert found == ("rate_hard_low_nl_h", "hard", 0, 10_000, 100_000, "SR-LIB-06")


@pytest.mark.requirement("SR-LIB-07")
def test_only_the_confirmed_value_overrides_a_soft_limit_and_nothing_a_hard_one() -> None:
    soft = entry(rate_soft_high_nl_h=50_000_000)
    phases = infuse(60_000_000 * 1000)
    (found,) = limits.check_program(soft, header(), phases)
    assert found[:5] == ("rate_soft_high_nl_h", "soft", 0, 60_000_000, 50_000_000)
    assert limits.refuses([found])
    wrongs: list[list[int | str]] = [["rate_soft_high_nl_h", 60_000_001], ["rate_hard_high_nl_h", 60_000_000]]
    for wrong in wrongs:
        assert limits.refuses(limits.check_program(soft, header(), phases, [wrong]))
    confirmed = limits.check_program(soft, header(), phases, [["rate_soft_high_nl_h", 60_000_000]])
    assert [finding[1] for finding in confirmed] == ["overridden"]
    assert not limits.refuses(confirmed)
    hard = entry(rate_hard_high_nl_h=50_000_000)
    assert limits.refuses(limits.check_program(hard, header(), phases, [["rate_hard_high_nl_h", 60_000_000]]))


# --- rolling windows of a program

ramps = st.tuples(st.integers(1, 400), st.integers(0, 50), st.integers(0, 50))
flats = st.tuples(st.integers(1, 400), st.integers(0, 50)).map(lambda flat: (*flat, flat[1]))


def delivered(phases: list[tuple[int, int, int]], time: Fraction) -> Fraction:
    """Volume until a time, from the definition of a linear rate."""
    volume = Fraction()
    for duration, begin, end in phases:
        t = min(max(time, Fraction()), Fraction(duration))
        volume += begin * t + Fraction(end - begin, 2 * duration) * t * t
        time -= duration
    return volume


@given(st.lists(st.one_of(flats, ramps), min_size=1, max_size=6), st.integers(1, 700), st.integers(1, 4))
@example([(100, 0, 50), (100, 50, 0)], 60, 1)
def test_the_largest_window_is_exact(phases: list[tuple[int, int, int]], length: int, pieces: int) -> None:
    rows: list[list[Any]] = []
    window = limits.Window(rows, length)
    for duration, begin, end in phases:
        rows.append(["ramp", duration, begin, end])
        window.turn(pieces)
    while not window.turn(pieces):
        pass
    most = Fraction(window.most, window.divisor) / 2
    whole = sum(duration for duration, _, _ in phases)
    ends = [sum(duration for duration, _, _ in phases[:count]) for count in range(len(phases) + 1)]
    breaks = sorted({Fraction(at) for end in ends for at in (end, end + length) if at <= whole})

    def within(time: Fraction) -> Fraction:
        return delivered(phases, time) - delivered(phases, time - length)

    exact = max(within(at) for at in breaks)
    for low, high in pairwise(breaks):  # a parabola through three points, and its vertex
        a, b, c = within(low), within((low + high) / 2), within(high)
        bend = 2 * (a - 2 * b + c)
        if bend < 0:
            at = -(4 * b - 3 * a - c) / (2 * bend)
            if 0 < at < 1:
                exact = max(exact, within(low + at * (high - low)))
    assert most == exact
    assert Fraction(window.total, 2) == delivered(phases, Fraction(whole))


def test_a_program_checked_in_parts_is_checked_as_a_whole() -> None:
    tight = entry(dose_1h_hard_ng_kg=100, dose_4h_soft_ng_kg=200, longest_phase_ms=H_MS)
    phases = infuse(10**9, 90_000) * 30 + [["ramp", 2 * H_MS, 10**9, 2 * 10**9], ["pause", H_MS, 0, 0]]
    check = limits.ProgramCheck(tight, header())
    for first in range(0, len(phases), 12):
        check.add(phases[first : first + 12])
        check.turn(5)
    assert check.findings() == limits.check_program(tight, header(), phases)
    assert {finding[0] for finding in check.findings()} == {
        "dose_1h_hard_ng_kg",
        "dose_4h_soft_ng_kg",
        "longest_phase_ms",
    }


# --- boluses, windows in steps, hold rate


@pytest.mark.requirement("SR-BOLUS-12", "SR-BOLUS-08")
def test_a_timed_bolus_lasts_from_the_lockout_to_six_hours() -> None:
    def names(duration_ms: int) -> list[str]:
        return [finding[0] for finding in limits.check_bolus(entry(), 500_000, duration_ms, timed_lockout_ms=360_000)]

    assert names(359_999) == ["bolus_lockout_ms"]
    assert names(360_000) == names(6 * H_MS) == []
    assert names(6 * H_MS + 1) == ["bolus_ms"]
    slow = entry(bolus_rate_hard_low_nl_h=10**9)  # the rate limits are those of a bolus on request
    assert limits.check_bolus(slow, 500_000, H_MS, timed_lockout_ms=0) == []
    assert limits.check_bolus(slow, 500_000, H_MS) != []


def test_the_bolus_of_a_header_is_checked() -> None:
    wanted = header(bolus_nl=3_000_000, bolus_ms=60_000, bolus_lockout_ms=360_000)
    narrow = entry(bolus_hard_high_nl=2_999_999, bolus_rate_soft_high_nl_h=179_999_999)
    found = limits.check_program(narrow, wanted, infuse(10**9))
    assert [finding[:2] for finding in found] == [("bolus_hard_high_nl", "hard"), ("bolus_rate_soft_high_nl_h", "soft")]
    assert found[0][5] == "SR-BOLUS-04"


@given(
    dose=st.integers(0, 10**9),
    weight_g=st.integers(1000, 300_000),
    ng_ml=st.integers(1, 10**9),
    syringe=st.sampled_from(sorted(syringes.SYRINGES)),
)
@pytest.mark.requirement("SR-DOSE-03")
def test_steps_of_a_window_are_all_that_the_dose_allows(dose: int, weight_g: int, ng_ml: int, syringe: str) -> None:
    step = syringes.step_volume_pl(syringe, 2000, 3200)
    limited = entry(dose_1h_hard_ng_kg=dose, dose_4h_hard_ng_kg=dose, dose_24h_hard_ng_kg=dose)
    steps = limits.window_steps(limited, weight_g, ng_ml, step)[0]
    ng_kg_per_step = Fraction(*step) * ng_ml / 10**6 / weight_g  # pL x ng/mL / g
    assert steps * ng_kg_per_step <= dose
    assert steps == MOST_STEPS or (steps + 1) * ng_kg_per_step > dose


@pytest.mark.requirement("SR-DOSE-03", "SR-LIB-09")
def test_a_bolus_without_room_is_refused_or_reduced_as_the_entry_says() -> None:
    step = (1000, 1)  # 1 nL
    reducing = entry(bolus_policy="reduce", bolus_hard_low_nl=100)
    assert limits.bolus_steps(entry(), 500, 500, step) == 500
    assert limits.bolus_steps(entry(), 500, 499, step) == 0
    assert limits.bolus_steps(reducing, 500, 499, step) == 499
    assert limits.bolus_steps(reducing, 500, 100, step) == 100
    assert limits.bolus_steps(reducing, 500, 99, step) == 0
    assert limits.bolus_steps(reducing | {"bolus_hard_low_nl": 0}, 500, -7, step) == 0


@pytest.mark.requirement("SR-KVO-01", "SR-KVO-02")
def test_the_hold_rate_is_the_smallest_of_three() -> None:
    assert limits.hold_pl_h(entry(kvo_nl_h=500_000), 10**12) == 500_000_000
    assert limits.hold_pl_h(entry(kvo_nl_h=1_000_000), 300) == 300
    assert limits.hold_pl_h(entry(kvo_nl_h=9_000_000), 10**12) == 1_000_000_000
    assert limits.hold_pl_h(entry(kvo_nl_h=0), 10**12) == 0
