"""The pump's own keys: what a press means in each state (SR-UI-16). Debouncing and holding are keys.py's."""

from pump.core import keys
from pump.core.signals import MOST_MUTE_MS

TYPE_CHECKING = False  # MicroPython has no typing
if TYPE_CHECKING:
    from pump.core.controller import Controller

# START, which takes two different keys: what it asks for, by state. In ALARM it acknowledges and starts nothing.
STARTS = {"READY": "start", "PAUSED": "resume", "KVO": "resume", "ALARM": "acknowledge"}

_BY = " (key)"


def pressed(pump: "Controller", actions: int) -> None:
    """Does what the actions of Keys.update ask for, under the same limits as a request of the host."""
    signals = pump.signals
    if actions & keys.STOP:
        pump.act("stop", {}, _BY)
        signals.stopped()
    if actions & keys.START:
        method = STARTS.get(pump.state)
        if method:
            pump.act(method, {}, _BY)
        else:
            signals.refuse()
    if actions & keys.BOLUS:
        _bolus(pump)
    if actions & keys.MUTE:
        if signals.muted_ms:
            signals.unmute()
        elif not signals.mute(MOST_MUTE_MS):
            signals.refuse()
    if actions & keys.REFUSED:
        signals.refuse()


def _bolus(pump: "Controller") -> None:
    """The bolus that the program names; without one there is none at the key."""
    header = pump.program.header if pump.program else {}
    volume_nl = header.get("bolus_nl", 0)
    if not volume_nl:
        pump.log.add(pump.now_ms, "refused", "bolus%s: the program names none" % _BY)
        pump.signals.refuse()
        return
    pump.act("bolus", {"volume_nl": volume_nl, "duration_ms": header["bolus_ms"], "overrides": []}, _BY)
