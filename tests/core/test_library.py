"""Entries are whole and in order or refused; every limit holds exactly: moved by one unit, it changes the verdict."""

import io
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pump.core import framing, library, limits, syringes
from pump.core.ledger import MOST_STEPS
from pump.core.library import ENTRY, FIELDS, FIELDS_PER_PART, RISING, SIDES, Incoming, Library, fault
from pump.core.program import Refusal
from tests.core.entries import CONCENTRATION_NG_ML, WEIGHT_G, entry, header

H_MS = 3_600_000
PL_H_PER_NG_KG_H = WEIGHT_G * 1_000_000 // CONCENTRATION_NG_ML  # at which a dose rate is a whole number

# --- entries


def test_the_entry_of_the_tests_is_good() -> None:
    assert fault(entry()) is None


@pytest.mark.requirement("SR-LIB-02")
@pytest.mark.parametrize("name", FIELDS)
def test_a_missing_field_is_refused(name: str) -> None:
    without = entry()
    del without[name]
    assert fault(without) == (name, None, "every field")
    with pytest.raises(Refusal, match=name):
        Library([without])


@pytest.mark.requirement("SR-LIB-02")
@pytest.mark.parametrize("name", FIELDS)
def test_a_field_out_of_its_span_or_type_is_refused(name: str) -> None:
    kind, least, most = ENTRY[name]
    wrong: list[Any] = [None, True, 1.5, [], {}]
    wrong += [least - 1, most + 1, "1"] if kind is int else [1, "", "x" * (most + 1), "a\nb", " a", "ä"]
    for value in wrong:
        found = fault(entry(**{name: value}))
        assert found
        assert found[0] == name


@pytest.mark.parametrize("date", ["2026-13-01", "2026-00-10", "2026-01-32", "2026-01-00", "26-01-011", "2026/01/01"])
def test_no_date(date: str) -> None:
    found = fault(entry(date=date))
    assert found
    assert found[0] == "date"


@pytest.mark.parametrize("date", ["2026-01-01", "2019-12-31", "0999-09-29"])
def test_a_date(date: str) -> None:
    assert fault(entry(date=date)) is None


def test_all_of_printable_ascii_is_text() -> None:
    assert fault(entry(author="".join(map(chr, range(0x21, 0x40))))) is None
    assert fault(entry(author="".join(map(chr, range(0x60, 0x7F))) + " ~")) is None
    assert fault(entry(author="a\x7f")) is not None


def test_a_refusal_says_whether_a_field_is_missing_or_wrong() -> None:
    with pytest.raises(Refusal, match=r"entry test: version: 0 is not allowed; a whole number, 1 to 1000000"):
        library.check_entry(entry(version=0))
    without = entry()
    del without["version"]
    with pytest.raises(Refusal, match="entry test: version: is missing; every field"):
        library.check_entry(without)


def test_an_unknown_field_is_refused() -> None:
    assert fault(entry(colour="red")) == ("colour", "red", "only the fields of an entry")


@pytest.mark.requirement("SR-LIB-03")
@pytest.mark.parametrize(("lower", "upper"), sorted({pair for names in RISING for pair in pairwise(names)}))
def test_limits_one_unit_out_of_order_are_refused(lower: str, upper: str) -> None:
    level = 20_000_000
    equal = entry()
    for names in RISING:
        if lower in names:
            equal |= dict.fromkeys(names, level)
    for names in RISING:  # what must not be below or above these either
        if lower not in names and set(names) & {lower, upper}:
            equal |= dict.fromkeys(names, level)
    if lower.startswith("dose_"):
        equal |= {name: level for name in FIELDS if name.startswith("dose_") and name.endswith("_ng_kg")}
    assert fault(equal) is None
    swapped = equal | {lower: level + 1}
    found = fault(swapped)
    assert found
    assert found[0] in (lower, *(name for names in RISING for name in names))
    assert f"{level}" in found[2]


@pytest.mark.requirement("SR-RATE-03", "SR-RATE-04")
@pytest.mark.parametrize(
    ("profile", "slowest", "fastest"),
    [("small-volume", 100_000, 99_900_000), ("large-volume", 1_000_000, 999_000_000)],
)
def test_no_entry_reaches_beyond_its_profile(profile: str, slowest: int, fastest: int) -> None:
    within = entry(
        profile=profile,
        rate_hard_low_nl_h=slowest,
        rate_soft_low_nl_h=slowest,
        rate_soft_high_nl_h=fastest,
        rate_hard_high_nl_h=fastest,
    )
    assert fault(within) is None
    assert (fault(within | {"rate_hard_low_nl_h": slowest - 1}) or "")[0] == "rate_hard_low_nl_h"
    assert (fault(within | {"rate_hard_high_nl_h": fastest + 1}) or "")[0] == "rate_hard_high_nl_h"


@pytest.mark.requirement("SR-KVO-02")
def test_no_entry_holds_faster_than_1_ml_h() -> None:
    assert fault(entry(kvo_nl_h=1_000_000)) is None
    assert (fault(entry(kvo_nl_h=1_000_001)) or "")[0] == "kvo_nl_h"


@pytest.mark.requirement("SR-LIB-16")
def test_defaults_are_there_to_be_read() -> None:
    assert set(library.DEFAULTS) >= {"rate_nl_h", "rate_most_nl_h", "bolus_unit", "time_format", "concentration_ng_ml"}
    assert library.DEFAULTS["rate_most_nl_h"] == library.PROFILES["small-volume"][1]


# --- a library


@pytest.mark.requirement("SR-LIB-01", "SR-LIB-05")
def test_entries_are_found_by_drug_and_code_and_nothing_is_guessed() -> None:
    weak = entry(code="weak", concentration_low_ng_ml=1, concentration_ng_ml=10, concentration_high_ng_ml=10)
    strong = entry(code="strong", concentration_low_ng_ml=10, concentration_ng_ml=10, concentration_high_ng_ml=20)
    other = entry(drug="*", code="other")
    shelf = Library([weak, strong, other])
    assert shelf.find("ketamine", 20, "weak") is weak
    assert shelf.find("ketamine", 20) is strong
    assert shelf.find("ketamine", 9) is weak
    assert shelf.find("ketamine", 10) is None
    assert shelf.find("ketamine", 21) is None
    assert shelf.find("saline", 10, "weak") is None
    assert shelf.find("saline", 10, "other") is other
    assert shelf.find("saline", 10) is None
    assert shelf.find("ketamine", 10, "unknown") is None


def test_an_entry_of_the_drug_comes_before_one_for_any() -> None:
    own, any_drug = entry(), entry(drug="*")
    assert Library([any_drug, own]).find("ketamine", 1, "test") is own


def test_two_entries_with_one_key_are_refused() -> None:
    with pytest.raises(Refusal, match="one for each drug and code"):
        Library([entry(), entry(version=2)])


def test_entries_are_added_in_order() -> None:
    shelf = Library([entry(code="b")])
    with pytest.raises(Refusal, match="sorted"):
        shelf.add(entry(code="a"))
    shelf.add(entry(code="c"))
    assert shelf.digest == Library([entry(code="c"), entry(code="b")]).digest


def test_too_many_entries_are_refused() -> None:
    many = [entry(code=f"c{index}") for index in range(library.MOST_ENTRIES + 1)]
    assert len(Library(many[:-1]).entries) == library.MOST_ENTRIES
    with pytest.raises(Refusal, match="at most"):
        Library(many)


@pytest.mark.requirement("SR-LIB-10", "SR-LIB-11")
def test_the_digest_covers_every_field_and_no_order() -> None:
    one, two = entry(code="one"), entry(code="two")
    digest = Library([one, two]).digest
    assert Library([two, dict(reversed(one.items()))]).digest == digest
    for name, (kind, _, most) in ENTRY.items():
        changed = dict(one)
        if kind is int:
            changed[name] += 1 if changed[name] < most else -1
        elif name in library.CHOICES:
            changed[name] = library.CHOICES[name][1]
        else:
            changed[name] = "2026-11-25" if name == "date" else changed[name] + "x"
        assert library.entry_text(changed) != library.entry_text(one)
        if fault(changed) is None:
            assert Library([changed, two]).digest != digest


def stored(text: str) -> Library:
    return library.from_lines(io.StringIO(text))


@pytest.mark.requirement("SR-LIB-10")
def test_a_stored_library_comes_back_and_any_damage_is_seen() -> None:
    shelf = Library([entry(), entry(code="other", author="a=b")])
    text = "".join(shelf.texts())
    back = stored(text)
    assert back.entries == shelf.entries
    assert back.digest == shelf.digest
    for place in range(len(text)):
        for damaged in (text[:place], text[:place] + chr(ord(text[place]) ^ 1) + text[place + 1 :]):
            with pytest.raises(Refusal):
                stored(damaged)
    for behind in ("\n", "x", text):
        with pytest.raises(Refusal):
            stored(text + behind)
    with pytest.raises(Refusal):
        stored(text.replace("=1\n", "=01\n", 1))
    assert stored("".join(Library([]).texts())).entries == []


# --- on its way in


def parts(whole: dict[str, Any]) -> list[tuple[int, dict[str, Any]]]:
    return [(first, library.part(whole, first)) for first in range(0, len(FIELDS), FIELDS_PER_PART)]


@pytest.mark.requirement("SR-LIB-01", "SR-LIB-02")
def test_a_library_comes_in_by_parts_and_is_accepted_by_its_digest() -> None:
    shelf = Library([entry(code="one"), entry(code="two")])
    coming = Incoming(2)
    for index, whole in enumerate(shelf.entries):
        for first, fields in parts(whole):
            with pytest.raises(Refusal):
                coming.accepted(shelf.digest)
            assert coming.add(index, first, fields) == fields
    with pytest.raises(Refusal, match="digest"):
        coming.accepted("0" * 64)
    assert coming.accepted(shelf.digest).entries == shelf.entries
    with pytest.raises(Refusal):
        coming.add(2, 0, parts(entry())[0][1])


@pytest.mark.requirement("SR-AUTH-08")
def test_a_wrong_part_changes_nothing() -> None:
    coming = Incoming(1)
    first, second = parts(entry())[:2]
    for index, begin, fields in (
        (1, 0, first[1]),
        (0, 1, first[1]),
        (0, second[0], second[1]),
        (0, 0, second[1]),
        (0, 0, {}),
        (0, 0, first[1] | {"colour": 1}),
    ):
        with pytest.raises(Refusal):
            coming.add(index, begin, fields)
    for begin, fields in parts(entry())[:-1]:
        coming.add(0, begin, fields)
    begin, fields = parts(entry())[-1]
    with pytest.raises(Refusal, match="total_low_nl"):
        coming.add(0, begin, fields | {"total_low_nl": 0})
    coming.add(0, begin, fields)
    assert coming.accepted(Library([entry()]).digest).entries == [entry()]


@pytest.mark.parametrize("count", [-1, 33, True, "1", None])
def test_no_count(count: Any) -> None:
    with pytest.raises(Refusal):
        Incoming(count)


def test_no_part_is_too_long_for_a_line() -> None:
    longest = {name: '"' * most if kind is str else most for name, (kind, _, most) in ENTRY.items()}
    for first, fields in parts(longest):
        params = {"count": 32, "index": 31, "first": first, "fields": fields}
        request = framing.encode({"id": 10**9, "method": "library_load", "params": params})
        reply = framing.encode({"id": 10**9, "result": {"count": 32, "digest": "0" * 64, "fields": fields}})
        assert max(len(request), len(reply)) <= framing.MAX_LINE_BYTES


# --- limits of a program


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
