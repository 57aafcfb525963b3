"""Where to turn for a balance: whoever has drivers puts them here by family, as the rig does when it is registered."""

from collections.abc import Callable
from typing import Protocol

from titrate.errors import ProtocolError
from titrate.ports import registered_urls


class Reading(Protocol):
    """grams: net. stable: as the balance says."""

    @property
    def grams(self) -> float: ...
    @property
    def stable(self) -> bool: ...


class Balance(Protocol):
    def read(self) -> Reading: ...
    def close(self) -> None: ...


FAMILIES: dict[str, Callable[[str], Balance]] = {}


def open_balance(text: str) -> Balance:
    """The balance of "mt-sics:/dev/ttyUSB0". Raises ProtocolError for a family that nobody has a driver for."""
    registered_urls()
    family, _, port = text.partition(":")
    if family not in FAMILIES or not port:
        raise ProtocolError("--balance", text, f"FAMILY:PORT with a family of {', '.join(sorted(FAMILIES)) or 'none'}")
    return FAMILIES[family](port)
