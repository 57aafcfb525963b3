"""Collects the pump's log in a folder on the host, one file a pump, so that what the pump overwrites in its small flash
stays for good (SR-LOG-07).

A file holds one entry a line, as `titrate log --json` has it, oldest first, and grows at its end. Only what is stored
in the pump is collected: a power cut can take the rest back.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from titrate.errors import ProtocolError
from titrate.journal import Entry
from titrate.journal_link import read

if TYPE_CHECKING:
    from titrate.client import Pump

WHERE = "--logs"
TAIL_BYTES = 4096  # at the end of a file: more than the longest entry
FOR_EVER = ("sequence", "boot", "time_ms", "kind", "text")  # what of an entry never changes: a date may come later


@dataclass(frozen=True)
class Collected:
    """path: of the pump's file. new: entries that came to it. lost: entries that the pump had overwritten before."""

    path: Path
    new: int
    lost: int


def collect(pump: Pump, folder: Path) -> Collected:
    """Adds what the pump has stored since the last time to its file in the folder.

    A pump whose log is another one than the file's, because its flash was erased, begins a further file. Raises
    ProtocolError for a folder or a file that cannot be used, and LinkError's tree.
    """
    name = "".join(character for character in pump.hello["serial"] if character.isalnum()) or "pump"
    number = 1
    while _path(folder, name, number + 1).exists():
        number += 1
    path = _path(folder, name, number)
    last = _last_of(path)
    behind: int = last["sequence"] if last else 0
    held = _stored(pump, max(behind - 1, 0))
    if last and not _goes_on(last, held):
        path, last, behind = _path(folder, name, number + 1), None, 0
        held = _stored(pump, 0)
    new = [entry for entry in held if entry.sequence > behind]
    _append(path, new)
    return Collected(path, len(new), new[0].sequence - behind - 1 if new else 0)


def _path(folder: Path, name: str, number: int) -> Path:
    return folder / (f"{name}.jsonl" if number == 1 else f"{name}-{number}.jsonl")


def _stored(pump: Pump, after: int) -> list[Entry]:
    return [entry for entry in read(pump, after).entries if entry.stored]


def _goes_on(last: dict[str, Any], held: Sequence[Entry]) -> bool:
    """Whether the pump's log is that of the file: it has the file's newest entry too, or only later ones."""
    if not held or held[-1].sequence < last["sequence"]:
        return False
    of_pump = {entry.sequence: asdict(entry) for entry in held}.get(last["sequence"], last)
    return all(of_pump[name] == last[name] for name in FOR_EVER)


def _last_of(path: Path) -> dict[str, Any] | None:
    """The newest entry in a file, None where there is no file."""
    try:
        with path.open("rb") as file:
            file.seek(max(file.seek(0, os.SEEK_END) - TAIL_BYTES, 0))
            line = file.read().splitlines()[-1:]
        last: dict[str, Any] = json.loads(line[0])
        if all(name in last for name in FOR_EVER) and isinstance(last["sequence"], int):
            return last
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ProtocolError(WHERE, path, f"a file that can be read ({error.strerror})") from error
    except (ValueError, IndexError, TypeError):
        pass
    raise ProtocolError(WHERE, path, "a log that was collected before, whole to its last line")


def _append(path: Path, entries: Sequence[Entry]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(asdict(entry), ensure_ascii=False) + "\n" for entry in entries)
    except OSError as error:
        raise ProtocolError(WHERE, path, f"a folder that can be written ({error.strerror})") from error
