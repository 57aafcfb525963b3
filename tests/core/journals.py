"""Journals for tests: opened, filled, served as to a host, and one written once that tests damage copies of."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from hil.devices.store import Store
from pump.core import chain, journal, record
from pump.core.chain import TAIL
from pump.core.journal import Journal

Entry = list[Any]
KINDS = ("state", "alarm", "command", "refused", "relief")


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


def starts(data: bytes) -> list[int]:
    starts, at = [], 0
    while at < len(data):
        starts.append(at)
        at = record.end_of(data, at)
        assert at
    return starts


class Unreadable(Store):
    """One file gives a read error."""

    bad = ""

    def read(self, name: str) -> bytes | None:
        if name == self.bad:
            raise OSError(5, "input/output error")
        return super().read(name)


@contextmanager
def small(segment_bytes: int, kept: int) -> Iterator[None]:
    """Segments so small, and so few records kept, that a test soon sees a new segment and an old one go."""
    with mock.patch.object(journal, "SEGMENT_BYTES", segment_bytes), mock.patch.object(chain, "KEPT", kept):
        yield


REFERENCE = Store()
REFERENCE_ENTRIES = served(fill(REFERENCE, 150))
SEGMENTS = sorted(set(REFERENCE.files) - {TAIL})
NAMES = [*SEGMENTS, TAIL]
