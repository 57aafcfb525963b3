"""Entries are whole and in order or refused; a library is what its digest says, stored or on its way in."""

import io
from itertools import pairwise
from typing import Any

import pytest

from pump.core import framing, library
from pump.core.library import ENTRY, FIELDS, FIELDS_PER_PART, RISING, Incoming, Library, fault
from pump.core.program import Refusal
from tests.core.entries import CONCENTRATION_NG_ML, WEIGHT_G, entry

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
