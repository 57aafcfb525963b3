"""`titrate selftest`: what the pump found when it tested itself at power-on, and what only a person can see."""

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from titrate.cli import output

if TYPE_CHECKING:
    from titrate.checking import Check


class Person:
    """Asks at the terminal."""

    def do(self, what: str) -> bool:
        return not _answer(f"{what}: Enter, and then do it; s skips it").startswith("s")

    def sees(self, question: str) -> bool | None:
        while True:
            answer = _answer(f"{question} y, n, or s to skip it")
            if answer[:1] in ("y", "n", "s"):
                return {"y": True, "n": False}.get(answer[:1])


def selftest(
    port: output.Port,
    guided: Annotated[
        bool, typer.Option("--guided", help="Go through every input and output, with a person at the pump.")
    ] = False,
    syringe: output.Syringe = "bd-plastipak-50",
    json: output.Json = False,
) -> None:
    """Show the self-test of the last power-on, step by step; --guided checks inputs and outputs with a person."""
    from titrate.checking import checks
    from titrate.client import Pump
    from titrate.plan import syringe_id

    syringe_id(syringe)
    done: list[Check] = []
    with Pump.open(port) as pump:
        report = pump.selftest()
        if guided:
            for check in checks(pump, Person() if sys.stdin.isatty() else None, syringe):
                output.messages().print(f"{check.name}: {check.result}, {check.why}", markup=False, highlight=False)
                done.append(check)
        hello = pump.hello
    failed = [name for name, result in report.items() if result == "failed"]
    failed += [check.name for check in done if check.result == "failed"]
    if json:
        output.document({"steps": report, "failed": failed} | (_record(hello, done) if guided else {}))
    else:
        console = output.results()
        for name in sorted(report):
            console.print(f"{name:<12} {report[name]}", markup=False, highlight=False)
        for check in done:
            console.print(f"{check.name:<23} {check.result:<8} {check.why}", markup=False, highlight=False)
    if failed:
        raise typer.Exit(1)


def _record(hello: dict[str, Any], done: "list[Check]") -> dict[str, Any]:
    """What the record of a guided check holds beside the self-test: which pump, when, and each check."""
    from datetime import UTC, datetime

    return {
        "checks": [vars(check) for check in done],
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "pump": {name: hello[name] for name in ("board", "serial", "firmware", "version")},
    }


def _answer(question: str) -> str:
    return str(typer.prompt(question, default="", show_default=False, err=True)).strip().lower()
