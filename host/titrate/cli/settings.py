"""`titrate settings` and `titrate clear`: what can be chosen in the pump, and how it forgets what was chosen."""

import re
from typing import Annotated

import typer

from titrate.cli import output


def settings(
    port: output.Port,
    change: Annotated[list[str] | None, typer.Argument(metavar="[NAME=VALUE]...", help="What to change.")] = None,
    json: output.Json = False,
) -> None:
    """Show the settings of a pump, or change some while it is idle."""
    from pump.core.wire import SETTINGS
    from titrate.client import Pump

    changes = _changes(change or [])
    with Pump.open(port) as pump:
        found = pump.configure(**changes) if changes else pump.settings()
    if json:
        output.document(found)
        return
    console = output.results()
    for name in sorted(found):
        least, most, _, meaning = SETTINGS[name]
        console.print(f"{name:<18} {found[name]}  ({least} to {most}) {meaning}", markup=False, highlight=False)


def clear(
    what: Annotated[str, typer.Argument(help="settings, library, operators or calibration")],
    port: output.Port,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask first.")] = False,
    json: output.Json = False,
) -> None:
    """Let an idle pump forget its settings, its drug library, its operators or its calibration."""
    from titrate.client import Pump

    with Pump.open(port) as pump:
        token = pump.request("clear", what=what)["token"]
        if not yes:
            output.confirm(f"Forget the {what} of the pump on {port}?", "titrate clear")
        done = pump.request("clear_confirm", token=token)
    if json:
        output.document(done)
    else:
        output.results().print(f"forgotten: {what}", markup=False, highlight=False)


def _changes(texts: list[str]) -> dict[str, int]:
    from titrate.errors import ProtocolError

    changes: dict[str, int] = {}
    for text in texts:
        name, value = _change(text)
        if name in changes:
            raise ProtocolError("NAME=VALUE", text, f"one value for {name}; {name}={changes[name]} is given as well")
        changes[name] = value
    return changes


def _change(text: str) -> tuple[str, int]:
    from pump.core.wire import SETTINGS
    from titrate.errors import ProtocolError

    name, _, value = text.partition("=")
    if name not in SETTINGS:
        raise ProtocolError("NAME=VALUE", text, f"a name of {', '.join(sorted(SETTINGS))}")
    least, most = SETTINGS[name][:2]
    if not re.fullmatch("[0-9]{1,18}", value) or not least <= int(value) <= most:
        raise ProtocolError(name, value, f"{least} to {most}")
    return name, int(value)
