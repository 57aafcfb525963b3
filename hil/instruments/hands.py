"""The hands of a bench: clamp the line, cut the supply, pull the link, open the guard. Each on a relay, or by a person.

A hand does not know what a clamp or a supply is: it knows two states and how to get from one to the other.
"""

from dataclasses import dataclass
from typing import Protocol

from hil.instruments.errors import InstrumentMissing
from hil.instruments.person import WHO, Answer, ask
from hil.instruments.relay_board import RelayBoard


class Switch(Protocol):
    """Two states; off is how the bench is at rest: clamp open, supply on, link plugged, guard closed."""

    simulated: bool

    def set(self, on: bool) -> None: ...


@dataclass
class RelaySwitch:
    """inverted: rest is with the coil on (a supply on a contact that is open without current)."""

    board: RelayBoard
    relay: int
    inverted: bool = False
    simulated: bool = False

    def set(self, on: bool) -> None:
        self.board.set(self.relay, on != self.inverted)


class Person:
    """Asks whoever sits at the bench. answer(question): input() unless given; "n" or "no" is an answer, too.

    InstrumentMissing where nobody is there to ask, or the person says no.
    """

    simulated = False

    def __init__(self, on: str, off: str, answer: Answer | None = None) -> None:
        self._words = {True: on, False: off}
        self._answer = answer

    def set(self, on: bool) -> None:
        words = self._words[on]
        if ask(words, "then press Enter ('no' if it cannot be done)", self._answer) in ("n", "no"):
            raise InstrumentMissing(WHO, f'"{words}" could not be done')


class Occluder:
    """The clamp at the end of the line."""

    ASK = ("Close the clamp at the end of the line", "Open the clamp")

    def __init__(self, switch: Switch) -> None:
        self.switch = switch

    def close_line(self) -> None:
        self.switch.set(True)

    def open_line(self) -> None:
        self.switch.set(False)


class PowerRelay:
    """The supply of motor and board together."""

    ASK = ("Take the pump's supply away, USB included", "Give the pump its supply again")

    def __init__(self, switch: Switch) -> None:
        self.switch = switch

    def cut(self) -> None:
        self.switch.set(True)

    def restore(self) -> None:
        self.switch.set(False)


class LinkBreaker:
    """The data wires of the link; the supply stays."""

    ASK = ("Pull the link's cable", "Plug the link's cable in again")

    def __init__(self, switch: Switch) -> None:
        self.switch = switch

    def unplug(self) -> None:
        self.switch.set(True)

    def plug(self) -> None:
        self.switch.set(False)


class Guard:
    """The guard that holds the plunger, or the contact in its switch's wire that stands for it."""

    ASK = ("Open the pump's guard", "Close the pump's guard")

    def __init__(self, switch: Switch) -> None:
        self.switch = switch

    def open_guard(self) -> None:
        self.switch.set(True)

    def close_guard(self) -> None:
        self.switch.set(False)
