"""The journal through power cuts and a flash that is full or fails: what was acknowledged is still there."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from hil.devices.store import PowerCut, Store
from pump.core import chain, journal
from pump.core.chain import TAIL
from tests.core.journals import Entry, copy_of, faults, fill, opened, served, small


@pytest.mark.requirement("SR-LOG-09")
@pytest.mark.requirement("SR-LOG-06")
@pytest.mark.parametrize("atomic", [True, False])
@pytest.mark.parametrize("written", [0, 1, 3, 7, 8, 15, 16, 55, 56, 57, 63, 64, 71])
def test_a_cut_at_every_byte_loses_at_most_the_record_being_written(written: int, atomic: bool) -> None:
    """With small segments, so that the writes cut are also those to a segment, new and old, and a removal is near."""
    with small(1300, 40):
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
                newest = acknowledged[-chain.KEPT :]  # those before may go to make room
                assert [entry for entry in entries if entry in newest] == newest
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


class Life(RuleBasedStateMachine):
    """A pump's journal through events, cuts, reboots and a flash that is full or fails now and then."""

    def __init__(self) -> None:
        super().__init__()
        self.patch = small(700, 30)
        self.patch.__enter__()
        self.store = Store()
        self.journal, _ = opened(self.store)
        self.known: list[Entry] = []  # that were acknowledged as stored
        self.said: dict[int, Entry] = {}

    def teardown(self) -> None:
        self.patch.__exit__(None, None, None)

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
