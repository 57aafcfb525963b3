"""A USB relay board with the ASCII protocol of Numato Lab's modules, and its simulated twin.

"relay on 0" CR; the board echoes it, answers with a line or none, and ends with "\\n\\r>". Channels from ten on are
capital letters. A relay is read back after each change: a board that only echoes is found out.
"""

from collections.abc import Callable

import serial

from hil.instruments.serial_line import SerialLine

PROMPT = b">"
MOST_RELAYS = 32
BAUD = 19200  # the board is USB and ignores it


class RelayBoard(SerialLine):
    """set(relay, on), state(relay), serial_number(). Silent, Garbled or Unplugged where that fails."""

    def __init__(
        self,
        url: str,
        timeout_s: float = 2.0,
        open_port: Callable[..., serial.Serial] = serial.serial_for_url,
    ) -> None:
        super().__init__("relay board", url, BAUD, timeout_s, open_port)

    def _ask(self, command: str) -> list[str]:
        """Lines between the echo and the prompt."""
        self.say(f"{command}\r".encode())
        text = self.hear(PROMPT)
        lines = [line.strip() for line in text.replace("\r", "\n").split("\n") if line.strip()]
        if not lines or lines[0] != command:
            raise self.garbled(text)
        return lines[1:]

    def set(self, relay: int, on: bool) -> None:
        self._ask(f"relay {'on' if on else 'off'} {channel(relay)}")
        if self.state(relay) != on:
            raise self.garbled(f"relay {relay} stays {'off' if on else 'on'}")

    def state(self, relay: int) -> bool:
        lines = self._ask(f"relay read {channel(relay)}")
        if len(lines) != 1 or lines[0] not in ("on", "off"):
            raise self.garbled(" ".join(lines))
        return lines[0] == "on"

    def serial_number(self) -> str:
        """The id that was written to the board; eight zeros unless somebody did."""
        lines = self._ask("id get")
        if len(lines) != 1:
            raise self.garbled(" ".join(lines))
        return lines[0]


def channel(relay: int) -> str:
    """0 to 9, then A to V."""
    if not 0 <= relay < MOST_RELAYS:
        raise ValueError(f"relay {relay}: 0 to {MOST_RELAYS - 1} are allowed")
    return str(relay) if relay < 10 else chr(ord("A") + relay - 10)


class RelayBoardTwin:
    """on_change(relay, on) is what hangs on the contacts. stuck: relays that do not move."""

    def __init__(self, on_change: Callable[[int, bool], None] | None = None, relays: int = 8) -> None:
        self.states = [False] * relays
        self.stuck: set[int] = set()
        self._on_change = on_change
        self._waiting = ""

    def answer(self, data: bytes) -> bytes:
        *commands, self._waiting = (self._waiting + data.decode("latin-1")).split("\r")
        return "".join(self._reply(command.strip()) for command in commands).encode()

    def _reply(self, command: str) -> str:
        words = command.split()
        lines: list[str] = []
        if words == ["ver"]:
            lines = ["00000008"]
        elif words == ["id", "get"]:
            lines = ["SIM00001"]
        elif len(words) == 3 and words[0] == "relay":
            relay = "0123456789ABCDEFGHIJKLMNOPQRSTUV".find(words[2])
            if 0 <= relay < len(self.states):
                if words[1] in ("on", "off"):
                    self._switch(relay, words[1] == "on")
                elif words[1] == "read":
                    lines = ["on" if self.states[relay] else "off"]
        return command + "".join(f"\n\r{line}" for line in lines) + "\n\r>"

    def _switch(self, relay: int, on: bool) -> None:
        if relay in self.stuck or self.states[relay] == on:
            return
        self.states[relay] = on
        if self._on_change:
            self._on_change(relay, on)
