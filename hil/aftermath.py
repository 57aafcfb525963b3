"""What a test leaves behind: a pump that is stopped and stands, and no alarm that nobody caused."""

from __future__ import annotations

from collections.abc import Iterable

from hil.bench import Bench
from hil.instruments.errors import InstrumentError
from hil.real import RealBench
from pump.core.alarms import ALARMS
from titrate.errors import PumpError

# The rig's programs come without a drug library and may end, and a small syringe is soon empty.
ORDINARY = {"LIBRARY_MISSING", "NEAR_EMPTY", "INFUSION_COMPLETE"}
STANDS_S = 1.0  # for so long nothing may move after a stop
BOOTS_S = 3.0  # longer than the watchdog and a start


def leave(bench: Bench | RealBench, expected: Iterable[str] = ()) -> list[str]:
    """Stops the pump of a bench, whatever state the test left it in; a line for each thing that is wrong.

    expected: alarms that the test is about, beside those that its hands may have caused.
    """
    wrong: list[str] = []
    if bench.simulated and not bench.powered:
        return wrong
    try:
        wrong += _stop(bench)
        events = bench.pump.events(bench.since)
        came = {event["text"].split(" ", 1)[0] for event in events if event["kind"] == "alarm"}
        came |= set(bench.pump.status()["alarms"])
        surprises = came - ORDINARY - bench.expected - set(expected)
        wrong += [f"an alarm that nobody caused: {name}" for name in sorted(surprises & set(ALARMS))]
        if isinstance(bench, RealBench):  # the next test finds the same pump
            bench.rest()
    except InstrumentError:
        raise
    except PumpError as error:
        wrong.append(f"the pump could not be stopped: {error}")
    return wrong


def _stop(bench: Bench | RealBench) -> list[str]:
    if bench.simulated:
        bench.target.plug_link(True)
        if "WATCHDOG_RESET" in bench.expected:
            bench.run_for(BOOTS_S)
    elif not bench.powered:
        bench.restore_power()
    bench.reconnect()
    bench.pump.stop()
    bench.run_for(STANDS_S / 2)  # a step that was on its way, and the back-off of an occlusion that a stop ends
    if not bench.simulated:
        return ["the motor turns after a stop"] if bench.motor_on else []
    steps = bench.steps
    bench.run_for(STANDS_S)
    wrong = ["a step after a stop"] if bench.steps != steps else []
    return wrong + (["the motor driver is on after a stop"] if bench.motor_on else [])
