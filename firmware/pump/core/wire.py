"""The link's messages, declared once: what each method takes, when it is legal, and what a program looks like.

JSON-RPC 2.0 semantics without the version field: {"id", "method", "params"} asks, {"id", "result"} or
{"id", "error": {"code", "message"}} answers, {"method", "params"} without id tells. Every number is an integer and
names its unit in its key (SR-RATE-09); volumes are whole nL (SR-DOSE-02). `docs/link.md` is generated from here.
"""

import binascii
import hashlib

from pump.core.states import states_of

TYPE_CHECKING = False  # MicroPython has no typing
if TYPE_CHECKING:
    from pump.core.hardware import Message, Phase

VERSION = "0.1.0"

# method: (state event or None where it is legal always, {parameter: type}, what it does)
METHODS: "dict[str, tuple[str | None, dict[str, type], str]]" = {
    "hello": (None, {}, "begins to talk; names firmware, board and wire digest, and closes the session of before"),
    "sign_in": (
        None,
        {"operator": str, "passphrase": str, "label": str, "wire": str},
        "opens an operator's session for a run, from a host that has these very tables",
    ),
    "operators": (None, {}, "who is known, and what is open"),
    "operator": (
        "CONFIGURE",
        {"name": str, "salt": str, "digest": str, "administrator": bool},
        "records an operator, or without a digest forgets one",
    ),
    "status": (None, {}, "the status of now"),
    "syringe": (
        "FIT_SYRINGE",
        {"syringe": str, "fill_nl": int},
        "declares a fitted syringe and its fill, the reserve of 0.5 mL not included",
    ),
    "fluid": (
        "STOP",
        {"drug": str, "concentration_ng_ml": int},
        "declares what the syringe holds; a program for another fluid is stopped by it, and the fill is unknown then",
    ),
    "load": ("LOAD", {"program": dict, "first": int, "phases": list}, "stores a part of a program and echoes it"),
    "confirm": ("CONFIRM", {"digest": str, "overrides": list}, "accepts the program that has this digest"),
    "program": (None, {"first": int}, "the program in force, as the pump stores it"),
    "start": ("START", {}, "starts the confirmed program"),
    "prime": ("PRIME", {}, "fills or flushes the line, with nobody at its end, until `stop` or the time-out"),
    "refill": ("REFILL", {"volume_nl": int}, "draws so much into the syringe, from a line that ends in liquid"),
    "pause": ("PAUSE", {}, "stops the motor and keeps the program"),
    "resume": ("RESUME", {}, "goes on where the program stood"),
    "stop": ("STOP", {}, "stops the motor and ends the program"),
    "hold": ("HAZARD", {}, "goes down to the hold rate until `resume`, because another device saw a hazard"),
    "bolus": (
        "BOLUS",
        {"volume_nl": int, "duration_ms": int, "overrides": list},
        "adds a bolus to the running program",
    ),
    "adjust": (
        "ADJUST",
        {"rate_pl_h": int, "overrides": list},
        "sets the rate for the rest of the phase, within the bounds that the program gives it",
    ),
    "acknowledge": ("ACKNOWLEDGE", {}, "acknowledges alarms whose condition is over"),
    "mute": (None, {"ms": int}, "pauses the sound of the alarms in force; 0 ends the pause"),
    "heartbeat": (None, {}, "says that the host is there"),
    "clock": (
        None,
        {"utc_s": int, "ms": int},
        "tells the host's time, which the log then sets beside its own, with the drift since it was told last",
    ),
    "events": (None, {"after": int}, "the log from a sequence number on"),
    "journal": (None, {"name": str, "first": int}, "a piece of a stored file of the log, as it lies in flash"),
    "doses": (None, {}, "what the dose windows and the boluses of the run have come to"),
    "selftest": (None, {}, "the result of each step of the self-test at power-on"),
    "inputs": (None, {}, "the level of every input now, as the pins have it"),
    "exercise": (
        None,
        {"lights": int, "tone_hz": int, "ms": int},
        "shows these lights and this tone for a while, for a person to see; in IDLE without an alarm only",
    ),
    "update": (None, {}, "leaves the firmware, for other firmware to be put on; in IDLE and FAULT only"),
    "settings": (None, {}, "the settings in force"),
    "configure": ("CONFIGURE", {"settings": dict}, "stores settings, all of them or none"),
    "calibration": (None, {}, "what was measured of each syringe model and of the pressure sensor; nothing is nominal"),
    "calibrate": (
        "CONFIGURE",
        {"syringe": str, "slope_ppm": int, "residual_ppm": int, "date": str},
        "stores what a step of this syringe model delivers",
    ),
    "calibrate_pressure": (
        "CONFIGURE",
        {"zero_pa": int, "span_ppm": int, "date": str},
        "stores what the pressure sensor reads at rest, and its span",
    ),
    "library": (None, {"index": int, "first": int}, "a part of an entry of the drug library in force"),
    "library_load": (
        "CONFIGURE",
        {"count": int, "index": int, "first": int, "fields": dict},
        "takes in a part of a drug library and echoes it",
    ),
    "library_confirm": (
        "CONFIGURE",
        {"digest": str, "utc_s": int},
        "puts the library that has this digest in force; utc_s is kept beside it, 0 if nobody knows",
    ),
    "defaults": (None, {}, "what a person is offered before choosing; it seeds a program and never starts one"),
    "library_history": (None, {}, "the libraries that came in force, and when"),
    "clear": (
        "CONFIGURE",
        {"what": str},
        "asks to forget settings, library, operators or calibration; names the token to confirm with",
    ),
    "clear_confirm": ("CONFIGURE", {"token": str}, "forgets what the request before this one asked to forget"),
}

# requests whose event is one of these want the session of an operator (SR-AUTH-01)
SIGNED = ("LOAD", "CONFIRM", "START", "RESUME", "BOLUS", "ADJUST", "FIT_SYRINGE", "CONFIGURE", "PRIME", "REFILL")

# notification: what it tells (SR-LINK-01, SR-LINK-02)
NOTIFICATIONS = {
    "status": "every second of device time, and at each change of state, phase or alarms",
    "event": "each entry of the log as it is made",
}

# status field: unit or meaning
STATUS = {
    "time_ms": "device time since power-on",
    "state": "state of the safety machine",
    "phase": "index of the phase in force, -1 without a program",
    "infused_ms": "infusion time: stands still while the motor is off",
    "rate_nl_h": "rate of the motor now, bolus included",
    "asked_steps": "steps of this program handed to the pulse generator",
    "counted_steps": "pulses of this program counted at the pin",
    "counted_nl": "the same as volume",
    "remaining_nl": "left in the syringe by the count, the reserve that is never pumped not included",
    "empty_s": "time until the syringe is empty at the rate of now, in READY at the highest; else -1 while it stands",
    "pressure_pa": "at the outlet of the syringe",
    "library": "begin of the digest of the drug library in use, empty without one",
    "overrides": "soft limits that a person has overridden for this program",
    "operator": "whose session is open, empty without one",
    "muted_ms": "left of a sound pause",
    "alarms": "names of the alarms in force, highest priority first",
}

# the header of a program, all of it required: key: (type, least, most); a text is its length in characters (SR-DOC-02)
PROGRAM: dict[str, tuple[type, int, int]] = {
    "name": (str, 1, 60),
    "drug": (str, 1, 40),
    "code": (str, 0, 40),  # of the drug library's entry; empty: the one that fits drug and concentration
    "concentration_ng_ml": (int, 1, 1000000000),
    "weight_g": (int, 1000, 300000),
    "syringe": (str, 1, 40),
    "fill_nl": (int, 1, 100000000),
    "phases": (int, 1, 500),
    "basal_nl_h": (int, 0, 1000000000000),  # no phase but a bolus may be faster
    "bolus_nl": (int, 0, 100000000),  # on request; 0: none but what a host asks for
    "bolus_ms": (int, 0, 21600000),
    "bolus_lockout_ms": (int, 0, 86400000),
    "attended": (int, 0, 1),
    "pump": (str, 0, 16),  # serial number of the pump that it is for; empty: any
    "firmware": (str, 0, 16),  # begin of the digest of the firmware that it is for; empty: any
    "library": (str, 0, 16),  # begin of the digest of the drug library that it is for; empty: any
    "date": (str, 10, 10),
    "author": (str, 1, 40),
}

# setting: (least, most, default, meaning)
SETTINGS: dict[str, tuple[int, int, int, str]] = {
    "occlusion_level": (0, 2, 2, "which of the board's occlusion limits holds"),
    "near_empty_level": (0, 2, 1, "how many minutes ahead NEAR_EMPTY comes: which of the board's"),
    # Any hour is longer than STAGED_S, the time that a program waits for its start (SR-POWER-09).
    "auto_off_h": (0, 24, 0, "hours without program, alarm, key or host until the display goes dark; 0: never"),
    "library_required": (0, 1, 0, "whether no program is confirmed that the drug library does not know"),
}

# value of a calibration: (least, most, meaning). What is beyond is a wrong syringe, a leak or a broken sensor, and no
# calibration. With any zero and span of these a sensor that is open or shorted still reads outside its band.
CALIBRATION: dict[str, tuple[int, int, str]] = {
    "slope_ppm": (-50000, 50000, "how much more a step delivers than bore and screw say"),
    "residual_ppm": (0, 10000, "standard deviation of the runs about that slope, as a part of one"),
    "zero_pa": (-5000, 5000, "what the sensor reads without pressure"),
    "span_ppm": (-100000, 100000, "how much more the pressure is than the sensor reads above its zero"),
}

# a phase on the wire: [kind, duration_ms, begin_pl_h, end_pl_h]; where floor_pl_h and ceiling_pl_h follow, an operator
# may set its rate between them
KINDS = ("infuse", "ramp", "bolus", "pause")
MAX_PHASE_MS = 864000000  # 240 h, the longest phase of the fourteen regimens
PHASES_PER_LOAD = 4  # keeps a load line under framing.MAX_LINE_BYTES

# error codes: JSON-RPC's own and, above -32000, the pump's
ERRORS = {
    -32601: "unknown method",
    -32602: "wrong parameters",
    -32001: "not in this state",
    -32002: "beyond a limit",
    -32003: "digest differs",
    -32004: "replayed id",
    -32005: "condition still true",
    -32006: "firmware fault",
    -32007: "no session",
    -32008: "not heard",
    -32009: "not in maintenance",
    -32010: "not allowed",
}
UNKNOWN_METHOD, WRONG_PARAMETERS, NOT_IN_STATE, BEYOND_LIMIT = -32601, -32602, -32001, -32002
DIGEST_DIFFERS, REPLAYED, STILL_TRUE, FIRMWARE_FAULT = -32003, -32004, -32005, -32006
NO_SESSION, NOT_HEARD, NO_MAINTENANCE, NOT_ALLOWED = -32007, -32008, -32009, -32010

# what a hand at the pump has to do about a refusal: the keys to hold, one after the other, a second each
KEYS_FOR = {NOT_HEARD: ("mute",), NO_MAINTENANCE: ("start", "mute")}
_PROGRAM_KEYS = sorted(PROGRAM)


def program_digest(header: "Message", phases: list["Phase"]) -> str:
    """SHA-256, in hex, of a program's header and phases: what a person confirms and the pump holds."""
    digest = hashlib.sha256()
    digest_header(digest, header)
    digest_phases(digest, phases)
    return binascii.hexlify(digest.digest()).decode()


def digest_header(digest: "hashlib._Hash", header: "Message") -> None:
    digest.update("".join(["%s=%s\n" % (key, header[key]) for key in _PROGRAM_KEYS]).encode())


def digest_phases(digest: "hashlib._Hash", phases: list["Phase"]) -> None:
    for phase in phases:
        digest.update((" ".join([str(part) for part in phase]) + "\n").encode())


def table_digest() -> str:
    """Sixteen hex digits over every table above: builds whose tables differ refuse each other."""
    digest = hashlib.sha256()
    for method in sorted(METHODS):
        event, parameters, _ = METHODS[method]
        names = ["%s:%s" % (name, parameters[name].__name__) for name in sorted(parameters)]
        states = states_of(event) if event else ["*"]
        digest.update(("%s(%s) %s\n" % (method, ",".join(names), ",".join(states))).encode())
    for table in (NOTIFICATIONS, STATUS):
        digest.update((",".join(sorted(table)) + "\n").encode())
    for key in sorted(PROGRAM):
        kind, least, most = PROGRAM[key]
        digest.update(("%s:%s:%d:%d\n" % (key, kind.__name__, least, most)).encode())
    for key in sorted(SETTINGS):
        digest.update(("%s:%d:%d:%d\n" % ((key,) + SETTINGS[key][:3])).encode())
    for key in sorted(CALIBRATION):
        digest.update(("%s:%d:%d\n" % ((key,) + CALIBRATION[key][:2])).encode())
    digest.update(("%s %d\n" % (KINDS, MAX_PHASE_MS)).encode())
    for code in sorted(ERRORS):
        digest.update(("%d " % code).encode())
    return binascii.hexlify(digest.digest()).decode()[:16]
