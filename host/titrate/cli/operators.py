"""Who may start the pump and set it up. Until somebody is recorded, `bench` without a passphrase may do everything.

Sign in by the environment: TITRATE_OPERATOR, TITRATE_PASSPHRASE, and TITRATE_LABEL for the run.
"""

import secrets
import sys
from typing import Annotated

import typer

from titrate.cli import output

LONGEST_NAME = 20  # that the pump takes
Name = Annotated[str, typer.Argument(help=f"The operator's name, 1 to {LONGEST_NAME} characters.")]


def default(context: typer.Context, port: output.Port = "", json: output.Json = False) -> None:
    """Show who is known to a pump."""
    from titrate.client import Pump
    from titrate.errors import ProtocolError

    if context.invoked_subcommand:
        return
    if not port:
        raise ProtocolError("--port", None, "where the pump is, such as sim:// or /dev/ttyACM0")
    with Pump.open(port) as pump:
        found = pump.request("operators")
    if json:
        output.document(found)
        return
    console = output.results()
    for name, administrator in found["operators"]:
        console.print(f"{name}{', administrator' if administrator else ''}", markup=False, highlight=False)
    if not found["operators"]:
        console.print("nobody is recorded: `bench` without a passphrase may do everything")


def add(
    name: Name,
    port: output.Port,
    administrator: Annotated[bool, typer.Option("--administrator", help="May set the pump up, too.")] = False,
    passphrase: Annotated[
        str | None, typer.Option(envvar="TITRATE_NEW_PASSPHRASE", help="Asked for, unless given.")
    ] = None,
    json: output.Json = False,
) -> None:
    """Record an operator, or give one another passphrase."""
    from pump.core.access import digest_of
    from titrate.errors import ProtocolError

    if passphrase is None:
        if not sys.stdin.isatty():
            raise ProtocolError("titrate operators add", None, "TITRATE_NEW_PASSPHRASE, where nobody can be asked")
        passphrase = str(typer.prompt("Passphrase", default="", show_default=False, hide_input=True, err=True))
        again = typer.prompt("Once more", default="", show_default=False, hide_input=True, err=True)
        if again != passphrase:
            raise ProtocolError("titrate operators add", None, "the same passphrase twice")
    salt = secrets.token_hex(8)
    _record(port, json, name=name, salt=salt, digest=digest_of(salt, passphrase), administrator=administrator)


def remove(name: Name, port: output.Port, json: output.Json = False) -> None:
    """Forget an operator."""
    _record(port, json, name=name, salt="", digest="", administrator=False)


def _record(port: str, json: bool, **record: str | bool) -> None:
    from titrate.client import Pump

    output.check_text(str(record["name"]), "NAME", LONGEST_NAME)
    with Pump.open(port) as pump:
        found = pump.request("operator", **record)
    if json:
        output.document(found)
    else:
        names = ", ".join(name for name, _ in found["operators"]) or "nobody"
        output.results().print(f"known: {names}", markup=False, highlight=False)


operators = (default, add, remove)
