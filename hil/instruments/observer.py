"""What is seen and heard of a pump from where people stand: lamps, display, liquid that leaks, the level of its sound.

A simulated pump is looked at by its pins and dots, which tells what it shows and not from how far, its line by what has
been spilled. It makes no sound: a level is only ever read off a meter, by a person.
"""

import re
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple, Protocol

from hil.instruments import lettering
from hil.instruments.errors import InstrumentMissing
from hil.instruments.person import Answer, ask_for
from pump.core.alarms import ALARMS
from pump.core.signals import CYAN, RED, YELLOW

LAMP_M = 4  # SR-VIS-01
DISPLAY_M = 1  # SR-VIS-03
METER_M = 1
LOOK_S = 2.5  # at the lamps: longer than the slowest flashes
READ_S = 15.0  # at the display: it shows its figures for eight seconds in twelve
GLANCE_S = 0.3
HEAR_S = 20  # longer than from one burst of the rarest alarm to the next
DROP_UL = 20  # is seen: a small drop
MOST_DB = 140  # no meter that is held in a hand reads beyond

LAMPS = {"red": RED, "yellow": YELLOW, "cyan": CYAN}
NONE = "none"
TITLE = re.compile(r"(!{1,3})\s*([a-z_ ]+)", re.IGNORECASE)
LEVEL = re.compile(r"(\d+(?:[.,]\d+)?)\s*(?:db)?(?:\(?a\)?)?")


class Title(NamedTuple):
    """An alarm as a display names it. priority: 1 to 3, by its exclamation marks."""

    priority: int
    alarm: str


class Observer(Protocol):
    simulated: bool

    def lamps(self) -> set[str]:
        """Names of LAMPS that shine or flash; empty where none does."""

    def title(self) -> Title | None:
        """The alarm that the display names beside the state; None where it names none that can be read."""

    def leak(self) -> bool:
        """Whether liquid is to be seen at syringe, stopper or fittings."""


def title_of(text: str) -> Title | None:
    """None for what names no alarm of the pump's."""
    found = TITLE.fullmatch(text.strip())
    alarm = "_".join(found[2].upper().split()) if found else ""
    return Title(len(found[1]), alarm) if found and alarm in ALARMS else None


class AskedObserver:
    """A person who looks. no_display: why there is none to be read, or nothing. Fails as `person.ask_for` does."""

    simulated = False

    def __init__(self, no_display: str = "", answer: Answer | None = None) -> None:
        self._no_display = no_display
        self._answer = answer

    def lamps(self) -> set[str]:
        return ask_for(
            f"From {LAMP_M} m, look at the pump for some seconds: which of its lamps shine or flash",
            f"{', '.join(LAMPS)} or {NONE}",
            _lamps_named,
            self._answer,
        )

    def title(self) -> Title | None:
        """InstrumentMissing where the pump has no display."""
        if self._no_display:
            raise InstrumentMissing("display", self._no_display)
        return ask_for(
            f"From {DISPLAY_M} m, wait for the page that has the state in large letters: what stands below the state",
            f"its exclamation marks too, or {NONE} if that is no alarm or cannot be read",
            _title_read,
            self._answer,
        )

    def leak(self) -> bool:
        return ask_for(
            "Look at the syringe, behind its stopper's first rib, and at each fitting: is any of it wet",
            "yes or no",
            _yes,
            self._answer,
        )


def _lamps_named(reply: str) -> set[str]:
    named = set(re.split(r"[\s,]+", reply.replace(" and ", " ")))
    if named == {NONE}:
        return set()
    if not named <= set(LAMPS):
        raise ValueError("no lamp of the pump")
    return named


def _yes(reply: str) -> bool:
    if reply not in ("yes", "no"):
        raise ValueError("no answer to that")
    return reply == "yes"


def _title_read(reply: str) -> Title | None:
    title = title_of(reply)
    if title is None and reply != NONE:
        raise ValueError("no alarm that a pump knows, with one to three exclamation marks before it")
    return title


class _Panel(Protocol):
    """A simulated bench, as far as it is looked at."""

    @property
    def lights(self) -> int: ...
    @property
    def light_edges(self) -> list[tuple[int, int]]: ...
    def run_for(self, seconds: float) -> None: ...


class SimulatedObserver:
    """Sees the pins of the lamps, the dots of the display and what was spilled; device time passes meanwhile."""

    simulated = True

    def __init__(self, panel: _Panel, frame: Callable[[], list[list[bool]]], spilled_ul: Callable[[], float]) -> None:
        self._panel = panel
        self._frame = frame
        self._spilled_ul = spilled_ul

    def lamps(self) -> set[str]:
        shone, before = self._panel.lights, len(self._panel.light_edges)
        self._panel.run_for(LOOK_S)
        for _, lights in self._panel.light_edges[before:]:
            shone |= lights
        return {name for name, light in LAMPS.items() if shone & light}

    def title(self) -> Title | None:
        for _ in range(round(READ_S / GLANCE_S)):
            with suppress(ValueError):  # it is being drawn
                state, below, *_rest = lettering.read(self._frame())
                if state.size == lettering.LARGE:
                    return title_of(below.text)
            self._panel.run_for(GLANCE_S)
        return None

    def leak(self) -> bool:
        return self._spilled_ul() > DROP_UL


class SoundMeter:
    """A sound level meter that a person reads. name, serial_number(): for the report."""

    simulated = False

    def __init__(self, model: str, number: str, answer: Answer | None = None) -> None:
        self.name = model
        self._number = number
        self._answer = answer

    def serial_number(self) -> str:
        return self._number

    def level_db(self, what: str) -> float:
        """Of `what`: the highest A-weighted level, "fast", of some bursts. Fails as `person.ask_for` does."""
        return ask_for(
            f"Hold the meter {METER_M} m before the pump for {HEAR_S} s, set to dB(A), fast, highest level: {what}",
            f"0 to {MOST_DB} dB",
            _level_read,
            self._answer,
        )


def _level_read(reply: str) -> float:
    found = LEVEL.fullmatch(reply)
    db = float(found[1].replace(",", ".")) if found else -1.0
    if not 0 <= db <= MOST_DB:
        raise ValueError("no level of a meter")
    return db
