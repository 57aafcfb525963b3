"""The journal: what was acknowledged is there after any cut, and whatever is wrong with it gets its name (D10)."""

from typing import Any
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from hil.devices.store import PowerCut, Store
from pump.core import chain, journal, record
from pump.core.journal import TAIL, Journal

Entry = list[Any]
KINDS = ("state", "alarm", "command", "refused", "relief")
texts = st.text(st.characters(codec="utf-8"), max_size=60)


def opened(store: Store) -> tuple[Journal, list[Any]]:
    found = Journal(store)
    return found, found.open()


def fill(store: Store, count: int, text: str = "IDLE > READY: CONFIRM") -> Journal:
    found, findings = opened(store)
    assert not findings
    for number in range(count):
        assert found.append(number * 100, KINDS[number % 5], f"{text} {number}")
    return found


def served(found: Journal, sequence: int = 0, most: int = 7) -> list[Entry]:
    """Everything behind a sequence, asked for as a host does."""
    entries: list[Entry] = []
    while page := found.after(sequence, most):
        entries += page
        sequence = page[-1][0]
    return entries


def faults(findings: list[Any]) -> list[Any]:
    return [finding for finding in findings if finding[0] in chain.FAULTS]


def copy_of(store: Store) -> Store:
    copy = Store()
    copy.files = dict(store.files)
    return copy


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
    assert [record.boot_of(store.files[TAIL], at) for at in _starts(store.files[TAIL])] == [1, 1, 1, 1, 2]


@pytest.mark.requirement("SR-LOG-08")
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
    assert journal.KEPT <= len(entries) <= journal.KEPT + 40
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
    assert journal.KEPT <= len(served(found)) <= journal.KEPT + 190


@pytest.mark.requirement("SR-LOG-09")
@pytest.mark.requirement("SR-LOG-06")
@pytest.mark.parametrize("atomic", [True, False])
@pytest.mark.parametrize("written", [0, 1, 3, 7, 8, 15, 16, 55, 56, 57, 63, 64, 71])
def test_a_cut_at_every_byte_loses_at_most_the_record_being_written(written: int, atomic: bool) -> None:
    """With small segments, so that the writes cut are also those to a segment, new and old, and a removal is near."""
    with mock.patch.multiple(journal, SEGMENT_BYTES=1300, KEPT=40):
        before = Store()
        fill(before, written)
        acknowledged = served(opened(copy_of(before))[0])
        cut_after = 0
        while True:
            store = copy_of(before)
            store.atomic = atomic
            found, _ = opened(store)
            store.cut_after_bytes = cut_after
            try:
                found.append(10**6, "state", "IDLE > READY: CONFIRM last")
            except PowerCut:
                store.power_on()
            else:
                break
            cut_after += 1
            again, findings = opened(store)
            entries = served(again)
            if atomic:
                assert {finding[0] for finding in findings} <= {chain.TORN}
                assert entries[: len(acknowledged)] == acknowledged
                assert len(entries) <= len(acknowledged) + 1
                assert not again.verify()
            else:  # the contents of the tail may be gone, but nothing else, and what is served is true
                assert [entry for entry in entries if entry not in acknowledged and entry[0] <= written] == []
            assert again.append(0, "boot", "on")
            last = served(again)[-1]
            assert last == [again.last, 0, "boot", "on"]
            if atomic:
                assert last[0] == written + 1 + (len(entries) > len(acknowledged)), "numbers without a gap"
                assert not again.verify()
        assert cut_after > 40


def _starts(data: bytes) -> list[int]:
    starts, at = [], 0
    while at < len(data):
        starts.append(at)
        at = record.end_of(data, at)
        assert at
    return starts


REFERENCE = Store()
REFERENCE_ENTRIES = served(fill(REFERENCE, 150))
SEGMENTS = sorted(set(REFERENCE.files) - {TAIL})
NAMES = [*SEGMENTS, TAIL]


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
    lost = len(_starts(store.files.pop(name)))
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
    first, second, third = _starts(data)[3:6]
    store.files[SEGMENTS[0]] = data[:first] + data[second:third] + data[first:second] + data[third:]
    found, _ = opened(store)
    assert chain.OUT_OF_CHAIN in {finding[0] for finding in found.verify()}


@pytest.mark.requirement("SR-LOG-09")
def test_a_record_that_was_forged_with_a_good_crc_is_out_of_chain() -> None:
    store = copy_of(REFERENCE)
    data = store.files[SEGMENTS[0]]
    at = _starts(data)[5]
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
    starts = _starts(data)
    store.files[SEGMENTS[0]] = data[: starts[5]] + data[starts[8] :]
    found, _ = opened(store)
    assert (chain.MISSING, 6, "3 numbers") in found.verify()


class Unreadable(Store):
    """One file gives a read error."""

    bad = ""

    def read(self, name: str) -> bytes | None:
        if name == self.bad:
            raise OSError(5, "input/output error")
        return super().read(name)


@pytest.mark.requirement("SR-LOG-09")
@pytest.mark.parametrize("name", NAMES)
def test_a_file_that_cannot_be_read_is_named_and_the_others_are_served(name: str) -> None:
    store = Unreadable()
    store.files = dict(REFERENCE.files)
    store.bad = name
    found, findings = opened(store)
    assert chain.UNREADABLE in {finding[0] for finding in findings + found.verify()}
    lost = len(_starts(store.files[name]))
    assert len(served(found)) == len(REFERENCE_ENTRIES) - lost
    for _ in range(20):
        assert found.append(0, "state", "on it goes")


@pytest.mark.requirement("SR-LOG-09")
def test_a_full_store_is_told_and_what_memory_holds_is_stored_when_there_is_room() -> None:
    store = Store()
    found = fill(store, 30)
    store.capacity_bytes = sum(map(len, store.files.values()))
    accepted = [found.append(9000 + number, "state", "x" * 30) for number in range(40)]
    assert not any(accepted[9:])
    assert found.failed
    assert not found.save(), "no second attempt without a new entry"
    entries = served(found)
    assert [entry[0] for entry in entries] == list(range(1, 71)), "the host is told all the same"
    stored, _ = opened(copy_of(store))
    assert served(stored) == entries[: stored.last], "what was stored before is still there"
    store.capacity_bytes = None
    assert found.append(10**6, "state", "room")
    assert not found.failed
    assert not found.verify()
    again, _ = opened(store)
    assert served(again) == [*entries, [71, 10**6, "state", "room"]]


@pytest.mark.requirement("SR-LOG-09")
@pytest.mark.parametrize("leaves", [0, 1, 57, 58, 130, 400])
def test_what_a_failed_write_to_a_segment_leaves_is_cut_off_at_the_next(leaves: int) -> None:
    store = Store()
    found = fill(store, 20)
    numbers = iter(range(20, 99))
    while len(store.files[TAIL]) < 430:
        assert found.append(1, "state", f"IDLE > READY: CONFIRM {next(numbers)}")
    store.failing, store.failing_leaves = True, leaves
    assert not found.append(1, "state", f"IDLE > READY: CONFIRM {next(numbers)}")
    assert not faults(found.verify())
    rebooted, findings = opened(copy_of(store))
    assert not faults(findings + rebooted.verify())
    store.failing = False
    for number in numbers:
        assert found.append(1, "state", f"IDLE > READY: CONFIRM {number}")
    assert not found.verify()
    again, findings = opened(store)
    assert not findings + again.verify()
    assert served(again) == served(found)


@pytest.mark.requirement("SR-LOG-09")
def test_events_that_were_never_stored_leave_numbers_and_a_finding_that_is_no_fault() -> None:
    store = Store()
    found = fill(store, 10)
    store.failing = True
    for number in range(100):
        assert not found.append(number, "state", "lost")
    store.failing = False
    assert found.append(200, "state", "back")
    assert found.verify() == [(chain.UNSTORED, 11, f"{101 - journal.IN_MEMORY} numbers")]
    again, findings = opened(store)
    assert not faults(findings + again.verify())
    assert again.last == 111


def test_save_writes_a_bounded_portion_of_what_was_added() -> None:
    store = Store()
    found, _ = opened(store)
    for number in range(50):
        found.add(number, "state", "y" * 100)
    assert not store.writes, "add only remembers"
    while found.saved < found.last:
        saved, writes = found.saved, store.writes
        assert found.save()
        assert found.saved > saved
        assert store.writes - writes <= 2
    assert not found.verify()
    assert found.save()


def test_events_of_one_tick_share_one_write() -> None:
    store = Store()
    found, _ = opened(store)
    for kind in ("command", "state", "alarm"):
        found.add(0, kind, "START")
    assert found.save()
    assert store.writes == 1


def test_check_in_pieces_while_records_are_added_finds_nothing() -> None:
    store = Store()
    with mock.patch.multiple(journal, SEGMENT_BYTES=1300, KEPT=100):
        found, _ = opened(store)
        for number in range(700):
            assert found.append(number, "state", "z" * (number % 50))
            if number % 3 == 0:
                assert found.check() == []


@given(st.text(st.characters(codec="utf-8"), max_size=40), st.text(st.characters(codec="utf-8"), max_size=400))
def test_a_record_is_bounded_and_a_long_text_is_cut_between_characters(kind: str, text: str) -> None:
    data = record.pack([1, 2, kind, text], 1, 0)
    assert len(data) <= record.MOST_BYTES
    assert record.end_of(data, 0) == len(data)
    _, _, kept_kind, kept = record.entry_of(data, 0)
    for whole, part in ((kind, kept_kind), (text, kept)):
        assert part == whole or (part[-1] == "…" and whole.startswith(part[:-1]))


class Life(RuleBasedStateMachine):
    """A pump's journal through events, cuts, reboots and a flash that is full or fails now and then."""

    def __init__(self) -> None:
        super().__init__()
        self.patch = mock.patch.multiple(journal, SEGMENT_BYTES=700, KEPT=30)
        self.patch.start()
        self.store = Store()
        self.journal, _ = opened(self.store)
        self.known: list[Entry] = []  # that were acknowledged as stored
        self.said: dict[int, Entry] = {}

    def teardown(self) -> None:
        self.patch.stop()

    def _remember(self) -> None:
        """What memory forgot before it was stored never was."""
        newest = self.known[-1][0] if self.known else 0
        for entry in self.journal.entries:
            self.said[entry[0]] = list(entry)
            if newest < entry[0] <= self.journal.saved:
                self.known.append(self.said[entry[0]])

    @rule(size=st.integers(0, 240), count=st.integers(1, 9))
    def append(self, size: int, count: int) -> None:
        for _ in range(count):
            stored = self.journal.append(len(self.said), "state", "a" * min(size, 200))
            assert stored == (self.journal.saved == self.journal.last)
            assert stored or self.journal.failed
            self._remember()

    @rule(count=st.integers(1, 20))
    def add_and_save(self, count: int) -> None:
        for _ in range(count):
            self.journal.add(len(self.said), "alarm", "OCCLUSION")
        self.journal.save()
        self._remember()

    @precondition(lambda self: not self.store.failing and self.store.capacity_bytes is None)
    @rule(after_bytes=st.integers(0, 900), count=st.integers(1, 4))
    def cut(self, after_bytes: int, count: int) -> None:
        self.store.cut_after_bytes = after_bytes
        try:
            for _ in range(count):
                self.journal.append(len(self.said), "command", "start")
                self._remember()
        except PowerCut:
            pass
        self.reboot()

    @rule()
    def reboot(self) -> None:
        self.store.power_on()
        boot = self.journal.boot
        last = self.journal.last
        before = self.journal.entries
        self.journal, findings = opened(self.store)
        assert not faults(findings)
        assert self.journal.boot in (boot, boot + 1)
        acknowledged = self.known[-1][0] if self.known else 0
        assert acknowledged <= self.journal.last <= last
        for number in [n for n in self.said if n > self.journal.last]:
            del self.said[number]  # never stored: the number goes to another
        for entry in before:
            if acknowledged < entry[0] <= self.journal.last:
                self.said[entry[0]] = entry
                self.known.append(entry)

    @rule(room=st.one_of(st.none(), st.integers(0, 600)))
    def fill_up(self, room: int | None) -> None:
        used = sum(map(len, self.store.files.values()))
        self.store.capacity_bytes = None if room is None else used + room

    @rule(failing=st.booleans(), leaves=st.sampled_from([0, 1, 60, 140, 300]))
    def fail(self, failing: bool, leaves: int) -> None:
        self.store.failing = failing
        self.store.failing_leaves = leaves

    @rule(behind=st.integers(0, 300), most=st.integers(1, 9))
    def read(self, behind: int, most: int) -> None:
        for entry in self.journal.after(behind, most):
            assert entry == self.said[entry[0]]

    @invariant()
    def chain_holds_and_all_is_served(self) -> None:
        assert not faults(self.journal.verify())
        entries = served(self.journal)
        numbers = [entry[0] for entry in entries]
        assert numbers == sorted(set(numbers))
        stored = [entry for entry in entries if entry[0] <= self.journal.saved]
        oldest = stored[0][0] if stored else 1
        assert stored == [entry for entry in self.known if entry[0] >= oldest]
        assert len(self.known) - len(stored) == 0 or self.journal.saved - oldest + 1 >= 30


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=60, stateful_step_count=40)
TestLife.pytestmark = [pytest.mark.requirement("SR-LOG-06"), pytest.mark.requirement("SR-LOG-09")]
