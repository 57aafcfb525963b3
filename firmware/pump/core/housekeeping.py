"""Requests that deliver nothing: log, sound, settings, calibration, library, operators, doses. Raises Refusal."""

from binascii import crc32, hexlify

from pump.core import alarms, calibration, wire
from pump.core.keys import NAMES
from pump.core.library import DEFAULTS, Incoming, part
from pump.core.memory import is_settings
from pump.core.program import Refusal, is_whole
from pump.core.signals import MOST_MUTE_MS
from pump.core.syringes import BORE_UM, SYRINGES
from pump.core.units import MS_PER_S

TYPE_CHECKING = False  # MicroPython has no typing
if TYPE_CHECKING:
    from pump.core.access import Operators
    from pump.core.controller import Controller
    from pump.core.hardware import Message

EVENTS_PER_REPLY = 8
EVENTS_TEXT_BYTES = 400  # with quotes and numbers around it a reply stays one line of the link
CLEARED = ("calibration", "library", "operators", "settings")
# No event of the table: a fault stays one until the power cycle, and may come of the firmware.
UPDATABLE = ("FAULT", "IDLE")
MOST_TONE_HZ, MOST_EXERCISE_MS = 4000, 5000
JOURNAL_BYTES = 256  # of a file in one reply, which takes twice as many characters


def events(pump: "Controller", after: int) -> "Message":
    entries = pump.log.after(after, EVENTS_PER_REPLY)
    while len(entries) > 1 and sum([len(entry[3]) for entry in entries]) > EVENTS_TEXT_BYTES:
        entries.pop()
    return {"last": pump.log.last, "entries": entries}


def mute(pump: "Controller", ms: int) -> "Message":
    """Pauses the sound of the alarms in force, for two minutes at most (SR-AUDIO-05, SR-AUDIO-06, SR-LINK-07)."""
    if ms == 0:
        pump.signals.unmute()
    elif not pump.signals.mute(ms, True):
        raise Refusal(wire.BEYOND_LIMIT, "mute: 1 to %d ms, while an alarm sounds; 0 ends it" % MOST_MUTE_MS)
    pump.log.add(pump.now_ms, "command", "mute: %d ms" % ms)  # a person's doing (SR-LOG-01)
    return {"muted_ms": pump.signals.muted_ms}


def clock(pump: "Controller", utc_s: int, ms: int) -> "Message":
    """Writes the host's time into the log, beside the pump's, and how far that has drifted (SR-LOG-03, SR-LOG-04)."""
    if not is_whole(utc_s, 1, 1 << 40) or not is_whole(ms, 0, MS_PER_S - 1):
        raise Refusal(wire.WRONG_PARAMETERS, "utc_s, ms: must be seconds since 1970, and 0 to 999")
    told = "utc_s %d.%03d" % (utc_s, ms)
    if pump.clock:
        last_s, last_ms, at_ms = pump.clock
        own_ms = pump.now_ms - at_ms
        told += ", %+d ms in %d s" % (own_ms - (utc_s - last_s) * MS_PER_S - ms + last_ms, own_ms // MS_PER_S)
    pump.clock = (utc_s, ms, pump.now_ms)
    pump.log.add(pump.now_ms, "clock", told)
    return {"time_ms": pump.now_ms}


def journal(pump: "Controller", name: str, first: int) -> "Message":
    """A piece of a stored file of the journal, for whoever verifies its chain; without a name the files there are."""
    log = pump.log
    names = log.files()
    size, data = 0, b""
    if name:
        if name not in names or first < 0:
            raise Refusal(wire.WRONG_PARAMETERS, "journal: files are %s" % ", ".join(names))
        size, data = log.raw(name, first, JOURNAL_BYTES)
        names = []
    return {"names": names, "size": size, "data": hexlify(data).decode(), "last": log.last, "saved": log.saved}


def doses(pump: "Controller") -> "Message":
    """Boluses of the run, how long the next is locked out, and what the dose windows have room for (SR-DOSE-05)."""
    ledger = pump.dosing.ledger
    requested, delivered, refused, abandoned, given_steps = ledger.run
    pump.books.book(pump)
    return {
        "requested": requested,
        "delivered": delivered,
        "refused": refused,
        "abandoned": abandoned,
        "given_nl": pump.nl_of(given_steps),
        "lockout_ms": ledger.lockout_left_ms(pump.dosing.lockout_ms()),
        "room_nl": pump.nl_of(max(ledger.left_steps, 0)) if pump.dosing.entry else -1,
        "windows_ng": ledger.given_ng(),
    }


def update(pump: "Controller") -> "Message":
    """Ends the firmware so that other firmware can be put on, where the motor is off and nobody waits for it."""
    if pump.state not in UPDATABLE:
        raise Refusal(wire.NOT_IN_STATE, "update in state %s; possible in %s" % (pump.state, ", ".join(UPDATABLE)))
    pump.log.append(pump.now_ms, "command", "update")
    pump.leaving = True
    return {}


def selftest(pump: "Controller") -> "Message":
    """The report of the self-test at power-on: passed, failed or skipped for each step (SR-POST-04)."""
    return dict(pump.report)


def inputs(pump: "Controller") -> "Message":
    """Every input as it is now, neither debounced nor smoothed, for whoever checks them one by one."""
    pins = pump.inputs
    levels = pins.keys()
    return {
        "keys": [NAMES[i] for i in range(len(NAMES)) if levels >> i & 1],
        "syringe": int(pins.syringe_present()),
        "guard": int(pins.guard_closed()),
        "air": int(pins.air()),
        "battery_mv": pins.battery_mv(),
        "temperature_dc": pins.temperature_dc(),
        "pressure_pa": pump.pressure_pa,
    }


def exercise(pump: "Controller", lights: int, tone_hz: int, ms: int) -> "Message":
    """Lets a person see and hear the outputs, where nothing else is to be seen or heard (SR-POST-07)."""
    if pump.state != "IDLE" or pump.alarms:
        raise Refusal(wire.NOT_IN_STATE, "exercise in state %s; possible in IDLE, without an alarm" % pump.state)
    if not is_whole(lights, 0, 7) or not is_whole(tone_hz, 0, MOST_TONE_HZ) or not is_whole(ms, 1, MOST_EXERCISE_MS):
        raise Refusal(wire.WRONG_PARAMETERS, "exercise: 0 to 7, 0 to %d Hz, %d ms" % (MOST_TONE_HZ, MOST_EXERCISE_MS))
    pump.signals.exercise(tone_hz, lights, ms)
    pump.log.add(pump.now_ms, "command", "exercise")
    return {}


def _not_stored(pump: "Controller", what: str) -> None:
    pump.raise_alarms(alarms.BITS["MEMORY_FAULT"])
    raise Refusal(wire.STILL_TRUE, "%s: cannot be stored" % what)


def settings(pump: "Controller") -> "Message":
    return dict(pump.memory.settings)


def configure(pump: "Controller", settings: "Message") -> "Message":
    """Stores and takes up all settings, or none (SR-AUTH-08)."""
    if not is_settings(settings):
        allowed = ["%s %d to %d" % (name, wire.SETTINGS[name][0], wire.SETTINGS[name][1]) for name in wire.SETTINGS]
        raise Refusal(wire.WRONG_PARAMETERS, "settings: all of %s" % ", ".join(sorted(allowed)))
    if not pump.memory.save_settings(settings):
        _not_stored(pump, "settings")
    pump.drop_program()  # it was checked under other settings
    pump.watch.use(settings)
    pump.event("CONFIGURE")
    return dict(settings)


def calibration_in_force(pump: "Controller") -> "Message":
    return dict(pump.memory.calibration)


def calibrate(pump: "Controller", syringe: str, slope_ppm: int, residual_ppm: int, date: str) -> "Message":
    """What a step of this syringe model delivers, as somebody has measured it (SR-AUTH-07)."""
    if syringe not in SYRINGES:
        raise Refusal(wire.BEYOND_LIMIT, "syringe: known are %s" % ", ".join(sorted(SYRINGES)))
    record = {"slope_ppm": slope_ppm, "residual_ppm": residual_ppm}
    record = _dated(pump, record, date, calibration.VOLUME)
    syringes = dict(pump.memory.calibration["syringes"])
    syringes[syringe] = record
    _recalibrate(pump, {"syringes": syringes, "pressure": pump.memory.calibration["pressure"]})
    pump.log.add(pump.now_ms, "calibration", calibration.text(pump.memory.calibration, syringe))
    pump.event("CONFIGURE")
    return record


def calibrate_pressure(pump: "Controller", zero_pa: int, span_ppm: int, date: str) -> "Message":
    """What the pressure sensor reads at rest, and its span (SR-AUTH-07)."""
    sensor, syringe = pump.watch.pressure, pump.syringe
    if sensor and sensor.bore_um and syringe and SYRINGES[syringe][BORE_UM] != sensor.bore_um:
        raise Refusal(wire.STILL_TRUE, "a load cell's zero is that of a bore of %d um: declare it" % sensor.bore_um)
    record = _dated(pump, {"zero_pa": zero_pa, "span_ppm": span_ppm}, date, calibration.PRESSURE)
    _recalibrate(pump, {"syringes": pump.memory.calibration["syringes"], "pressure": record})
    told = "pressure: zero %d Pa, span %+d ppm, %s by %s" % (zero_pa, span_ppm, date, record["author"])
    pump.log.add(pump.now_ms, "calibration", told)
    pump.event("CONFIGURE")
    return record


def _dated(pump: "Controller", record: "Message", date: str, names: "tuple[str, ...]") -> "Message":
    """With date and operator; nothing that is implausible (SR-AUTH-08)."""
    record["date"], record["author"] = date, pump.access.operator
    wrong = calibration.fault(record, names)
    if wrong:
        raise Refusal(wire.BEYOND_LIMIT, wrong)
    return record


def _recalibrate(pump: "Controller", measured: "Message") -> None:
    """Stores and takes up a calibration, all of it or nothing. What counts on the one before is gone: the program, and
    the declared syringe, whose fill is told in other steps now."""
    if not pump.memory.save_calibration(measured):
        _not_stored(pump, "calibration")
    pump.drop_program()
    pump.syringe = pump.step_volume = None
    pump.declare_fill(0)
    pump.watch.calibrated(measured["pressure"])


def library(pump: "Controller", index: int, first: int) -> "Message":
    """A part of an entry in force; no fields behind the last one."""
    held = pump.dosing.library
    if index < 0 or first < 0:
        raise Refusal(wire.WRONG_PARAMETERS, "library: index and first must be 0 or more")
    fields = part(held.entries[index], first) if index < len(held.entries) else {}
    return {"count": len(held.entries), "digest": held.digest, "fields": fields}


def library_load(pump: "Controller", count: int, index: int, first: int, fields: "Message") -> "Message":
    """Takes in the next part of a library; the one in force stays there."""
    dosing = pump.dosing
    if index == 0 and first == 0:
        dosing.incoming = Incoming(count)
    if dosing.incoming is None or dosing.incoming.count != count:
        raise Refusal(wire.WRONG_PARAMETERS, "library: begin with entry 0 from field 0 on")
    held = dosing.incoming.add(index, first, fields)
    come = dosing.incoming.library.entries
    if len(come) > index and not pump.memory.keep_entry(come[index], index == 0):
        dosing.incoming = None
        _not_stored(pump, "library")
    pump.drop_program()
    pump.event("CONFIGURE")
    return {"fields": held}


def library_confirm(pump: "Controller", digest: str, utc_s: int) -> "Message":
    """Puts the library that has come in, and has this digest, in force (SR-LIB-10, SR-AUTH-08)."""
    dosing = pump.dosing
    coming = dosing.incoming.accepted(digest) if dosing.incoming else Incoming(0).accepted(digest)
    dosing.incoming = None  # a second try would store its last line twice
    if not pump.memory.save_library(coming):
        _not_stored(pump, "library")
    pump.drop_program()
    dosing.library = coming
    pump.memory.note_library(utc_s)
    pump.log.add(pump.now_ms, "library", "%d entries, digest %s" % (len(coming.entries), coming.digest))
    pump.event("CONFIGURE")
    return {"digest": coming.digest}


def defaults(pump: "Controller") -> "Message":
    """What the firmware offers a person before choosing (SR-LIB-16)."""
    return dict(DEFAULTS)


def library_history(pump: "Controller") -> "Message":
    """The libraries that came in force, the newest last, as many as fit (SR-LIB-13)."""
    lines = pump.memory.library_history()
    while sum([len(line) + 4 for line in lines]) > 800:
        lines.pop(0)
    return {"lines": lines}


def sign_in(pump: "Controller", operator: str, passphrase: str, label: str, wire: str) -> "Message":
    """Opens an operator's session; each opening, and each that fails, is in the log (SR-AUTH-01)."""
    told = pump.access.sign_in(operator, passphrase, label, wire)
    pump.log.add(pump.now_ms, "session", told)
    pump.changed = True
    return {"operator": operator}


def operators(pump: "Controller") -> "Message":
    access = pump.access
    known = [[name, access.operators[name][2]] for name in sorted(access.operators)]
    return {
        "operators": known,
        "operator": access.operator,
        "label": access.label,
        "heard": access.heard,
        "maintenance_ms": access.maintenance_ms,
    }


def operator(pump: "Controller", name: str, salt: str, digest: str, administrator: bool) -> "Message":
    """Records an operator, who may then sign in; the passphrase itself never comes here (SR-AUTH-05, SR-AUTH-07)."""
    _keep_operators(pump, pump.access.changed(name, salt, digest, administrator))
    pump.log.add(pump.now_ms, "session", "%s %s" % (name, "is recorded" if digest else "is forgotten"))
    pump.event("CONFIGURE")
    return operators(pump)


def _keep_operators(pump: "Controller", records: "Operators") -> None:
    if not pump.memory.save_operators(records):
        _not_stored(pump, "operators")
    pump.access.operators = records


def clear(pump: "Controller", what: str) -> "Message":
    """The first of the two steps to forget something: its token is good for the next request only (SR-UI-10)."""
    if what not in CLEARED:
        raise Refusal(wire.WRONG_PARAMETERS, "what: must be one of %s" % ", ".join(CLEARED))
    token = "%08x" % crc32(("%s %d %d" % (what, pump.now_ms, pump.log.last)).encode())
    pump.clearing = (what, token)
    pump.event("CONFIGURE")
    return {"what": what, "token": token}


def clear_confirm(pump: "Controller", token: str) -> "Message":
    if pump.clearing is None or pump.clearing[1] != token:
        raise Refusal(wire.DIGEST_DIFFERS, "token: not that of the request before this one")
    what = pump.clearing[0]
    if what == "operators":
        _keep_operators(pump, {})
    elif what == "settings":
        configure(pump, {name: wire.SETTINGS[name][2] for name in wire.SETTINGS})
    elif what == "calibration":
        _recalibrate(pump, calibration.nominal())
    else:
        if not pump.memory.forget_library():
            _not_stored(pump, "library")
        pump.dosing.library = pump.memory.library
        pump.dosing.incoming = None  # what has come in lies where the next one is stored no more
        pump.memory.note_library(0)
        pump.drop_program()
    pump.log.add(pump.now_ms, "cleared", what)
    pump.event("CONFIGURE")
    return {"what": what}
