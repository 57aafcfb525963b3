"""`titrate selftest`: what the pump found when it tested itself at power-on."""

import typer

from titrate.cli import output


def selftest(port: output.Port, json: output.Json = False) -> None:
    """Show the self-test of the last power-on, step by step."""
    from titrate.client import Pump

    with Pump.open(port) as pump:
        report = pump.selftest()
    failed = [name for name, result in report.items() if result == "failed"]
    if json:
        output.document({"steps": report, "failed": failed})
    else:
        console = output.results()
        for name in sorted(report):
            console.print(f"{name:<12} {report[name]}", markup=False, highlight=False)
    if failed:
        raise typer.Exit(1)
