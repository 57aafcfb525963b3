"""What must hold before the motor is let run, whatever it is to run. Raises Refusal with what does not."""

from pump.core import alarms, wire
from pump.core.program import Refusal

TYPE_CHECKING = False  # MicroPython has no typing
if TYPE_CHECKING:
    from pump.core.controller import Controller
    from pump.core.program import Program


def check_acknowledged(pump: "Controller") -> None:
    """A stop leads past the acknowledgement of what has stopped the motor; nothing else does."""
    if alarms.lowest_effect(pump.alarms) < alarms.HOLD:
        raise Refusal(wire.STILL_TRUE, "acknowledge first: %s" % ", ".join(alarms.named(pump.alarms)))


def check_ready(pump: "Controller") -> None:
    """What must hold before the motor is let run, or the one thing that does not (SR-STOP-01, SR-MECH-01)."""
    blocking = [name for name in alarms.named(pump.conditions) if alarms.ALARMS[name][alarms.EFFECT] < alarms.KEEP]
    if blocking:
        raise Refusal(wire.STILL_TRUE, "still true: %s" % ", ".join(blocking))
    if not pump.watch.sensors.syringe:
        raise Refusal(wire.STILL_TRUE, "there is no syringe in its holder")
    if not pump.watch.sensors.guard:
        raise Refusal(wire.STILL_TRUE, "the guard is open")


def check_memory(pump: "Controller", program: "Program") -> None:
    """What decides rate and volume is still what a person confirmed, bit by bit (SR-DIAG-09)."""
    if not program.intact() or not pump.step_volume_intact():
        pump.fail("program")
        raise Refusal(wire.DIGEST_DIFFERS, "the program in memory is not the one that was confirmed")
