"""Drug libraries, in files and in a pump: `titrate library validate` and the rest. Every one takes --json."""

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from titrate.cli import output

if TYPE_CHECKING:
    from pump.core.library import Library

File = Annotated[str, typer.Argument(metavar="FILE_OR_NAME", help="A library file, or a packaged name.")]


def validate(file: File, json: output.Json = False) -> None:
    """Check a library file: every field there, every limit in order."""
    from titrate.library import read

    library = read(file).library
    if json:
        output.document({"file": file, "valid": True, "digest": library.digest, "entries": len(library.entries)})
    else:
        line = f"{file} is valid: {len(library.entries)} entries, digest {library.digest}"
        output.results().print(line, markup=False, highlight=False, soft_wrap=True)


def show(
    file: Annotated[str | None, typer.Argument(metavar="[FILE_OR_NAME]", help="A library file, or a name.")] = None,
    port: Annotated[str | None, typer.Option(help="Show what the pump on this port holds instead.")] = None,
    json: output.Json = False,
) -> None:
    """Show the entries of a file, or of the library in a pump."""
    from titrate.errors import ProtocolError
    from titrate.library import packaged, read

    if (file is None) == (port is None):
        given = file and f"{file} and --port {port}"
        raise ProtocolError("library show", given, f"a file, one of {', '.join(packaged())}, or --port")
    notes: dict[str, str] = {}
    if port is not None:
        from titrate.client import Pump
        from titrate.library_link import download

        with Pump.open(port) as pump:
            library = download(pump)
    else:
        assert file is not None
        found = read(file)
        library, notes = found.library, found.notes
    if json:
        entries = [entry | {"note": notes.get(entry["code"])} for entry in library.entries]
        output.document({"digest": library.digest, "entries": entries})
    else:
        _print(library, notes)


def diff(before: File, after: File, json: output.Json = False) -> None:
    """Show what changes from one library file to another."""
    from titrate.library import differences, read

    old, new = read(before).library, read(after).library
    changes = differences(old, new)
    if json:
        output.document({"before": old.digest, "after": new.digest, "changes": changes})
        return
    console = output.results()
    for change in changes:
        what = f"{change['drug']} {change['code']}: {change['field'] or 'entry, version'}"
        values = f"{_or_none(change['before'])} > {_or_none(change['after'])}"
        console.print(f"{what}: {values}", markup=False, highlight=False, soft_wrap=True)
    if not changes:
        console.print("no difference")


def upload(file: File, port: output.Port, json: output.Json = False) -> None:
    """Put a library file in force in an idle pump; a program that is loaded there is dropped."""
    from titrate import library_link
    from titrate.client import Pump
    from titrate.library import read

    found = read(file).library
    with Pump.open(port) as pump:
        digest = library_link.upload(pump, found, int(time.time()))
    if json:
        output.document({"file": file, "digest": digest, "entries": len(found.entries)})
    else:
        output.results().print(f"{len(found.entries)} entries are in force, digest {digest}", soft_wrap=True)


def defaults(port: output.Port, json: output.Json = False) -> None:
    """What a pump's firmware offers before anything is chosen; it seeds a program and never starts one."""
    from titrate.client import Pump

    with Pump.open(port) as pump:
        found = pump.request("defaults")
    if json:
        output.document(found)
        return
    for name, value in sorted(found.items()):
        output.results().print(f"{name:<22}  {value}", markup=False, highlight=False)


def history(port: output.Port, json: output.Json = False) -> None:
    """The libraries that came in force in a pump, and when."""
    from datetime import UTC, datetime

    from titrate.client import Pump

    with Pump.open(port) as pump:
        lines = pump.request("library_history")["lines"]
    found = []
    for line in lines:
        utc_s, digest, *codes = line.split()
        when = datetime.fromtimestamp(int(utc_s), UTC).isoformat() if int(utc_s) else None
        found.append({"utc": when, "digest": digest, "entries": codes})
    if json:
        output.document(found)
        return
    for entry in found:
        words = f"{entry['utc'] or 'nobody told the time':<25}  {entry['digest']}  {', '.join(entry['entries'])}"
        output.results().print(words, markup=False, highlight=False, soft_wrap=True)
    if not found:
        output.results().print("no library has come in force")


def _print(library: "Library", notes: dict[str, str]) -> None:
    from rich.table import Table

    table = Table(box=None, caption=f"digest {library.digest}; --json shows every field")
    for heading in ("drug", "code", "profile"):
        table.add_column(heading)
    for heading in ("mg/mL", "mL/h", "mg/kg/h", "mg/kg in 24 h", "lockout min"):
        table.add_column(heading, justify="right")
    table.add_column("version")
    for entry in library.entries:
        low, high = (entry[f"concentration_{side}_ng_ml"] / 1e6 for side in ("low", "high"))
        table.add_row(
            entry["drug"],
            entry["code"],
            entry["profile"],
            f"{low:g}" if low == high else f"{low:g} to {high:g}",
            _span(entry, "rate", "nl_h"),
            _span(entry, "dose_rate", "ng_kg_h"),
            f"{entry['dose_24h_hard_ng_kg'] / 1e6:g}",
            f"{entry['bolus_lockout_ms'] / 60000:g}",
            f"{entry['version']}, {entry['date']}",
        )
    console = output.results()
    console.print(table)
    for code in sorted(notes):
        console.print(f"{code}: {notes[code]}", markup=False, highlight=False, soft_wrap=True)


def _span(entry: dict[str, Any], stem: str, unit: str) -> str:
    low, high = (entry[f"{stem}_hard_{side}_{unit}"] / 1e6 for side in ("low", "high"))
    return f"{low:g} to {high:g}"


def _or_none(value: object) -> str:
    return "none" if value is None else str(value)


library = (validate, show, diff, upload, history, defaults)
