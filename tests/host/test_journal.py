"""The journal over the link: entries and findings as in the pump, whatever is wrong and whenever it is read."""

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hil.devices.store import Store
from pump.core import chain, record
from pump.core.chain import TAIL
from tests.core.journals import NAMES, REFERENCE, REFERENCE_ENTRIES, SEGMENTS, Unreadable, copy_of, fill, opened, starts
from tests.host.pumps import JournalPump
from titrate import journal_link
from titrate.errors import BadFrame, LinkError
from titrate.journal import Entry, Log, dated, select


def read(pump: JournalPump, **wanted: Any) -> Log:
    return journal_link.read(pump, **wanted)  # type: ignore[arg-type]  # a pump as far as these functions know it


def rows(entries: list[Entry]) -> list[list[Any]]:
    return [[entry.sequence, entry.time_ms, entry.kind, entry.text] for entry in entries]


def found_by(log: Log) -> list[tuple[str, int]]:
    return [(finding.kind, finding.sequence) for finding in log.findings]


@pytest.mark.requirement("SR-LOG-01", "SR-LOG-06")
def test_what_the_pump_holds_comes_entry_by_entry_with_the_number_of_its_power_on() -> None:
    store = Store()
    for boot in range(1, 4):
        found, _ = opened(store)
        for number in range(40):
            found.append(number, "boot" if not number else "state", f"{boot}, {number}")
    log = read(JournalPump(store))
    assert [entry.text for entry in log.entries] == [f"{entry.boot}, {entry.time_ms}" for entry in log.entries]
    assert [entry.sequence for entry in log.entries] == list(range(1, 121))
    assert {entry.boot for entry in log.entries} == {1, 2, 3}
    assert all(entry.stored for entry in log.entries)
    assert log.verified
    assert log.findings == []


def test_an_empty_journal_is_whole() -> None:
    log = read(JournalPump(Store()))
    assert log.entries == []
    assert log.verified


@pytest.mark.requirement("SR-LOG-09")
def test_what_is_not_stored_is_there_and_says_so() -> None:
    store = copy_of(REFERENCE)
    pump = JournalPump(store)
    store.failing = True
    pump.log.append(7, "boot", "on")
    pump.log.append(9, "alarm", "MEMORY_FAULT")
    log = read(pump)
    assert rows(log.entries[:-2]) == REFERENCE_ENTRIES
    assert log.entries[-2:] == [
        Entry(151, 2, 7, "boot", "on", stored=False),
        Entry(152, 2, 9, "alarm", "MEMORY_FAULT", stored=False),
    ]
    assert log.verified, "what was never stored is no damage"


def test_the_power_on_of_what_is_not_stored_goes_on_with_the_stored_one() -> None:
    pump = JournalPump(Store())
    pump.log.append(0, "boot", "on")
    pump.log.add(5, "state", "IDLE > READY: CONFIRM")
    assert [(entry.boot, entry.stored) for entry in read(pump).entries] == [(1, True), (1, False)]


def test_a_power_on_that_nobody_can_tell_has_no_number() -> None:
    """The flash has failed since power-on, and memory has forgotten the entry that began it."""
    store = copy_of(REFERENCE)
    pump = JournalPump(store)
    store.failing = True
    for number in range(100):
        pump.log.append(number, "boot" if not number else "state", "")
    newest = read(pump).entries[-1]
    assert (newest.sequence, newest.boot, newest.stored) == (250, None, False)


def test_what_is_stored_while_it_is_asked_for_counts_as_stored() -> None:
    pump = JournalPump(copy_of(REFERENCE))
    pump.log.add(1, "state", "late")
    pump.before = lambda method, params: method == "events" and pump.log.save()
    assert read(pump).entries[-1].stored


# --- what is wrong with it


@pytest.mark.requirement("SR-LOG-09")
def test_a_damaged_record_is_named_with_file_and_offset_and_the_others_are_served() -> None:
    store = copy_of(REFERENCE)
    at = starts(store.files[SEGMENTS[0]])[20]
    store.flip_bit(SEGMENTS[0], 8 * (at + 30))
    log = read(JournalPump(store))
    assert [entry.sequence for entry in log.entries] == [n for n in range(1, 151) if n != 21]
    assert not log.verified
    first = log.damage[0]
    assert (first.kind, first.file, first.offset, first.sequence) == (chain.DAMAGED, SEGMENTS[0], at, 21)
    assert str(first).startswith(f"DAMAGED in {SEGMENTS[0]} at byte {at}, record 21: ")


@pytest.mark.requirement("SR-LOG-09")
def test_what_a_power_cut_tore_off_is_a_finding_but_no_damage() -> None:
    store = copy_of(REFERENCE)
    pump = JournalPump(store)
    store.files[TAIL] += record.pack([151, 0, "state", "x" * 50], 2, 0)[:40]
    log = read(pump)
    assert rows(log.entries) == REFERENCE_ENTRIES
    assert log.verified
    (torn,) = log.findings
    assert (torn.kind, torn.file, torn.offset) == (chain.TORN, TAIL, len(REFERENCE.files[TAIL]))


@pytest.mark.requirement("SR-LOG-09")
@pytest.mark.parametrize("bad", [chain.MISSING, chain.UNREADABLE])
@pytest.mark.parametrize("name", NAMES)
def test_a_file_that_is_not_to_be_had_is_named(name: str, bad: str) -> None:
    store = Unreadable()
    store.files = dict(REFERENCE.files)
    pump = JournalPump(store)
    if bad == chain.MISSING:
        del store.files[name]
    else:
        store.bad = name
    log = read(pump)
    assert (bad, name) in {(finding.kind, finding.file) for finding in log.damage}
    assert len(log.entries) == 150 - len(starts(REFERENCE.files[name]))


@pytest.mark.requirement("SR-LOG-09")
def test_newest_records_that_are_gone_are_missed() -> None:
    store = copy_of(REFERENCE)
    pump = JournalPump(store)
    data = store.files[TAIL]
    store.files[TAIL] = data[: starts(data)[-1]]
    (finding,) = read(pump).damage
    assert (finding.kind, finding.text) == (chain.MISSING, "the newest records")


@pytest.mark.requirement("SR-LOG-09")
@settings(max_examples=300)
@given(st.data())
def test_whatever_is_wrong_the_host_finds_what_the_pump_finds(data: st.DataObject) -> None:
    store = copy_of(REFERENCE)
    for _ in range(data.draw(st.integers(1, 3))):
        name = data.draw(st.sampled_from(NAMES))
        old = store.files.get(name, b"")
        begin, end = sorted(data.draw(st.tuples(*[st.integers(0, len(old))] * 2)))
        store.files[name] = old[:begin] + data.draw(st.binary(max_size=40)) + old[end:]
        if data.draw(st.integers(0, 9)) == 0:
            del store.files[name]
    pump = JournalPump(store)
    log = read(pump)
    assert found_by(log) == [finding[:2] for finding in pump.log.verify()]
    assert all(entry in REFERENCE_ENTRIES for entry in rows(log.entries))


def test_a_text_that_is_no_utf_8_is_a_finding() -> None:
    good = record.pack([1, 0, "state", "abc"], 1, 0)
    body = good[:-7] + b"\xfe\xfe\xfe"
    store = Store()
    store.files[TAIL] = body + record.struct.pack("<I", record.binascii.crc32(body))
    assert found_by(read(JournalPump(store))) == [(chain.DAMAGED, 2)]


# --- how it is read


@pytest.mark.requirement("SR-LOG-07")
def test_only_the_files_that_are_needed_are_read() -> None:
    store = Store()
    fill(store, 400)
    pump = JournalPump(store)
    names = pump.log.files()
    assert len(names) > 5
    log = read(pump, after=390)
    assert not log.whole
    assert not log.verified
    assert not log.findings
    assert [entry.sequence for entry in select(log.entries, after=390)] == list(range(391, 401))
    assert set(pump.asked) & set(names) == set(names[-2:])
    assert [entry.sequence for entry in select(read(pump, newest=70).entries, last=70)] == list(range(331, 401))
    for after in range(0, 401, 7):
        assert [entry.sequence for entry in select(read(pump, after=after).entries, after=after)] == list(
            range(after + 1, 401)
        )


@pytest.mark.parametrize("every", [2, 3, 5, 7, 11, 30])
def test_what_the_pump_writes_meanwhile_makes_no_finding(every: int) -> None:
    """A record now and then, so that the tail moves to a segment, new ones begin, while the files are read."""
    store = Store()
    fill(store, 250)
    pump = JournalPump(store)
    count = itertools.count(1)

    def meanwhile(method: str, params: dict[str, Any]) -> None:
        number = next(count)
        if number % every == 0 and number < 100:
            pump.log.append(10**6 + number, "state", "x" * 200)

    pump.before = meanwhile
    log = read(pump)
    assert log.findings == []
    numbers = [entry.sequence for entry in log.entries]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) >= 250


def test_the_oldest_file_may_go_while_it_is_read() -> None:
    store = Store()
    fill(store, 1100)
    pump = JournalPump(store)
    oldest = pump.log.files()[0]

    def meanwhile(method: str, params: dict[str, Any]) -> None:
        if params.get("name") == oldest and params["first"] == 512:
            number = itertools.count()
            while oldest in pump.log.files():
                pump.log.append(10**6 + next(number), "state", "on it goes")

    pump.before = meanwhile
    log = read(pump)
    assert log.findings == []
    assert oldest not in pump.log.files()
    assert log.entries[0].sequence == chain.first_of(pump.log.files()[0])


def test_a_pump_that_never_stops_writing_is_given_up() -> None:
    pump = JournalPump(copy_of(REFERENCE))
    pump.before = lambda method, params: pump.log.append(0, "state", "") and None
    with pytest.raises(LinkError, match="faster"):
        read(pump)


def test_a_file_without_an_end_is_a_bad_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    pump = JournalPump(copy_of(REFERENCE))
    monkeypatch.setattr(pump.log, "raw", lambda name, first, most: (9999, b""))
    with pytest.raises(BadFrame, match="9999"):
        read(pump)


def test_each_file_is_told_as_it_comes() -> None:
    told: list[tuple[int, int]] = []
    read(JournalPump(copy_of(REFERENCE)), on_file=lambda done, of: told.append((done, of)))
    assert told == [(n, len(NAMES)) for n in range(1, len(NAMES) + 1)]


# --- dates, and choosing


@pytest.mark.requirement("SR-LOG-03")
def test_entries_have_date_and_time_once_a_host_has_told_it_in_that_power_on() -> None:
    def at(sequence: int, boot: int | None, time_ms: int, kind: str = "state", text: str = "") -> Entry:
        return Entry(sequence, boot, time_ms, kind, text, stored=True)

    found = dated(
        [
            at(1, 1, 500),
            at(2, 2, 250),
            at(3, 2, 1000, "clock", "utc_s 1764000000.000"),
            at(4, 2, 2500),
            at(5, 2, 10_000, "clock", "utc_s 1764000010.000"),
            at(6, 2, 10_001),
            at(7, 3, 1, "clock", "utc_s nonsense"),
            at(8, 4, 1, "clock", "utc_s 1099511627776.000"),
            at(9, None, 1),
        ]
    )
    assert [entry.utc for entry in found] == [
        None,
        "2025-11-24T15:59:59.250Z",
        "2025-11-24T16:00:00.000Z",
        "2025-11-24T16:00:01.500Z",
        "2025-11-24T16:00:10.000Z",
        "2025-11-24T16:00:10.001Z",
        None,
        None,
        None,
    ]


ENTRIES = [
    Entry(1, 1, 0, "boot", "0.1.0", True),
    Entry(2, 1, 5, "alarm", "OCCLUSION at 90000 Pa", True),
    Entry(3, 2, 0, "boot", "0.1.0", True),
    Entry(4, 2, 9, "alarm", "AIR_IN_LINE", True),
    Entry(5, 2, 9, "command", "stop", False),
]


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        ({}, [1, 2, 3, 4, 5]),
        ({"kinds": ["alarm"]}, [2, 4]),
        ({"kinds": ["alarm", "command"]}, [2, 4, 5]),
        ({"after": 3}, [4, 5]),
        ({"boot": 2}, [3, 4, 5]),
        ({"grep": "occl"}, [2]),
        ({"last": 2}, [4, 5]),
        ({"last": 99}, [1, 2, 3, 4, 5]),
        ({"kinds": ["alarm"], "last": 1}, [4]),
        ({"kinds": ["alarm"], "boot": 1, "grep": "pa"}, [2]),
    ],
)
def test_entries_are_chosen(wanted: dict[str, Any], numbers: list[int]) -> None:
    assert [entry.sequence for entry in select(ENTRIES, **wanted)] == numbers
