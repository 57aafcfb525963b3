"""The journal: what is appended is served, in bounded portions, and so many records are kept (D10)."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.devices.store import Store
from pump.core import chain, journal, record
from pump.core.chain import TAIL
from tests.core.journals import KINDS, opened, served, small, starts

texts = st.text(st.characters(codec="utf-8"), max_size=60)


@pytest.mark.requirement("SR-ALARM-07")
@given(st.lists(st.tuples(st.integers(0, 1 << 40), st.sampled_from(KINDS), texts), max_size=80), st.integers(1, 9))
def test_what_was_appended_is_served_now_and_after_a_reboot(events: list[Any], most: int) -> None:
    store = Store()
    found, _ = opened(store)
    expected, latest_ms = [], 0
    for at_ms, kind, text in events:
        latest_ms = max(latest_ms, at_ms)
        assert found.append(at_ms, kind, text)
        expected.append([len(expected) + 1, latest_ms, kind, text])
    assert served(found, most=most) == expected
    again, findings = opened(store)
    assert not findings
    assert not again.verify()
    assert again.entries == []
    assert again.last == again.told == len(expected)
    assert again.boot == (2 if events else 1)
    for behind in range(0, len(expected) + 1, 9):
        assert served(again, behind, most) == expected[behind:]


@pytest.mark.requirement("SR-LOG-03")
def test_times_never_run_backward_in_one_power_cycle_and_begin_anew_in_the_next() -> None:
    store = Store()
    found, _ = opened(store)
    for at_ms in (500, 200, (1 << 32) + 7, 900):
        found.append(at_ms, "state", "")
    assert [entry[1] for entry in found.entries] == [500, 500, (1 << 32) + 7, (1 << 32) + 7]
    again, _ = opened(store)
    again.append(30, "state", "")
    assert served(again)[-1] == [5, 30, "state", ""]
    assert [record.boot_of(store.files[TAIL], at) for at in starts(store.files[TAIL])] == [1, 1, 1, 1, 2]


@pytest.mark.requirement("SR-LOG-07", "SR-LOG-08")
def test_a_thousand_events_are_kept_and_the_oldest_go_first() -> None:
    store = Store()
    found, _ = opened(store)
    most_files = most_bytes = 0
    for number in range(1, 4001):
        assert found.append(number, "alarm", "x" * (number % 220))
        most_files = max(most_files, len(store.files))
        most_bytes = max(most_bytes, sum(map(len, store.files.values())))
    entries = served(found)
    assert [entry[0] for entry in entries] == list(range(entries[0][0], 4001))
    assert chain.KEPT <= len(entries) <= chain.KEPT + 40
    assert len(found.entries) == journal.IN_MEMORY
    assert not found.verify()
    assert most_files <= 80
    assert most_bytes <= 300_000
    again, findings = opened(store)
    assert not findings + again.verify()
    assert served(again) == entries


@pytest.mark.requirement("SR-LOG-08")
def test_small_records_are_kept_to_the_same_number() -> None:
    store = Store()
    found, _ = opened(store)
    for number in range(1, 2500):
        assert found.append(number, "", "")
    assert chain.KEPT <= len(served(found)) <= chain.KEPT + 190


def test_save_changes_one_file_at_a_time() -> None:
    store = Store()
    found, _ = opened(store)
    for _ in range(40):
        for _ in range(50):
            found.add(0, "state", "y" * 100)
        while found.saved < found.last:
            before = dict(store.files)
            assert found.save()
            assert len({name for name, _data in before.items() ^ store.files.items()}) == 1
    assert not found.verify()
    assert store.names().count(TAIL) == 1
    assert len(store.files) < 70, "the oldest have gone"
    writes = store.writes
    assert found.save()
    assert store.writes == writes, "nothing was new"


def test_events_of_one_tick_share_one_write() -> None:
    store = Store()
    found, _ = opened(store)
    for kind in ("command", "state", "alarm"):
        found.add(0, kind, "START")
    assert found.save()
    assert store.writes == 1


def test_check_in_pieces_while_records_are_added_finds_nothing() -> None:
    store = Store()
    with small(1300, 100):
        found, _ = opened(store)
        for number in range(700):
            assert found.append(number, "state", "z" * (number % 50))
            if number % 3 == 0:
                assert found.check() == []
