"""The pump's own keys: what a press means in each state (SR-UI-16). Debouncing and holding are keys.py's."""

from pump.core import keys
from pump.core.signals import MOST_MUTE_MS

TYPE_CHECKING = False  # MicroPython has no typing
if TYPE_CHECKING:
    from pump.core.controller import Controller

# START, which takes two different keys: what it asks for, by state. In ALARM it acknowledges and starts nothing; in
# IDLE it lets the pump be set up (SR-AUTH-07). The first MUTE since power-on also says that the buzzer was heard and
# the lights were seen (SR-POST-07, SR-AUDIO-09).
STARTS = {
    "READY": "start",
    "INFUSING": "pause",
    "BOLUS": "pause",
    "KVO": "resume",
    "PAUSED": "resume",
    "ALARM": "acknowledge",
}

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
            pump.refused("start%s: nothing to start in %s" % (_BY, pump.state))
    if actions & keys.HOLD:
        pump.act("hold", {}, _BY)
    if actions & keys.BOLUS:
        _bolus(pump)
    if actions & keys.MUTE:
        if pump.access.hear():
            pump.log.add(pump.now_ms, "heard", "buzzer and lights" + _BY)
            signals.mute(MOST_MUTE_MS)
        elif signals.muted_ms:
            signals.unmute()
            pump.log.add(pump.now_ms, "command", "mute%s: 0 ms" % _BY)
        elif signals.mute(MOST_MUTE_MS):
            pump.log.add(pump.now_ms, "command", "mute%s: %d ms" % (_BY, MOST_MUTE_MS))
        else:
            pump.refused("mute%s: nothing sounds" % _BY)
    if actions & keys.REFUSED:
        pump.refused("keys: several at once, one that is stuck, or a start without its second key")


def _bolus(pump: "Controller") -> None:
    """The bolus that the program names; without one there is none at the key."""
    header = pump.program.header if pump.program else {}
    volume_nl = header.get("bolus_nl", 0)
    if not volume_nl:
        pump.refused("bolus%s: the program names none" % _BY)
        return
    pump.act("bolus", {"volume_nl": volume_nl, "duration_ms": header["bolus_ms"], "overrides": []}, _BY)
