"""What was measured of this pump with a balance and a gauge: a correction of bore, screw and sensor data (SR-AUTH-07).

{"syringes": {id: VOLUME}, "pressure": PRESSURE}, where each has the values of wire.CALIBRATION that are named here,
a date and the operator who stored it. Without one everything is nominal. It measures nothing and stores nothing.
"""

from pump.core.program import is_text, is_whole
from pump.core.syringes import SYRINGES
from pump.core.wire import CALIBRATION

TYPE_CHECKING = False  # MicroPython has no typing
if TYPE_CHECKING:
    from pump.core.hardware import Message

VOLUME = ("slope_ppm", "residual_ppm")
PRESSURE = ("zero_pa", "span_ppm")


def nominal() -> "Message":
    return {"syringes": {}, "pressure": {}}


def fault(record: "Message", names: "tuple[str, ...]") -> str:
    """Why a record is implausible, or not one; empty where nothing is wrong with it."""
    for name in names:
        least, most, _meaning = CALIBRATION[name]
        if not is_whole(record.get(name), least, most):
            return "%s: must be %d to %d" % (name, least, most)
    if not is_text(record.get("date"), 10, 10) or not is_text(record.get("author"), 1, 20):
        return "date: must be YYYY-MM-DD"
    return ""


def is_whole_calibration(found: "Message") -> bool:
    """Whether this, out of a store, has the form of a calibration and nothing implausible in it."""
    try:
        for name in found["syringes"]:
            if name not in SYRINGES or fault(found["syringes"][name], VOLUME):
                return False
        return not found["pressure"] or not fault(found["pressure"], PRESSURE)
    except (KeyError, TypeError, AttributeError):
        return False


def slope_ppm(calibration: "Message", syringe: str) -> int:
    """By how much a step of this syringe delivers more than bore and screw say."""
    found = calibration["syringes"].get(syringe)
    slope: int = found["slope_ppm"] if found else 0
    return slope


def text(calibration: "Message", syringe: str) -> str:
    """One syringe's, for the log."""
    found = calibration["syringes"].get(syringe)
    if not found:
        return "%s nominal" % syringe
    told = (syringe, found["slope_ppm"], found["residual_ppm"], found["date"], found["author"])
    return "%s %+d ppm, residual %d ppm, %s by %s" % told
