"""How instruments fail, each in its own name; none of it is the pump's fault.

InstrumentError       exit 3, like everything that could not be reached
├─ InstrumentMissing  it is not there: a test that needs it is skipped, with this reason
├─ Unplugged          it was there, and went away
├─ Silent             it does not answer
├─ Garbled            what it answers is no reply of its protocol
├─ Overloaded         the load is above or below what it can weigh
├─ Busy               it cannot do this now: a tare that finds no rest
└─ Drifting           its zero moves more than the measurement allows
"""

from titrate.errors import PumpError


class InstrumentError(PumpError):
    """`instrument` is what and where: "balance (mt-sics, /dev/ttyUSB0)"; `what` is what is wrong."""

    exit_code = 3

    def __init__(self, instrument: str, what: str) -> None:
        super().__init__(instrument, what)
        self.instrument = instrument
        self.what = what

    def __str__(self) -> str:
        return f"{self.instrument}: {self.what}. The pump is not to blame"


class InstrumentMissing(InstrumentError):
    """It is not there, or nobody is there to do it."""

    def __str__(self) -> str:
        return f"{self.instrument}: {self.what}"


class Unplugged(InstrumentError):
    """It was there, and its port went away."""


class Silent(InstrumentError):
    """No answer in time."""


class Garbled(InstrumentError):
    """What came back is no reply of its protocol."""


class Overloaded(InstrumentError):
    """Above or below what it can weigh."""


class Busy(InstrumentError):
    """It cannot do this now."""


class Drifting(InstrumentError):
    """Its zero moves more than the measurement allows."""
