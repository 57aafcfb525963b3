"""Simulated balances, byte for byte: what a port gets, and what it answers. Of each family one; they share the pan."""

from collections.abc import Callable

from hil.instruments.pan import Pan

FAULTS = ("silent", "rubbish", "busy")
RUBBISH = b"\xff\x00@@\x9e+++ 7\r\n"


class BalanceTwin:
    """answer(data): bytes in, bytes out; a command may come in pieces. fault: one of FAULTS, or None."""

    end = b"\n"

    def __init__(self, pan: Pan, serial_number: str = "SIM-0001") -> None:
        self.pan = pan
        self.serial_number = serial_number
        self.fault: str | None = None
        self._waiting = b""

    def answer(self, data: bytes) -> bytes:
        *commands, self._waiting = (self._waiting + data).split(self.end)
        answers = [self._reply(command.decode("latin-1").strip("\r")) for command in commands]
        if self.fault == "silent":
            return b""
        if self.fault == "rubbish":
            return RUBBISH * len(answers)
        return "".join(answer + "\r\n" for answer in answers if answer is not None).encode()

    def _reply(self, command: str) -> str | None:
        raise NotImplementedError

    def _digits(self) -> int:
        return max(len(f"{self.pan.data.readability_g:f}".rstrip("0").partition(".")[2]), 0)


class MtSicsTwin(BalanceTwin):
    """Levels 0 and 1: S SI Z ZI T TI @ I2 I4."""

    def _reply(self, command: str) -> str | None:
        name = command.strip()
        if name in ("@", "I4"):
            return f'I4 A "{self.serial_number}"'
        if name == "I2":
            return 'I2 A "Titrate simulated balance 220.0000 g"'
        if name not in ("S", "SI", "T", "TI", "Z", "ZI"):
            return "ES"
        kind = name[0]
        if self.fault == "busy":
            return f"{name if kind != 'S' else 'S'} I"
        if self.pan.beyond:
            return f"{kind} {'+' if self.pan.beyond > 0 else '-'}"
        stable = self.pan.stable
        if kind == "S":
            if name == "S" and not stable:
                return "S I"  # it waits for rest, and gives up
            return f"S {'S' if stable else 'D'} {self.pan.grams():10.{self._digits()}f} g"
        self.pan.tare()
        word = "S" if stable or name in ("T", "Z") else "D"
        if kind == "Z":
            return f"{name} {word}" if name == "ZI" else "Z A"
        return f"{name} {word} {0:10.{self._digits()}f} g"


class SbiTwin(BalanceTwin):
    """ESC P, T, U, V and x2_; long: lines of 22 characters."""

    def __init__(self, pan: Pan, serial_number: str = "SIM-0001", long: bool = False) -> None:
        super().__init__(pan, serial_number)
        self.long = long

    def _reply(self, command: str) -> str | None:
        if not command.startswith("\x1b"):
            return None
        name = command[1:].strip()
        if name == "x2_":
            return self.serial_number
        if name in ("T", "U", "V"):
            self.pan.tare()
            return None
        if name != "P":
            return None
        if self.fault == "busy":
            return self._line("Stat", "   Err 54     ")
        if self.pan.beyond:
            return self._line("Stat", "      High    " if self.pan.beyond > 0 else "      Low     ")
        grams = self.pan.grams()
        unit = "g  " if self.pan.stable else "   "
        return self._line("N", f"{'-' if grams < 0 else '+'}{abs(grams):9.{self._digits()}f} {unit}")

    def _line(self, name: str, text: str) -> str:
        return f"{name:<6}{text}" if self.long else text


class OhausTwin(BalanceTwin):
    """IP P SP T Z PSN PV; confirms: answers a tare with "OK!", as newer ones do."""

    def __init__(self, pan: Pan, serial_number: str = "SIM-0001", confirms: bool = True) -> None:
        super().__init__(pan, serial_number)
        self.confirms = confirms

    def _reply(self, command: str) -> str | None:
        name = command.strip().upper()
        if name in ("T", "Z"):
            self.pan.tare()
            return "OK!" if self.confirms else None
        if name == "PSN":
            return self.serial_number
        if name == "PV":
            return "Titrate simulated balance 1.0"
        if name not in ("IP", "P", "SP"):
            return "ES"
        if self.pan.beyond:
            return "   OVERLOAD" if self.pan.beyond > 0 else "   UNDERLOAD"
        stable = self.pan.stable and self.fault != "busy"
        if name == "SP" and not stable:
            return None
        return f"{self.pan.grams():11.{self._digits()}f} g{'' if stable else ' ?'}"


TWINS: dict[str, Callable[[Pan], BalanceTwin]] = {"mt-sics": MtSicsTwin, "sbi": SbiTwin, "ohaus": OhausTwin}
