"""Titrate on the host: protocol files, plans, and the client of the pump. Bench and research, never a medical device.

Names are loaded when they are first used, so that importing the package costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from titrate.client import Pump
    from titrate.plan import Plan
    from titrate.protocol import Protocol
    from titrate.record import Record

from titrate.errors import (
    BadFrame,
    DeliveryError,
    LinkError,
    ProtocolError,
    PumpError,
    Refused,
    TimedOut,
    VersionMismatch,
)

__all__ = [
    "BadFrame",
    "DeliveryError",
    "LinkError",
    "Plan",
    "Protocol",
    "ProtocolError",
    "Pump",
    "PumpError",
    "Record",
    "Refused",
    "TimedOut",
    "VersionMismatch",
]

_MODULES = {
    "Plan": "titrate.plan",
    "Protocol": "titrate.protocol",
    "Pump": "titrate.client",
    "Record": "titrate.record",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)
