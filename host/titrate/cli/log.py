"""`titrate log`: the pump's journal, chosen from, exported, verified, followed."""

import csv as separated
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, fields
from functools import partial
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from titrate.cli import output

if TYPE_CHECKING:
    from titrate.client import Pump
    from titrate.journal import Entry, Log

    Writer = Callable[[Sequence[Entry]], None]

STDOUT = "-"
LINE = "{sequence:>6}  boot {boot:<4}{time:>14}  {kind:<12} {text}{mark}"
NOT_STORED = "not stored"


def log(
    port: output.Port,
    kind: Annotated[list[str] | None, typer.Option(help="Only entries of this kind; may be given again.")] = None,
    after: Annotated[int, typer.Option(min=0, help="Only entries behind this sequence number.")] = 0,
    last: Annotated[int | None, typer.Option(min=1, help="Only so many, the newest.")] = None,
    boot: Annotated[int | None, typer.Option(min=0, help="Only those of the power-on with this number.")] = None,
    grep: Annotated[str, typer.Option(metavar="TEXT", help="Only those with this in their text.")] = "",
    csv: Annotated[str | None, typer.Option(metavar="FILE", help="Write them as CSV; - is stdout.")] = None,
    verify: Annotated[bool, typer.Option("--verify", help="Read all of it; exit code 1 if it is damaged.")] = False,
    follow: Annotated[bool, typer.Option("--follow", help="Go on with what happens, until Ctrl-C.")] = False,
    logs: output.Logs = None,
    json: output.Json = False,
) -> None:
    """Show the journal of a pump: what it was asked, what it did, and what went wrong."""
    from titrate.client import Pump
    from titrate.journal import select

    _check_options(csv, follow, json)
    kinds = kind or []
    filtered = bool(kinds or grep or boot is not None)
    with Pump.open(port) as pump:
        found = _read(pump, 0 if verify else after, None if verify or filtered else last)
        chosen = select(found.entries, kinds, after, last, boot, grep)
        with _writer(csv, follow, json) as write:
            write(chosen)
            if json:  # not before the file is there: an error is a document, too
                output.document(found.as_json() | {"entries": [asdict(entry) for entry in chosen]})
            _warn_of_kinds(kinds, found)
            _tell_findings(found, verify, aside=json or csv == STDOUT)
            if logs:
                output.collect_log(pump, logs)
            if follow:
                _follow(pump, found, write, partial(select, kinds=kinds, boot=boot, grep=grep))
    if verify and found.damage:
        raise typer.Exit(1)


def _check_options(csv: str | None, follow: bool, json: bool) -> None:
    from titrate.errors import ProtocolError

    if json and follow:
        raise ProtocolError("titrate log", "--json --follow", "one of them: a document has an end")
    if json and csv == STDOUT:
        raise ProtocolError("titrate log", "--json --csv -", "one of them on stdout; --csv FILE goes with --json")


def _read(pump: "Pump", after: int, newest: int | None) -> "Log":
    from rich.progress import Progress

    from titrate.journal_link import read

    console = output.messages()
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("files", total=None)
        return read(pump, after, newest, lambda done, of: progress.update(task, completed=done, total=of))


def _follow(pump: "Pump", found: "Log", write: "Writer", chosen: "Callable[[list[Entry]], list[Entry]]") -> None:
    from titrate.journal_link import follow

    try:
        for entry in follow(pump, found):
            write(chosen([entry]))
    except KeyboardInterrupt:
        return


# --- what is written


@contextmanager
def _writer(csv: str | None, follow: bool, json: bool) -> "Iterator[Writer]":
    """Writes entries: as CSV, as a table where a terminal is, else as lines; with --json and no file not at all."""
    if csv == STDOUT:
        yield _csv_writer(sys.stdout)
    elif csv is not None:
        with _created(csv) as file:
            yield _csv_writer(file)
    elif json:
        yield lambda entries: None
    else:
        yield _print_table if output.results().is_terminal and not follow else _print_lines


@contextmanager
def _created(path: str) -> "Iterator[TextIO]":
    from titrate.errors import ProtocolError

    try:
        with open(path, "w", newline="", encoding="utf-8") as file:
            yield file
    except OSError as error:
        raise ProtocolError("--csv", path, f"a file that can be written ({error.strerror})") from error


def _csv_writer(stream: "TextIO") -> "Writer":
    from titrate.journal import Entry

    rows = separated.DictWriter(stream, [field.name for field in fields(Entry)])
    rows.writeheader()

    def write(entries: Sequence[Entry]) -> None:
        for entry in entries:
            rows.writerow(asdict(entry) | {"stored": "yes" if entry.stored else "no"})
        stream.flush()

    return write


def _print_table(entries: "Sequence[Entry]") -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None)
    for heading in ("number", "power-on", "since power-on"):
        table.add_column(heading, justify="right")
    for heading in ("kind", "text", ""):
        table.add_column(heading)
    for entry in entries:
        cells = _cells(entry)
        names = ("sequence", "boot", "time", "kind", "text")
        table.add_row(*(Text(cells[name]) for name in names), Text("" if entry.stored else NOT_STORED, style="yellow"))
    output.results().print(table)


def _print_lines(entries: "Sequence[Entry]") -> None:
    console = output.results()
    for entry in entries:
        mark = "" if entry.stored else f"  ({NOT_STORED})"
        console.print(LINE.format(**_cells(entry), mark=mark), markup=False, highlight=False, soft_wrap=True)


def _cells(entry: "Entry") -> dict[str, str]:
    seconds, ms = divmod(entry.time_ms, 1000)
    return {
        "sequence": str(entry.sequence),
        "boot": "?" if entry.boot is None else str(entry.boot),
        "time": f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}.{ms:03}",
        "kind": _printable(entry.kind),
        "text": _printable(entry.text) + (f"  [{entry.utc}]" if entry.utc else ""),
    }


def _printable(text: str) -> str:
    """One line, whatever a host has made the pump write."""
    return "".join(character if character.isprintable() else "?" for character in text)


def _warn_of_kinds(kinds: list[str], found: "Log") -> None:
    known = {entry.kind for entry in found.entries}
    for name in kinds:
        if name not in known:
            output.warnings([f"no entry is of kind {_printable(name)}; there are {', '.join(sorted(known)) or 'none'}"])


def _tell_findings(found: "Log", verify: bool, aside: bool) -> None:
    """With --verify every finding and the verdict; else what is damaged, as warnings."""
    if not verify:
        output.warnings([str(finding) for finding in found.damage])
        return
    count = sum(entry.stored for entry in found.entries)
    verdict = (
        f"damaged: {len(found.damage)} findings"
        if found.damage
        else f"verified: the chain of {count} stored entries holds"
    )
    console = output.messages() if aside else output.results()
    for line in [*(str(finding) for finding in found.findings), verdict]:
        console.print(line, markup=False, highlight=False, soft_wrap=True)
