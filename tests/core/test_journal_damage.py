"""Whatever is wrong with a stored journal gets its name, and what is good is served (SR-LOG-09)."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pump.core import chain, record
from pump.core.chain import TAIL
from tests.core.journals import (
    NAMES,
    REFERENCE,
    REFERENCE_ENTRIES,
    SEGMENTS,
    Unreadable,
    copy_of,
    faults,
    opened,
    served,
    starts,
)


@pytest.mark.requirement("SR-LOG-09")
@settings(max_examples=400)
@given(st.data())
def test_a_flipped_bit_is_found_and_costs_one_record(data: st.DataObject) -> None:
    store = copy_of(REFERENCE)
    name = data.draw(st.sampled_from(NAMES))
    store.flip_bit(name, data.draw(st.integers(0, 8 * len(store.files[name]) - 1)))
    found, findings = opened(store)
    findings += found.verify()
    assert findings
    if name != TAIL or findings[0][0] != chain.TORN:
        assert faults(findings)
    entries = served(found)
    assert len(entries) >= len(REFERENCE_ENTRIES) - 1
    assert all(entry in REFERENCE_ENTRIES for entry in entries)
    assert found.append(5, "alarm", "MEMORY_FAULT"), "it goes on"
    numbers = [entry[0] for entry in served(found)]
    assert numbers == sorted(set(numbers)), "no number is given twice"


@pytest.mark.requirement("SR-LOG-09")
@settings(max_examples=300)
@given(st.data())
def test_any_bytes_in_any_file_never_crash_and_serve_nothing_that_was_not_written(data: st.DataObject) -> None:
    store = copy_of(REFERENCE)
    for _ in range(data.draw(st.integers(1, 3))):
        name = data.draw(st.sampled_from(NAMES))
        old = store.files[name]
        begin, end = sorted(data.draw(st.lists(st.integers(0, len(old)), min_size=2, max_size=2)))
        store.files[name] = old[:begin] + data.draw(st.binary(max_size=40)) + old[end:]
    found, _ = opened(store)
    assert all(entry in REFERENCE_ENTRIES for entry in served(found))
    again, findings = opened(copy_of(store))
    if any(store.files[name] != REFERENCE.files[name] for name in SEGMENTS[:-1]):
        assert findings + again.verify(), "only the newest records can be cut off without a trace"
    for _ in range(30):
        assert found.append(1, "state", "on it goes")
    found.verify()


@pytest.mark.requirement("SR-LOG-09")
@pytest.mark.parametrize("name", NAMES)
def test_a_file_that_is_gone_is_missing(name: str) -> None:
    store = copy_of(REFERENCE)
    lost = len(starts(store.files.pop(name)))
    found, findings = opened(store)
    assert chain.MISSING in {finding[0] for finding in findings + found.verify()}
    assert len(served(found)) == len(REFERENCE_ENTRIES) - lost
    assert found.append(0, "state", "")
    assert found.last > 150
    assert chain.MISSING in {finding[0] for finding in found.verify()}, "and stays missing"


@pytest.mark.requirement("SR-LOG-09")
def test_two_records_in_the_wrong_order_are_out_of_chain() -> None:
    store = copy_of(REFERENCE)
    data = store.files[SEGMENTS[0]]
    first, second, third = starts(data)[3:6]
    store.files[SEGMENTS[0]] = data[:first] + data[second:third] + data[first:second] + data[third:]
    found, _ = opened(store)
    assert chain.OUT_OF_CHAIN in {finding[0] for finding in found.verify()}


@pytest.mark.requirement("SR-LOG-09")
def test_a_record_that_was_forged_with_a_good_crc_is_out_of_chain() -> None:
    store = copy_of(REFERENCE)
    data = store.files[SEGMENTS[0]]
    at = starts(data)[5]
    entry = record.entry_of(data, at)
    end = record.end_of(data, at)
    forged = record.pack([*entry[:3], entry[3].swapcase()], 1, record.link_of(data, at))
    store.files[SEGMENTS[0]] = data[:at] + forged + data[end:]
    found, _ = opened(store)
    assert (chain.OUT_OF_CHAIN, 7, "record 7 behind 6") in found.verify()


@pytest.mark.requirement("SR-LOG-09")
def test_records_cut_out_cleanly_are_missing() -> None:
    store = copy_of(REFERENCE)
    data = store.files[SEGMENTS[0]]
    begins = starts(data)
    store.files[SEGMENTS[0]] = data[: begins[5]] + data[begins[8] :]
    found, _ = opened(store)
    assert (chain.MISSING, 6, "3 numbers") in found.verify()


@pytest.mark.requirement("SR-LOG-09")
@pytest.mark.parametrize("name", NAMES)
def test_a_file_that_cannot_be_read_is_named_and_the_others_are_served(name: str) -> None:
    store = Unreadable()
    store.files = dict(REFERENCE.files)
    store.bad = name
    found, findings = opened(store)
    assert chain.UNREADABLE in {finding[0] for finding in findings + found.verify()}
    lost = len(starts(store.files[name]))
    assert len(served(found)) == len(REFERENCE_ENTRIES) - lost
    for _ in range(20):
        assert found.append(0, "state", "on it goes")
