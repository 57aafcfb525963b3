"""The journal's files as whoever verifies the chain gets them: named by age, and byte for byte."""

import pytest

from hil.devices.store import Store
from pump.core import chain, framing, record
from pump.core.chain import TAIL
from tests.core.journals import NAMES, REFERENCE, SEGMENTS, Unreadable, copy_of, opened


def test_names_are_sorted_by_age_with_the_tail_last_and_nothing_else_among_them() -> None:
    store = copy_of(REFERENCE)
    for name in ("totals0", "j0000001", "jxxxxxxxx", "j000000001", "library0"):
        store.write(name, b"another's")
    found, _ = opened(store)
    assert found.files() == [*SEGMENTS, TAIL]
    assert [chain.first_of(name) for name in SEGMENTS] == sorted(chain.first_of(name) for name in SEGMENTS)
    assert chain.first_of(TAIL) == chain.NONE


def test_an_empty_store_has_no_files_and_the_first_event_makes_one() -> None:
    found, _ = opened(Store())
    assert found.files() == []
    found.append(0, "boot", "on")
    assert found.files() == [TAIL]


@pytest.mark.parametrize("name", NAMES)
def test_pieces_make_the_whole(name: str) -> None:
    found, _ = opened(copy_of(REFERENCE))
    data = b""
    while piece := found.raw(name, len(data), 256)[1]:
        assert len(piece) <= 256
        data += piece
    assert data == REFERENCE.files[name]
    assert found.raw(name, 0, 1) == (len(data), data[:1])
    assert found.raw(name, 10**9, 256) == (len(data), b"")


@pytest.mark.parametrize("name", NAMES)
def test_a_file_that_is_gone_or_unreadable_is_listed_and_says_so(name: str) -> None:
    store = Unreadable()
    store.files = dict(REFERENCE.files)
    found, _ = opened(store)
    store.bad = name
    assert found.raw(name, 0, 256) == (chain.NO_READ, b"")
    store.bad = ""
    del store.files[name]
    assert name in found.files()
    assert found.raw(name, 0, 256) == (chain.NO_FILE, b"")


@pytest.mark.requirement("SR-LOG-08")
def test_the_longest_list_of_names_is_one_line_of_the_link() -> None:
    """Segments have the fewest records when each is so long that the tail holds one. Every save then moves the tail to
    a segment, and the oldest must be removed all the same."""
    store = Store()
    found, _ = opened(store)
    most = 0
    for number in range(1500):
        assert found.append(number, "alarm", "x" * (record.MOST_BYTES - record.LEAST_BYTES - len("alarm")))
        most = max(most, len(found.files()))
    assert most == 66
    names = [chain.segment_name(0xFFFFFF00 + number) for number in range(most)]
    result = {"names": names, "size": 0, "data": "", "last": 0xFFFFFFFF, "saved": 0xFFFFFFFF}
    assert len(framing.encode({"id": 0xFFFFFFFF, "result": result})) <= framing.MAX_LINE_BYTES
