"""`titrate settings`: what can be chosen in the pump, beside its drug library."""

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

    changes = dict(_change(text) for text in change or [])
    with Pump.open(port) as pump:
        found = pump.configure(**changes) if changes else pump.settings()
    if json:
        output.document(found)
        return
    console = output.results()
    for name in sorted(found):
        least, most, _, meaning = SETTINGS[name]
        console.print(f"{name:<18} {found[name]}  ({least} to {most}) {meaning}", markup=False, highlight=False)


def _change(text: str) -> tuple[str, int]:
    from pump.core.wire import SETTINGS
    from titrate.errors import ProtocolError

    name, _, value = text.partition("=")
    if name not in SETTINGS:
        raise ProtocolError("NAME=VALUE", text, f"a name of {', '.join(sorted(SETTINGS))}")
    least, most = SETTINGS[name][:2]
    if not value.isdigit() or not least <= int(value) <= most:
        raise ProtocolError(name, value, f"{least} to {most}")
    return name, int(value)
