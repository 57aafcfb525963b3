"""Sartorius balances: the SBI protocol. ESC, a letter, CR LF; lines of 16 characters, or 22 with a name in front.

    +  123.4567 g     sign, number, a space, three places of unit; no unit: not at rest
    "Stat       High" overload, "Low" underload, "Err 54"

Set the balance to print on request without waiting for rest. Sources: the makers' manuals of Cubis, Quintix, LE.
"""

import re

from hil.instruments.balance import SerialBalance, still_a_number
from hil.instruments.errors import Busy, Overloaded

LINE = re.compile(r"([+-]?) *([0-9][0-9 ]*\.?[0-9]*) *([a-z]*)")
SPECIAL = {"high": "above", "h": "above", "low": "below", "l": "below"}


class Sbi(SerialBalance):
    family = "sbi"

    def _ask(self, command: str) -> str:
        self.say(f"\x1b{command}\r\n".encode())
        return self.hear()

    def _weigh(self) -> tuple[float, bool]:
        answer = self._ask("P")
        text = answer[6:] if len(answer) > 16 else answer  # the name of the value, where the balance is set to it
        words = text.split()
        if words and words[-1].lower() in SPECIAL:
            raise Overloaded(self.name, f"the load is {SPECIAL[words[-1].lower()]} its range")
        if words and words[0].lower().startswith("err"):
            raise Busy(self.name, f"it reports {' '.join(words)}")
        found = LINE.fullmatch(text.strip())
        if not found:
            raise self.garbled(answer)
        sign, number, unit = found.groups()
        return self._value(sign + number, unit or "g", answer), bool(unit)

    def tare(self) -> None:
        """SBI confirms no tare: what it reads afterwards does."""
        self.say(b"\x1bT\r\n")
        self._reads_zero()

    def serial_number(self) -> str:
        return still_a_number(self, self._ask("x2_"))
