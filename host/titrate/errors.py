"""The one tree of errors that the host raises on purpose; each class knows its exit code.

PumpError
├─ LinkError      TimedOut, BadFrame, VersionMismatch         exit 3
├─ Refused        the pump said no: method, state, reason     exit 4
├─ ProtocolError  the file is wrong: where, value, allowed    exit 2
└─ DeliveryError  out of tolerance, or ended by an alarm      exit 1
"""

from pathlib import Path

LONGEST_SHOWN = 60
# Behind a LinkError where the motor may be on.
MAY_MOVE = "the pump may have begun: `titrate status` says so, and `titrate stop` or its key stops it"


class PumpError(Exception):
    """Anything that Titrate reports in one line instead of a traceback."""

    exit_code = 1


class LinkError(PumpError):
    """The link or the device could not be reached, or does not speak our language."""

    exit_code = 3


class TimedOut(LinkError):
    """No answer within the device time that was allowed."""


class BadFrame(LinkError):
    """What came back is no message of the link."""


class VersionMismatch(LinkError):
    """Host and pump were built from different message tables."""


class Refused(PumpError):
    """The pump said no to `method` in `state`, and gave a `reason` and one of the wire's codes."""

    exit_code = 4

    def __init__(self, method: str, state: str, reason: str, code: int = 0) -> None:
        super().__init__(method, state, reason)
        self.code = code
        self.method = method
        self.state = state
        self.reason = reason

    def __str__(self) -> str:
        return f"the pump refused {self.method} in {self.state}: {self.reason}"


class ProtocolError(PumpError, ValueError):
    """A file or a setting is wrong: `where` it stands, its `value`, and what is `allowed` there (SR-UI-15).

    It is a ValueError too, so that pydantic collects it with the key path of the value. A missing value is None.
    """

    exit_code = 2

    def __init__(self, where: str, value: object, allowed: str) -> None:
        super().__init__(where, value, allowed)
        self.where = where
        self.value = value
        self.allowed = allowed

    def __str__(self) -> str:
        given = "nothing is given" if self.value is None else f"{_shown(self.value)} is not valid"
        return f"{self.where}: {given}; allowed: {self.allowed}"


class DeliveryError(PumpError):
    """What came out is out of tolerance, or an alarm ended the delivery."""

    exit_code = 1


def _shown(value: object) -> str:
    """A value as a person would recognise it, on one line and not too long."""
    text = f'"{value}"' if isinstance(value, (str, Path)) else str(value)
    text = "".join(character if character.isprintable() else "?" for character in text)
    return text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 1] + "…"
