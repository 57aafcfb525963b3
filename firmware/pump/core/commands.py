"""What each request of wire.METHODS does once its form and the state allow it. Raises Refusal before any change.

One exception, on the safe side: a first `load` forgets the program that was there, even if the new one is refused.
"""

from pump.core import alarms, calibration, courses, filling, housekeeping, readings, wire
from pump.core.infusion import Infusion
from pump.core.law import BOUNDS, KIND
from pump.core.program import Program, Refusal, is_text, is_whole
from pump.core.readiness import check_acknowledged, check_memory, check_ready
from pump.core.syringes import BORE_UM, NOMINAL_NL, SYRINGES, fill_steps
from pump.core.units import MS_PER_H, PL_PER_NL, TICKS_PER_MS

TYPE_CHECKING = False  # MicroPython has no typing
if TYPE_CHECKING:
    from collections.abc import Callable

    from pump.core.controller import Controller
    from pump.core.hardware import Message, Phase


_UNDER_DELIVERY = alarms.BITS["UNDER_DELIVERY"]
PHASE_BYTES = 200  # in RAM: a phase with bounds
# For everything else that an infusion needs: 16 KB were measured, with the library of all regimens, and the log's 64
# lines may be longer than those were.
RESERVE_BYTES = 28672
ENOUGH_BYTES = 1 << 20  # where nobody has measured: a simulation


def hello(pump: "Controller") -> "Message":
    pump.access.sign_out()
    board = pump.board
    return {
        "name": "titrate",
        "version": pump.build.VERSION,
        "wire": wire.table_digest(),
        "firmware": pump.build.DIGEST,
        "board": board.NAME,
        "serial": pump.serial,
        "lead_um": board.LEAD_UM,
        "steps_per_turn": board.STEPS_PER_TURN,
        "boot": pump.boot,
        "notice": "bench and research device, not for use on people or animals",  # SR-DOC-01
    }


def status(pump: "Controller") -> "Message":
    return readings.status(pump)


def heartbeat(pump: "Controller") -> "Message":
    return {"time_ms": pump.now_ms}


def _check_syringe(syringe: str, fill_nl: int) -> None:
    """The model is known, and the fill is not more than it holds (SR-MECH-03, SR-RES-08)."""
    if syringe not in SYRINGES:
        raise Refusal(wire.BEYOND_LIMIT, "syringe: known are %s" % ", ".join(sorted(SYRINGES)))
    most = SYRINGES[syringe][NOMINAL_NL]
    if not is_whole(fill_nl, 0, most):
        raise Refusal(wire.BEYOND_LIMIT, "fill_nl: must be 0 to %d for %s" % (most, syringe))


def syringe(pump: "Controller", syringe: str, fill_nl: int) -> "Message":
    """Declares a fitted syringe, be it empty; a confirmed program has to be confirmed for it anew (SR-RES-09). A
    program keeps the model with which it was started."""
    _check_syringe(syringe, fill_nl)
    if pump.infusion and syringe != pump.syringe:
        raise Refusal(wire.BEYOND_LIMIT, "syringe: the program runs on %s" % pump.syringe)
    pump.syringe = syringe
    pump.fluid = None  # nobody has said what is in this one
    pump.step_volume = pump.step_volume_of(syringe)
    steps = fill_steps(fill_nl, pump.step_volume)
    pump.declare_fill(steps)
    pump.conditions &= ~alarms.BITS["SYRINGE_EMPTY"]
    pump.watch.fitted(pump.step_volume, SYRINGES[syringe][BORE_UM])
    pump.books.book(pump)
    if pump.infusion and not pump.plunger.on:  # else the plunger goes back, and what comes when it is halted does it
        pump.infusion.refit(pump.end_steps(), pump.total_steps)
    pump.event("FIT_SYRINGE")
    return {"remaining_nl": pump.nl_of(steps)}


def fluid(pump: "Controller", drug: str, concentration_ng_ml: int) -> "Message":
    """Declares what the syringe holds. Another fluid than the program's stops it and takes its readiness; and since the
    syringe can not be the one that was declared, nothing of its fill is known any more (SR-LIB-15)."""
    _, shortest, longest = wire.PROGRAM["drug"]
    _, least, most = wire.PROGRAM["concentration_ng_ml"]
    if not is_text(drug, shortest, longest) or not is_whole(concentration_ng_ml, least, most):
        text = "fluid: drug of %d to %d characters, concentration_ng_ml %d to %d"
        raise Refusal(wire.WRONG_PARAMETERS, text % (shortest, longest, least, most))
    pump.fluid = (drug, concentration_ng_ml)
    if pump.program and not _is_for(pump, pump.program.header):
        stop(pump)
        pump.declare_fill(0)
    return {"state": pump.state}


def _is_for(pump: "Controller", header: "Message") -> bool:
    """Whether a program is for the fluid that was declared, if one was."""
    return not pump.fluid or pump.fluid == (header["drug"], header["concentration_ng_ml"])


def _check_names(pump: "Controller", header: "Message") -> None:
    """A program that names its pump, firmware or drug library is for those alone (SR-LIB-11, SR-AUTH-04)."""
    for name, ours in _versions(pump):
        if not ours.startswith(header[name]):
            raise Refusal(
                wire.BEYOND_LIMIT, "%s: the program is for %s; here is %s" % (name, header[name], ours[:16] or "none")
            )


def _versions(pump: "Controller") -> "tuple[tuple[str, str], ...]":
    library = pump.dosing.library
    return (
        ("pump", pump.serial),
        ("firmware", pump.build.DIGEST),
        ("library", library.digest if library.entries else ""),
    )


def _check_room(pump: "Controller", phases: int) -> None:
    """RAM for so many phases; a firmware that lies in RAM itself, as files do, leaves less of it."""
    most = (pump.boot.get("free_bytes", ENOUGH_BYTES) - RESERVE_BYTES) // PHASE_BYTES
    if phases > most:
        raise Refusal(wire.BEYOND_LIMIT, "phases: %d do not fit into RAM; at most %d do" % (phases, most))


def load(pump: "Controller", program: "Message", first: int, phases: list["Phase"]) -> "Message":
    """Stores a part of a program; the reply is read back from what is stored. A first part replaces the old one."""
    coming: "Program | None" = None
    if first == 0:
        pump.drop_program()
        pump.event("LOAD")
        coming = Program(program)
        _check_names(pump, program)
        _check_syringe(program["syringe"], program["fill_nl"])
        _check_room(pump, program["phases"])
        coming.fastest_pl_h = courses.fastest_pl_h(pump, program["syringe"])
        pump.dosing.load(program)
    else:
        coming = pump.program
        if coming is None or coming.header != program:
            raise Refusal(wire.WRONG_PARAMETERS, "program: not the one whose loading began")
        pump.event("LOAD")
    coming.add(first, phases)
    pump.dosing.add(phases)
    pump.program = coming
    return {
        "first": first,
        "phases": coming.phases[first:],
        "received": len(coming.phases),
        "digest": coming.digest,
    }


def confirm(pump: "Controller", digest: str, overrides: "list[object]") -> "Message":
    """The second of the two steps before motion: names the digest of exactly what is stored (D8), and the soft limits
    that a person lets it pass, each with its value (SR-LIB-07). (SR-RATE-01, SR-UI-04, SR-UI-05, SR-AUTH-04)"""
    program = pump.program
    if program is None or not program.complete:
        raise Refusal(wire.DIGEST_DIFFERS, "no complete program is loaded")
    if digest != program.digest:
        raise Refusal(wire.DIGEST_DIFFERS, "digest: the stored program has %s" % program.digest)
    if pump.syringe != program.header["syringe"]:
        raise Refusal(wire.BEYOND_LIMIT, "syringe: declare a %s first" % program.header["syringe"])
    if pump.fluid and not _is_for(pump, program.header):
        raise Refusal(wire.BEYOND_LIMIT, "fluid: the syringe holds %s, %d ng/mL" % pump.fluid)
    if pump.step_volume and pump.syringe_end_steps - pump.total_steps < fill_steps(
        program.header["fill_nl"], pump.step_volume
    ):
        raise Refusal(
            wire.BEYOND_LIMIT,
            "syringe: holds %d nL; the program counts on %d" % (pump.remaining_nl(), program.header["fill_nl"]),
        )
    if pump.memory.settings["library_required"] and not pump.dosing.entry:  # SR-LIB-10
        pump.raise_alarms(alarms.BITS["LIBRARY_MISSING"])
        raise Refusal(wire.BEYOND_LIMIT, "library: has no entry for this program, and the settings require one")
    for kind, text in pump.dosing.confirm(overrides):
        pump.log.add(pump.now_ms, kind, text)
    if not pump.memory.save_program(program.header, program.phases, digest):
        pump.raise_alarms(alarms.BITS["MEMORY_FAULT"])
        raise Refusal(wire.STILL_TRUE, "the program cannot be stored")
    pump.event("CONFIRM")
    return {"digest": digest}


def program(pump: "Controller", first: int) -> "Message":
    """The program that was confirmed last, as it is stored: it outlives the power (SR-LOG-05, SR-UI-01)."""
    stored = pump.memory.program(first, wire.PHASES_PER_LOAD)
    if stored is None:
        raise Refusal(wire.WRONG_PARAMETERS, "program: none is stored")
    header, phases, digest = stored
    if not is_whole(first, 0, header["phases"]):
        raise Refusal(wire.WRONG_PARAMETERS, "first: must be 0 to %d" % header["phases"])
    return {"program": header, "phases": phases, "digest": digest}


def start(pump: "Controller") -> "Message":
    check_acknowledged(pump)
    program, step_volume = pump.program, pump.step_volume
    if program is None or step_volume is None:
        raise Refusal(wire.NOT_IN_STATE, "start: no confirmed program")
    check_ready(pump)
    check_memory(pump, program)
    pump.restarting()
    pump.dosing.start(step_volume)
    pump.books.book(pump)
    pump.infusion = Infusion(program.phases, step_volume, pump.shortest_ticks)
    pump.infusion.begin(pump.total_steps, pump.end_steps())
    pump.attended = bool(program.header["attended"])
    told = ["%s %s" % (name, ours[:16] or "none") for name, ours in _versions(pump)]
    told.append(calibration.text(pump.memory.calibration, program.header["syringe"]))
    pump.log.add(pump.now_ms, "versions", ", ".join(told))
    pump.event("START")
    return {}


def pause(pump: "Controller") -> "Message":
    pump.event("PAUSE")
    return {}


def resume(pump: "Controller") -> "Message":
    if pump.infusion is None:
        raise Refusal(wire.NOT_IN_STATE, "no program to resume")
    check_ready(pump)
    pump.restarting()
    pump.event("RESUME")
    return {}


def hold(pump: "Controller") -> "Message":
    """Another device has seen a hazard: down to the hold rate, until `resume` (SR-LINK-04, SR-LINK-05)."""
    if pump.state == "KVO":
        pump.event("HAZARD")
    else:
        pump.hold("HAZARD")
    return {}


def stop(pump: "Controller") -> "Message":
    """Ends the program in every state. Alarms stay in force until they are acknowledged."""
    pump.event("STOP")
    if not pump.plunger.on:  # else the infusion ends when the motor has been halted and its last steps are counted
        pump.end()
    return {}


def bolus(pump: "Controller", volume_nl: int, duration_ms: int, overrides: "list[object]") -> "Message":
    """Adds a bolus on top of the running program (SR-BOLUS-01, SR-BOLUS-02, SR-LINK-03); none during an alarm that
    lowers the rate, has more than low priority or doubts the delivery (SR-BOLUS-06)."""
    pump.dosing.ledger.request()
    try:
        return _bolus(pump, volume_nl, duration_ms, overrides)
    except Refusal:
        pump.dosing.ledger.refuse()
        raise


def _bolus(pump: "Controller", volume_nl: int, duration_ms: int, overrides: "list[object]") -> "Message":
    if not is_whole(volume_nl, 1, 100000000) or not is_whole(duration_ms, 1000, MS_PER_H):
        raise Refusal(wire.BEYOND_LIMIT, "bolus: volume_nl must be 1 to 100000000, duration_ms 1000 to %d" % MS_PER_H)
    infusion, syringe, step_volume = pump.infusion, pump.syringe, pump.step_volume
    if infusion is None or syringe is None or step_volume is None:
        raise Refusal(wire.NOT_IN_STATE, "bolus: no program is running")
    if (
        alarms.lowest_effect(pump.alarms) < alarms.KEEP
        or alarms.highest_priority(pump.alarms) > alarms.LOW
        or pump.alarms & _UNDER_DELIVERY
    ):
        raise Refusal(wire.STILL_TRUE, "bolus: refused during %s" % ", ".join(alarms.named(pump.alarms)))
    volume_pl = volume_nl * PL_PER_NL
    together_pl_h = volume_pl * MS_PER_H // duration_ms + infusion.highest_pl_h()
    most = courses.fastest_pl_h(pump, syringe)
    if together_pl_h > most:
        raise Refusal(wire.BEYOND_LIMIT, "bolus: with the program %d pL/h; allowed are %d" % (together_pl_h, most))
    pump.books.book(pump)
    volume_pl = pump.dosing.check_bolus(volume_nl, duration_ms, overrides, infusion.highest_pl_h(), step_volume)
    if not volume_pl:
        pump.raise_alarms(alarms.BITS["DOSE_LIMIT"])
        raise Refusal(wire.BEYOND_LIMIT, "bolus: the dose of the last hours leaves no room for it")
    if infusion.planned_phase()[KIND] == "bolus":  # which is cut in three, for it waits
        _check_room(pump, len(infusion.phases) + 2)
    if not infusion.add_bolus(volume_pl, duration_ms * TICKS_PER_MS):
        raise Refusal(wire.BEYOND_LIMIT, "bolus: the program ends before it would")
    given_nl = volume_pl // PL_PER_NL
    if given_nl < volume_nl:
        pump.log.add(pump.now_ms, "library", "bolus of %d nL reduced to %d nL" % (volume_nl, given_nl))
    for text in pump.dosing.begin_bolus():
        pump.log.add(pump.now_ms, "override", text)
    pump.event("BOLUS")
    return {"volume_nl": given_nl}


def adjust(pump: "Controller", rate_pl_h: int, overrides: "list[object]") -> "Message":
    """An operator titrates: another rate for the rest of the phase, within the bounds that the program gives it."""
    infusion = pump.infusion
    if infusion is None:
        raise Refusal(wire.NOT_IN_STATE, "adjust: no program is running")
    phase = infusion.planned_phase()
    if len(phase) <= BOUNDS:
        raise Refusal(wire.BEYOND_LIMIT, "adjust: the program gives this phase no bounds")
    floor, ceiling = phase[BOUNDS:]
    if not is_whole(rate_pl_h, floor, ceiling):
        raise Refusal(wire.BEYOND_LIMIT, "rate_pl_h: must be %d to %d, the bounds of this phase" % (floor, ceiling))
    if infusion.planner.position < infusion.planner.law.bolus_end:  # the sum was checked with the rate of then
        raise Refusal(wire.NOT_IN_STATE, "adjust: a bolus that an occlusion has taken back is still to come again")
    _check_room(pump, len(infusion.phases) + 1)  # each new rate leaves a piece of the phase behind
    told = pump.dosing.adjust(rate_pl_h, overrides)
    if not infusion.adjust(rate_pl_h):
        raise Refusal(wire.NOT_IN_STATE, "adjust: the program ends just now")
    for text in told:
        pump.log.add(pump.now_ms, "override", text)
    pump.log.add(pump.now_ms, "adjust", "phase %d: %d pL/h" % (infusion.program_phase, rate_pl_h))
    pump.books.saved = False  # its bound was that of the rate before
    pump.event("ADJUST")
    return {"rate_pl_h": rate_pl_h}


def acknowledge(pump: "Controller") -> "Message":
    """Ends the alarms whose condition is over; a condition still true keeps its alarm. Never starts the motor."""
    if pump.memory.failed or pump.log.failed:
        pump.checkpoint()  # whether it can be written now
    pump.watch.acknowledged()
    staying = pump.alarms & pump.conditions
    if pump.state == "ALARM" and alarms.lowest_effect(staying) < alarms.KEEP:
        blocking = [name for name in alarms.named(staying) if alarms.ALARMS[name][alarms.EFFECT] < alarms.KEEP]
        raise Refusal(wire.STILL_TRUE, "still true: %s" % ", ".join(blocking))
    pump.end_alarms(pump.alarms & ~staying)
    pump.changed = True
    pump.event("ACKNOWLEDGE" if pump.state != "ALARM" or pump.infusion else "CLEARED")
    return {"alarms": alarms.named(staying)}


COMMANDS: "dict[str, Callable[..., Message]]" = {
    "hello": hello,
    "sign_in": housekeeping.sign_in,
    "operators": housekeeping.operators,
    "operator": housekeeping.operator,
    "status": status,
    "syringe": syringe,
    "fluid": fluid,
    "load": load,
    "confirm": confirm,
    "program": program,
    "start": start,
    "prime": filling.prime,
    "refill": filling.refill,
    "pause": pause,
    "resume": resume,
    "stop": stop,
    "hold": hold,
    "bolus": bolus,
    "adjust": adjust,
    "acknowledge": acknowledge,
    "mute": housekeeping.mute,
    "heartbeat": heartbeat,
    "clock": housekeeping.clock,
    "events": housekeeping.events,
    "journal": housekeeping.journal,
    "doses": housekeeping.doses,
    "selftest": housekeeping.selftest,
    "inputs": housekeeping.inputs,
    "exercise": housekeeping.exercise,
    "update": housekeeping.update,
    "settings": housekeeping.settings,
    "configure": housekeeping.configure,
    "calibration": housekeeping.calibration_in_force,
    "calibrate": housekeeping.calibrate,
    "calibrate_pressure": housekeeping.calibrate_pressure,
    "library": housekeeping.library,
    "library_load": housekeeping.library_load,
    "library_confirm": housekeeping.library_confirm,
    "defaults": housekeeping.defaults,
    "library_history": housekeeping.library_history,
    "clear": housekeeping.clear,
    "clear_confirm": housekeeping.clear_confirm,
}
