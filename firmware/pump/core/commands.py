"""What each request of wire.METHODS does once its form and the state allow it. Raises Refusal before any change.

One exception, on the safe side: a first `load` forgets the program that was there, even if the new one is refused.
"""

from pump.core import alarms, wire
from pump.core.infusion import Infusion
from pump.core.program import Program, Refusal, is_whole
from pump.core.syringes import NOMINAL_NL, SYRINGES, fill_steps, step_volume_pl
from pump.core.units import MS_PER_H, PL_PER_NL, S_PER_H, TICKS_PER_MS

TYPE_CHECKING = False  # MicroPython has no typing
if TYPE_CHECKING:
    from collections.abc import Callable

    from pump.core.controller import Controller
    from pump.core.hardware import Message, Phase

EVENTS_PER_REPLY = 8
EVENTS_TEXT_BYTES = 400  # with quotes and numbers around it a reply stays one line of the link


def hello(pump: "Controller") -> "Message":
    board = pump.board
    return {
        "name": "titrate",
        "version": pump.build.VERSION,
        "wire": wire.table_digest(),
        "firmware": pump.build.DIGEST,
        "board": board.NAME,
        "lead_um": board.LEAD_UM,
        "steps_per_turn": board.STEPS_PER_TURN,
        "notice": "bench and research device, not for use on people",
    }


def status(pump: "Controller") -> "Message":
    return pump.status()


def heartbeat(pump: "Controller") -> "Message":
    return {"time_ms": pump.now_ms}


def events(pump: "Controller", after: int) -> "Message":
    entries = pump.log.after(after, EVENTS_PER_REPLY)
    while len(entries) > 1 and sum([len(entry[3]) for entry in entries]) > EVENTS_TEXT_BYTES:
        entries.pop()
    return {"last": pump.log.last, "entries": entries}


def _check_syringe(syringe: str, fill_nl: int) -> None:
    if syringe not in SYRINGES:
        raise Refusal(wire.BEYOND_LIMIT, "syringe: known are %s" % ", ".join(sorted(SYRINGES)))
    most = SYRINGES[syringe][NOMINAL_NL]
    if not is_whole(fill_nl, 1, most):
        raise Refusal(wire.BEYOND_LIMIT, "fill_nl: must be 1 to %d for %s" % (most, syringe))


def syringe(pump: "Controller", syringe: str, fill_nl: int) -> "Message":
    """Declares a fitted syringe. A program keeps the model with which it was started."""
    _check_syringe(syringe, fill_nl)
    if pump.infusion and syringe != pump.syringe:
        raise Refusal(wire.BEYOND_LIMIT, "syringe: the program runs on %s" % pump.syringe)
    pump.syringe = syringe
    pump.step_volume = step_volume_pl(syringe, pump.board.LEAD_UM, pump.board.STEPS_PER_TURN)
    pump.syringe_end_steps = pump.total_steps + fill_steps(fill_nl, pump.step_volume)
    pump.conditions &= ~alarms.BITS["SYRINGE_EMPTY"]
    if pump.infusion:
        pump.infusion.refit(pump.syringe_end_steps, pump.total_steps)
    pump.event("FIT_SYRINGE")
    return {"remaining_nl": pump.nl_of(pump.syringe_end_steps - pump.total_steps)}


def fastest_pl_h(pump: "Controller", syringe: str) -> int:
    """The fastest rate that board and syringe allow (SR-RATE-04, SR-MECH-03)."""
    pl, divisor = step_volume_pl(syringe, pump.board.LEAD_UM, pump.board.STEPS_PER_TURN)
    by_motor = pl * pump.board.MAX_STEPS_PER_S * S_PER_H // divisor
    return min(by_motor, pump.board.MAX_RATE_NL_H * PL_PER_NL)


def load(pump: "Controller", program: "Message", first: int, phases: list["Phase"]) -> "Message":
    """Stores a part of a program; the reply is read back from what is stored. A first part replaces the old one."""
    coming: "Program | None" = None
    if first == 0:
        pump.program = None
        pump.event("LOAD")
        coming = Program(program)
        _check_syringe(program["syringe"], program["fill_nl"])
        coming.fastest_pl_h = fastest_pl_h(pump, program["syringe"])
    else:
        coming = pump.program
        if coming is None or coming.header != program:
            raise Refusal(wire.WRONG_PARAMETERS, "program: not the one whose loading began")
        pump.event("LOAD")
    coming.add(first, phases)
    pump.program = coming
    return {
        "first": first,
        "phases": coming.phases[first:],
        "received": len(coming.phases),
        "digest": coming.digest,
    }


def confirm(pump: "Controller", digest: str) -> "Message":
    """The second of the two steps before motion: names the digest of exactly what is stored (D8)."""
    program = pump.program
    if program is None or not program.complete:
        raise Refusal(wire.DIGEST_DIFFERS, "no complete program is loaded")
    if digest != program.digest:
        raise Refusal(wire.DIGEST_DIFFERS, "digest: the stored program has %s" % program.digest)
    if pump.syringe != program.header["syringe"]:
        raise Refusal(wire.BEYOND_LIMIT, "syringe: declare a %s first" % program.header["syringe"])
    pump.event("CONFIRM")
    return {"digest": digest}


def start(pump: "Controller") -> "Message":
    if alarms.lowest_effect(pump.alarms) < alarms.HOLD:  # a stop has led past the acknowledgement
        raise Refusal(wire.STILL_TRUE, "acknowledge first: %s" % ", ".join(alarms.named(pump.alarms)))
    program, step_volume = pump.program, pump.step_volume
    if program is None or step_volume is None:
        raise Refusal(wire.NOT_IN_STATE, "start: no confirmed program")
    pump.infusion = Infusion(program.phases, step_volume, pump.shortest_ticks)
    pump.infusion.begin(pump.total_steps, pump.syringe_end_steps)
    pump.attended = bool(program.header["attended"])
    pump.event("START")
    return {}


def pause(pump: "Controller") -> "Message":
    pump.event("PAUSE")
    return {}


def resume(pump: "Controller") -> "Message":
    if pump.infusion is None:
        raise Refusal(wire.NOT_IN_STATE, "no program to resume")
    if alarms.lowest_effect(pump.conditions) < alarms.KEEP:
        raise Refusal(wire.STILL_TRUE, "still true: %s" % ", ".join(alarms.named(pump.conditions)))
    pump.event("RESUME")
    return {}


def stop(pump: "Controller") -> "Message":
    """Ends the program in every state. Alarms stay in force until they are acknowledged."""
    was_on = pump.course is not None
    pump.event("STOP")
    if not was_on:  # else the infusion ends when the motor has been halted and its last steps are counted
        pump.end()
    return {}


def bolus(pump: "Controller", volume_nl: int, duration_ms: int) -> "Message":
    """Adds a bolus on top of the running program (SR-BOLUS-01, SR-BOLUS-02)."""
    if not is_whole(volume_nl, 1, 100000000) or not is_whole(duration_ms, 1000, MS_PER_H):
        raise Refusal(wire.BEYOND_LIMIT, "bolus: volume_nl must be 1 to 100000000, duration_ms 1000 to %d" % MS_PER_H)
    infusion, syringe = pump.infusion, pump.syringe
    if infusion is None or syringe is None:
        raise Refusal(wire.NOT_IN_STATE, "bolus: no program is running")
    volume_pl = volume_nl * PL_PER_NL
    together_pl_h = volume_pl * MS_PER_H // duration_ms + infusion.highest_pl_h()
    most = fastest_pl_h(pump, syringe)
    if together_pl_h > most:
        raise Refusal(wire.BEYOND_LIMIT, "bolus: with the program %d pL/h; allowed are %d" % (together_pl_h, most))
    if not infusion.add_bolus(volume_pl, duration_ms * TICKS_PER_MS):
        raise Refusal(wire.BEYOND_LIMIT, "bolus: the program ends before it would")
    pump.event("BOLUS")
    return {}


def acknowledge(pump: "Controller") -> "Message":
    """Ends the alarms whose condition is over; a condition still true keeps its alarm. Never starts the motor."""
    staying = pump.alarms & pump.conditions
    if pump.state == "ALARM" and alarms.lowest_effect(staying) < alarms.KEEP:
        raise Refusal(wire.STILL_TRUE, "still true: %s" % ", ".join(alarms.named(staying)))
    pump.alarms = staying
    pump.changed = True
    pump.event("ACKNOWLEDGE" if pump.state != "ALARM" or pump.infusion else "CLEARED")
    return {"alarms": alarms.named(staying)}


COMMANDS: "dict[str, Callable[..., Message]]" = {
    "hello": hello,
    "status": status,
    "syringe": syringe,
    "load": load,
    "confirm": confirm,
    "start": start,
    "pause": pause,
    "resume": resume,
    "stop": stop,
    "bolus": bolus,
    "acknowledge": acknowledge,
    "heartbeat": heartbeat,
    "events": events,
}
