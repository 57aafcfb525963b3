"""The guided check of a pump: every input and output, one after the other, with a pair of hands at it.

The pump says what its inputs read and shows what its outputs can; somebody does and sees. Nothing is decided here that
nobody has seen: a check is passed, failed, or skipped with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Protocol

from pump.core import units
from titrate.calibrating import dispense
from titrate.client import Pump
from titrate.errors import DeliveryError, Refused
from titrate.plan import nominal_nl

PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"  # as the self-test at power-on has it
POLL_S = 0.2
POLLS = 100  # 20 s for a hand to do what is asked
SHOWN_MS = 5000
TONE_HZ = 1000
PRESSED_PA = 3000  # more than a load cell's friction or a sensor's noise
LIGHTS = {"red": 1, "yellow": 2, "cyan": 4}
KEYS = ("stop", "start", "bolus", "mute")
NOBODY = "nobody is there to ask"
DECLINED = "the person skipped it"
MOTOR_ML, MOTOR_ML_H = Fraction(1, 10), Fraction(60)

Inputs = dict[str, Any]


class Hands(Protocol):
    """Whoever stands at the pump."""

    def do(self, what: str) -> bool:
        """Asks for something to be done within 20 s; False: it is to be skipped."""

    def sees(self, question: str) -> bool | None:
        """Whether it is so; None: it is to be skipped."""


@dataclass(frozen=True)
class Check:
    """result: passed, failed or skipped; why: what was read, or why it was not."""

    name: str
    result: str
    why: str


def checks(pump: Pump, hands: Hands | None, syringe: str) -> Iterator[Check]:
    """Each check when it is done. hands: None where nobody is there. The motor runs only when somebody says so.

    Raises Refused for a pump that is not idle.
    """
    state = pump.status()["state"]
    if state != "IDLE":
        raise Refused("selftest --guided", state, "possible in IDLE")
    for name, check in _all(pump, syringe):
        yield check(hands, name) if hands else Check(name, SKIPPED, NOBODY)


def _all(pump: Pump, syringe: str) -> Iterator[tuple[str, Callable[[Hands, str], Check]]]:
    for key in KEYS:
        yield f"key {key}", _moved(pump, f"Hold {key.upper()} for two seconds", _down(key))
    yield "syringe switch", _moved(pump, "Take the syringe out", lambda now: not now["syringe"], "Put it back")
    yield "guard switch", _moved(pump, "Open the guard", lambda now: not now["guard"], "Close it")
    yield "air detector", _moved(pump, "Bring air to the detector", lambda now: now["air"], "Take it away")
    yield "pressure", _pressure(pump)
    yield "supply and temperature", _readings(pump)
    for name, bit in LIGHTS.items():
        yield f"light {name}", _shown(pump, bit, 0, f"Does the {name} light shine, and no other?")
    yield "buzzer", _shown(pump, 0, TONE_HZ, "Does the buzzer sound?")
    yield "motor", _motor(pump, syringe)


def _down(key: str) -> Callable[[Inputs], bool]:
    return lambda now: key in now["keys"]


def _wait(pump: Pump, wanted: Callable[[Inputs], bool]) -> Inputs | None:
    """The inputs as soon as they are as wanted; None when they do not become so."""
    for _ in range(POLLS):
        now = pump.request("inputs")
        if wanted(now):
            return now
        pump.listen(POLL_S)
    return None


def _moved(pump: Pump, what: str, wanted: Callable[[Inputs], bool], back: str = "") -> Callable[[Hands, str], Check]:
    """An input that a hand brings to another level, and back. back: what that takes, if not only to let go."""

    def check(hands: Hands, name: str) -> Check:
        if wanted(pump.request("inputs")):
            return Check(name, FAILED, "it reads so before anything was done")
        if not hands.do(what):
            return Check(name, SKIPPED, DECLINED)
        if _wait(pump, wanted) is None:
            return Check(name, FAILED, "nothing was read in 20 s")
        if back and not hands.do(back):
            return Check(name, FAILED, "it was not brought back")
        if _wait(pump, lambda now: not wanted(now)) is None:
            return Check(name, FAILED, "it stays so for 20 s")
        return Check(name, PASSED, "it was read, and was over again")

    return check


def _pressure(pump: Pump) -> Callable[[Hands, str], Check]:
    def check(hands: Hands, name: str) -> Check:
        rest_pa = pump.request("inputs")["pressure_pa"]
        if not hands.do("Close the line and push on the plunger, or raise the line's end by half a metre"):
            return Check(name, SKIPPED, DECLINED)
        found = _wait(pump, lambda now: now["pressure_pa"] - rest_pa >= PRESSED_PA)
        if found is None:
            return Check(name, FAILED, f"it rose by less than {PRESSED_PA} Pa from {rest_pa} Pa")
        return Check(name, PASSED, f"from {rest_pa} to {found['pressure_pa']} Pa")

    return check


def _readings(pump: Pump) -> Callable[[Hands, str], Check]:
    def check(hands: Hands, name: str) -> Check:
        now = pump.request("inputs")
        told = f"{now['battery_mv'] / 1000:.1f} V, {now['temperature_dc'] / 10:.0f} °C in the chip"
        return _as_seen(name, hands.sees(f"The pump reads {told}. Is that so?"), told)

    return check


def _shown(pump: Pump, lights: int, tone_hz: int, question: str) -> Callable[[Hands, str], Check]:
    def check(hands: Hands, name: str) -> Check:
        try:
            pump.request("exercise", lights=lights, tone_hz=tone_hz, ms=SHOWN_MS)
        except Refused as refused:
            return Check(name, SKIPPED, refused.reason)
        return _as_seen(name, hands.sees(question), "as a person says")

    return check


def _motor(pump: Pump, syringe: str) -> Callable[[Hands, str], Check]:
    """A tenth of a millilitre, with the pulses at the pin counted."""

    def check(hands: Hands, name: str) -> Check:
        if not hands.sees(f"Is a full {syringe} fitted, and may {float(MOTOR_ML):g} mL leave the line?"):
            return Check(name, SKIPPED, DECLINED)
        try:
            pump.syringe(syringe, nominal_nl(syringe))
            steps = dispense(pump, syringe, MOTOR_ML, MOTOR_ML_H, lambda status: None)
        except (DeliveryError, Refused) as error:
            return Check(name, FAILED, str(error))
        asked = pump.status()["asked_steps"]
        told = f"{steps} of {asked} steps counted, {float(MOTOR_ML) * units.NL_PER_ML:.0f} nL"
        if steps != asked:
            return Check(name, FAILED, told)
        return _as_seen(name, hands.sees("Has the plunger moved forward?"), told)

    return check


def _as_seen(name: str, seen: bool | None, told: str) -> Check:
    if seen is None:
        return Check(name, SKIPPED, DECLINED)
    return Check(name, PASSED if seen else FAILED, told)
