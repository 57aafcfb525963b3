"""The pump's own keys: what a press means in each state (SR-UI-16). Debouncing and holding are keys.py's."""

from pump.core import keys
from pump.core.signals import MOST_MUTE_MS

TYPE_CHECKING = False  # MicroPython has no typing
if TYPE_CHECKING:
    from pump.core.controller import Controller

# START, which takes two different keys: what it asks for, by state. In ALARM it acknowledges and starts nothing; in
# IDLE it lets the pump be set up (SR-AUTH-07). The first MUTE since power-on also says that the buzzer was heard and
# the lights were seen (SR-POST-07, SR-AUDIO-09).
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
        elif pump.state == "IDLE":
            pump.access.maintain()
            pump.log.add(pump.now_ms, "session", "the pump may be set up" + _BY)
        else:
            signals.refuse()
    if actions & keys.BOLUS:
        _bolus(pump)
    if actions & keys.MUTE:
        if pump.access.hear():
            pump.log.add(pump.now_ms, "heard", "buzzer and lights" + _BY)
            signals.mute(MOST_MUTE_MS)
        elif signals.muted_ms:
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
