"""`titrate status`: what a pump says of itself now."""

from titrate.cli import output


def status(port: output.Port, json: output.Json = False) -> None:
    """Show state, program, volume, pressure and alarms of a pump, and what to do about them (SR-UI-02)."""
    from pump.core.alarms import ALARMS, TEXT
    from titrate.cli.calibrate import lines
    from titrate.client import Pump

    with Pump.open(port) as pump:
        facts = pump.status() | {name: pump.hello[name] for name in ("firmware", "version", "board")}
        calibration = pump.calibration()
    if json:
        output.document(facts | {"calibration": calibration})
        return
    console = output.results()
    for name in sorted(facts):
        value = facts[name]
        shown = ", ".join(value) or "none" if isinstance(value, list) else value
        console.print(f"{name:<14} {shown}", markup=False, highlight=False)
    for line in lines(calibration):
        console.print(f"{'calibration':<14} {line}", markup=False, highlight=False)
    for name in facts["alarms"]:
        console.print(f"{name}: {ALARMS[name][TEXT]}", markup=False, highlight=False)
