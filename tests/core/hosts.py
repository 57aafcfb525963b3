"""What a host does with a pump in several requests, what it is told unasked, and a good request of every method."""

from typing import Any

from pump.core import wire
from pump.core.access import digest_of
from pump.core.framing import Deframer
from pump.core.library import FIELDS, FIELDS_PER_PART, Library, part
from tests.core.entries import CONCENTRATION_NG_ML, WEIGHT_G, entry
from tests.core.pumps import FILL_NL, Pump, Refused
from tests.programs import SYRINGE, header

CUE_HZ = 880
KEY_S = 1.4  # a key held for so long counts
PL_H = 10**9
PHASES = [["infuse", 600_000, 25 * PL_H, 25 * PL_H, 10 * PL_H, 40 * PL_H]]
DATE = "2026-11-24"
SETTINGS = {"occlusion_level": 0, "near_empty_level": 2, "auto_off_h": 3, "library_required": 0}

# What a good request of each method that takes something could be, with the pump where it allows that.
PARAMS: dict[str, dict[str, Any]] = {
    "sign_in": {"operator": "bench", "passphrase": "", "label": "test", "wire": wire.table_digest()},
    "operator": {"name": "eve", "salt": "salt", "digest": digest_of("salt", "apple"), "administrator": True},
    "syringe": {"syringe": SYRINGE, "fill_nl": FILL_NL},
    "fluid": {"drug": "ketamine", "concentration_ng_ml": 980_000},
    "load": {"program": header(PHASES), "first": 0, "phases": PHASES},
    "confirm": {"digest": wire.program_digest(header(PHASES), PHASES), "overrides": []},
    "program": {"first": 0},
    "refill": {"volume_nl": 1_000_000},
    "bolus": {"volume_nl": 100_000, "duration_ms": 8000, "overrides": []},
    "adjust": {"rate_pl_h": 30 * PL_H, "overrides": []},
    "mute": {"ms": 1000},
    "clock": {"utc_s": 1_800_000_000, "ms": 0},
    "events": {"after": 0},
    "journal": {"name": "", "first": 0},
    "exercise": {"lights": 7, "tone_hz": 440, "ms": 1000},
    "configure": {"settings": {name: wire.SETTINGS[name][0] for name in wire.SETTINGS}},
    "calibrate": {"syringe": SYRINGE, "slope_ppm": 2000, "residual_ppm": 100, "date": DATE},
    "calibrate_pressure": {"zero_pa": 200, "span_ppm": 3000, "date": DATE},
    "library": {"index": 0, "first": 0},
    "library_load": {"count": 1, "index": 0, "first": 0, "fields": part(entry(), 0)},
    "library_confirm": {"digest": Library().digest, "utc_s": 0},
    "clear": {"what": "library"},
    "clear_confirm": {"token": "00000000"},
}


def refusal(pump: Pump, method: str, **changed: Any) -> int | None:
    """The code with which a request is refused, or None where it is not."""
    try:
        pump.ask(method, **PARAMS.get(method, {}) | changed)
    except Refused as refused:
        return refused.code
    return None


def reach(pump: Pump, state: str) -> None:
    """From wherever it is, with an operator at it: to IDLE, READY, INFUSING or PAUSED with PHASES."""
    pump.ask("stop")
    if state != "IDLE":
        pump.ask("confirm", digest=pump.load(PHASES), overrides=[])
    if state in ("INFUSING", "PAUSED"):
        pump.ask("start")
    if state == "PAUSED":
        pump.ask("pause")
    assert pump.state == state


def bring(pump: Pump, library: Library) -> None:
    """Loads a library, which is not in force yet."""
    count = len(library.entries)
    for index, each in enumerate(library.entries):
        for first in range(0, len(FIELDS), FIELDS_PER_PART):
            pump.ask("library_load", count=count, index=index, first=first, fields=part(each, first))


def upload(pump: Pump, library: Library, utc_s: int = 0) -> None:
    """Puts a library in force."""
    bring(pump, library)
    pump.ask("library_confirm", digest=library.digest, utc_s=utc_s)


def under_entry(**limits: Any) -> Pump:
    """A pump with a drug library of one entry."""
    pump = Pump()
    upload(pump, Library([entry(**limits)]))
    return pump


def start_under(pump: Pump, phases: list[list[Any]], overrides: Any = (), **changed: Any) -> None:
    """Starts phases under the library's entry `test`."""
    own = {"concentration_ng_ml": CONCENTRATION_NG_ML, "weight_g": WEIGHT_G, "code": "test"} | changed
    pump.ask("confirm", digest=pump.load(phases, **own), overrides=[list(pair) for pair in overrides])
    pump.ask("start")


def record(pump: Pump, name: str, passphrase: str, administrator: bool) -> None:
    """An operator who may sign in from now on."""
    digest = digest_of("salt", passphrase)
    pump.ask("operator", name=name, salt="salt", digest=digest, administrator=administrator)


def notices(pump: Pump, method: str) -> list[dict[str, Any]]:
    """What the pump has told by itself since power-on, of one kind of notification."""
    messages = [message for message, _fault in Deframer().feed(bytes(pump.target.link.outgoing))]
    return [message["params"] for message in messages if message and message["method"] == method]


def statuses(pump: Pump) -> list[dict[str, Any]]:
    return notices(pump, "status")


def hold_keys(pump: Pump, *keys: str) -> None:
    """Holds keys one after the other, each for so long that it counts."""
    pump.run(0.4)  # one that was just switched on has to see them up first
    for key in keys:
        pump.target.press(key, KEY_S)
        pump.run(KEY_S + 0.4)


def cues(pump: Pump) -> int:
    """How often a refused input was heard."""
    return len([hz for _at_us, hz in pump.target.tone_edges if hz == CUE_HZ])
