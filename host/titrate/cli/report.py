"""`titrate report`: the page of a session, from its record."""

from pathlib import Path
from typing import Annotated

import typer

from titrate.cli import output


def report(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A record that `titrate play --record` wrote.")],
    page: Annotated[
        Path | None, typer.Option("--output", help="Where the page goes; beside the record, as .html.")
    ] = None,
    json: output.Json = False,
) -> None:
    """Make one HTML page of a session: commanded against counted against delivered, pictures, alarms, provenance."""
    from titrate.errors import ProtocolError
    from titrate.record import Record
    from titrate.report import as_page

    record = Record.read(file)
    target = page or file.with_suffix(".html")
    if target.resolve() == file.resolve():
        raise ProtocolError("--output", target, "another file than the record")
    try:
        target.write_text(as_page(record), encoding="utf-8")
    except OSError as error:
        raise ProtocolError("--output", target, f"a place that can be written ({error.strerror})") from None
    session = record.session
    if json:
        facts = ("outcome", "commanded_ml", "counted_ml", "delivered_ml", "error_percent", "simulated")
        output.document({"record": str(file), "page": str(target)} | {name: getattr(session, name) for name in facts})
    else:
        simulated = ", simulated" if session.simulated else ""
        line = (
            f"{target}: {session.outcome}, counted {session.counted_ml:.4f} of {session.commanded_ml:.4f} mL{simulated}"
        )
        output.results().print(line, markup=False, highlight=False, soft_wrap=True)
