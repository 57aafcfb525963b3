"""The event log in memory: numbered entries, the oldest forgotten first. Numbers never have a gap."""

TYPE_CHECKING = False  # MicroPython has no typing
if TYPE_CHECKING:
    from typing import Any

    Entry = list[Any]  # [sequence, time_ms, kind, text]


LONGEST_TEXT = 160


class Log:
    """entries: [sequence, time_ms, kind, text]; `told` is the last sequence that the host has been sent."""

    def __init__(self, capacity: int = 64) -> None:
        self._capacity = capacity
        self.entries: list[Entry] = []
        self.last = 0
        self.told = 0

    def add(self, time_ms: int, kind: str, text: str) -> None:
        self.last += 1
        self.entries.append([self.last, time_ms, kind, text[:LONGEST_TEXT]])
        if len(self.entries) > self._capacity:
            self.entries.pop(0)

    def after(self, sequence: int, most: int) -> "list[Entry]":
        """Up to `most` entries behind `sequence`, oldest first."""
        return [entry for entry in self.entries if entry[0] > sequence][:most]
