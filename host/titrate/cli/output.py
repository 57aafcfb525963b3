"""What commands write: results to stdout, messages to stderr; with --json one document to stdout and nothing else.

Rich leaves colours out where NO_COLOR is set or no terminal is there.
"""

import json as encoder
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from titrate.errors import LinkError, ProtocolError, PumpError

if TYPE_CHECKING:
    from titrate.client import Pump
    from titrate.record import Recorder

WIDTH_WITHOUT_TERMINAL = 160  # columns: a pipe gets whole tables

Json = Annotated[bool, typer.Option("--json", help="Write one JSON document to stdout, and messages to stderr.")]
Weight = Annotated[str | None, typer.Option(help='Body weight, such as "70 kg"; the file may have a default.')]
Age = Annotated[str | None, typer.Option(help='Age, such as "15 years", for protocols that are for some ages only.')]
Session = Annotated[int | None, typer.Option(help="Only this pass of the outermost repeat, from 1.")]
Port = Annotated[
    str,
    typer.Option(envvar="TITRATE_PORT", help="Where the pump is: sim://, emu://, /dev/ttyACM0, or another serial url."),
]
Override = Annotated[
    list[str] | None, typer.Option(metavar="FIELD=VALUE", help="A soft limit that it may pass, with its value.")
]
Record = Annotated[
    Path | None, typer.Option(help="Write a record of the session to this new file (JSONL), for `titrate report`.")
]
Logs = Annotated[
    Path | None,
    typer.Option(envvar="TITRATE_LOGS", metavar="FOLDER", help="At the end collect the pump's log in this folder."),
]
Syringe = Annotated[str, typer.Option(help="The syringe that is fitted.")]


def results() -> Console:
    """Where results for people go."""
    return _console(stderr=False)


def messages() -> Console:
    """Where progress, warnings and errors go."""
    return _console(stderr=True)


def document(data: Any) -> None:
    """The one JSON document of a command."""
    sys.stdout.write(encoder.dumps(data, allow_nan=False, ensure_ascii=False, indent=2) + "\n")
    sys.stdout.flush()  # here, where a full disk is still told


def warnings(texts: list[str] | tuple[str, ...]) -> None:
    """One line each on stderr."""
    for text in texts:
        messages().print("warning:", text, style="yellow", markup=False, highlight=False, soft_wrap=True)


def check_text(text: str, where: str, longest: int) -> None:
    """Raises ProtocolError for a text that the pump would not take, before it is asked."""
    if not (1 <= len(text) <= longest and text.isascii() and text.isprintable()):
        raise ProtocolError(where, text, f"1 to {longest} characters of printable ASCII")


def recorded(recorder: "Recorder") -> None:
    """Where the record of a session is, and whether all of it is there."""
    messages().print(f"record: {recorder.path}", markup=False, highlight=False, soft_wrap=True)
    if recorder.failed:
        warnings([f"the record ends early: {recorder.failed}"])


def collect_log(pump: "Pump", folder: Path) -> None:
    """Adds the pump's log to what the folder holds of it. What prevents that is a warning: it can be done later."""
    from titrate.collecting import collect

    try:
        collected = collect(pump, folder)
    except PumpError as error:
        warnings([f"the pump's log is not collected: {error}"])
        return
    messages().print(
        f"log: {collected.new} new entries in {collected.path}", markup=False, highlight=False, soft_wrap=True
    )
    if collected.lost:
        warnings([f"{collected.lost} entries before them are lost: the pump overwrote them before they were collected"])


def need_terminal(command: str) -> None:
    """Raises ProtocolError where nobody can be asked."""
    if not sys.stdin.isatty():
        raise ProtocolError(command, None, "--yes, where no terminal is there to ask at")


def confirm(question: str, command: str) -> None:
    """Waits for a yes; a no ends the command. Raises ProtocolError without a terminal."""
    need_terminal(command)
    if not typer.confirm(question):
        raise typer.Exit(1)


def ask_for_hands(keys: Sequence[str]) -> None:
    """A person has to hold keys of the pump; the first MUTE since it was switched on says that it was heard and seen.
    Without a terminal nobody can be asked: raises LinkError."""
    told = ", then ".join(f"{key.upper()} for a second" for key in keys)
    if not sys.stdin.isatty():
        raise LinkError(f"the pump wants a hand: hold {told}, and try again")
    seen = "If you have heard its buzzer and seen its three lights, hold" if keys == ("mute",) else "Hold"
    messages().print(f"At the pump: {seen} {told}.", style="bold")
    typer.prompt("Done? Press Enter", default="", show_default=False, err=True)


def failure(error: PumpError, json: bool) -> None:
    """An error as one line on stderr and, with --json, as a document."""
    line = " ".join(str(error).split()) or type(error).__name__
    try:
        messages().print(f"titrate: {line}", style="red", markup=False, highlight=False, soft_wrap=True)
        if json:
            error_document(type(error).__name__, line, error.exit_code)
    except OSError:  # where nothing can be said the exit code says it
        _drop()


def error_document(kind: str, message: str, exit_code: int) -> None:
    """The one JSON document of a command that failed."""
    document({"error": {"kind": kind, "message": message, "exit_code": exit_code}})


def unwritten(error: OSError) -> int:
    """Tells that stdout or stderr could not be written; the exit code of that."""
    _drop()
    told = ProtocolError("output", "stdout", f"a place that can be written ({error.strerror or error})")
    failure(told, json=False)
    return told.exit_code


def _drop() -> None:
    """Gives up what stdout has not taken, which the interpreter would else try once more at its end."""
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())


def _console(stderr: bool) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, width=None if stream.isatty() else WIDTH_WITHOUT_TERMINAL)
