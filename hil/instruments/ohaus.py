"""Ohaus balances: ASCII, CR LF. `IP` weighs at once, right-justified: "     100.00 g", with "?" while not at rest.

Older ones answer a tare with nothing, newer ones with "OK!"; so it is what they read afterwards that counts.
Sources: the makers' manuals of Navigator, Scout and Discovery.
"""

import re

from hil.instruments.balance import SerialBalance, still_a_number
from hil.instruments.errors import Overloaded

LINE = re.compile(r"(-? *[0-9]+\.?[0-9]*) +([a-z]+)( *\?)?(?: +(?:N|G|NET|B/G))?", re.IGNORECASE)
RANGE = re.compile(r"(over|under|err(?:or)? *8\.[34])", re.IGNORECASE)


class Ohaus(SerialBalance):
    family = "ohaus"

    def _ask(self, command: str) -> str:
        self.say(f"{command}\r\n".encode())
        answer = self.hear().strip()
        if answer == "OK!":  # of a tare whose answer came late
            answer = self.hear().strip()
        return answer

    def _weigh(self) -> tuple[float, bool]:
        answer = self._ask("IP")
        beyond = RANGE.search(answer)
        if beyond:
            below = beyond[1].lower() == "under" or beyond[1].endswith("4")
            raise Overloaded(self.name, f"the load is {'below' if below else 'above'} its range")
        found = LINE.fullmatch(answer)
        if not found:
            raise self.garbled(answer)
        return self._value(found[1], found[2].lower(), answer), not found[3]

    def tare(self) -> None:
        self.say(b"T\r\n")
        self._reads_zero()

    def serial_number(self) -> str:
        return still_a_number(self, self._ask("PSN"))
