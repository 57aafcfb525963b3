"""Mettler Toledo balances: the Standard Interface Command Set, levels 0 and 1. ASCII, CR LF, one question at a time.

`SI` weighs at once: "S S     100.00 g" at rest, "S D ..." moving, "S I" busy, "S +" and "S -" over and under.
"""

import time

from hil.instruments.balance import TRIES, SerialBalance, still_a_number
from hil.instruments.errors import Busy, Overloaded

ERRORS = {
    "ES": "it does not know the command",
    "ET": "the command was damaged on the way",
    "EL": "the command is wrong",
}


class MtSics(SerialBalance):
    family = "mt-sics"

    def _ask(self, command: str, words: int) -> list[str]:
        """The words of an answer that begins with the command's first word. An answer "I" is asked again."""
        for _ in range(TRIES):
            self.say(f"{command}\r\n".encode())
            answer = self.hear()
            found = answer.split(maxsplit=words - 1)
            if found and found[0] in ERRORS:
                raise self.garbled(f"{answer}: {ERRORS[found[0]]}")
            if len(found) < 2 or found[0] != command[: len(found[0])]:
                raise self.garbled(answer)
            if found[1] in "+-":
                raise Overloaded(self.name, f"the load is {'above' if found[1] == '+' else 'below'} its range")
            if found[1] != "I":
                return found
            time.sleep(self._pause_s)
        raise Busy(self.name, f"it is busy, and did not do {command}")

    def _weigh(self) -> tuple[float, bool]:
        found = self._ask("SI", 4)
        if len(found) != 4 or found[0] != "S" or found[1] not in "SD":
            raise self.garbled(" ".join(found))
        return self._value(found[2], found[3], " ".join(found)), found[1] == "S"

    def tare(self) -> None:
        """Zero at rest: with a drop falling in every second the balance may find none, and Busy is raised."""
        found = self._ask("T", 4)
        if found[1] != "S":
            raise self.garbled(" ".join(found))

    def serial_number(self) -> str:
        found = self._ask("I4", 3)
        if len(found) != 3 or found[1] != "A":
            raise self.garbled(" ".join(found))
        return still_a_number(self, found[2].strip('"'))
