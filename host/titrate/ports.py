"""Ports that pumps may be behind, and how one is opened: any pyserial url, and those that plug-ins register."""

from __future__ import annotations

import time
from importlib.metadata import entry_points

import serial
from serial.tools import list_ports

from titrate.errors import LinkError, ProtocolError

BAUD = 115200  # USB serial ignores it
REOPEN_WAIT_S = 1.0


def existing_ports() -> list[tuple[str, str]]:
    """(port, description) of the serial ports on this machine."""
    return [(port.device, port.description or "") for port in sorted(list_ports.comports())]


def registered_urls() -> list[tuple[str, str]]:
    """(url, description) of what the installed rigs add; from now on pyserial knows them."""
    found: list[tuple[str, str]] = []
    for target in entry_points(group="titrate.targets"):
        found += target.load()()
    return found


def reopen(port: serial.SerialBase) -> None:
    """Opens a port again that has gone away. LinkError after a second in which it could not be opened: where there is
    no port there is no device time to wait for.
    """
    try:
        port.close()
        port.open()  # type: ignore[attr-defined]  # every port class has it
    except (serial.SerialException, OSError) as error:
        time.sleep(REOPEN_WAIT_S)
        raise LinkError(f"{port.port} cannot be opened again: {' '.join(str(error).split())}") from error


def open_port(url: str) -> serial.SerialBase:
    """Opens a port exclusively. LinkError says why it could not be opened and which ports there are; ProtocolError that
    none was named."""
    if not url:
        raise ProtocolError("--port", url, "where the pump is, such as sim:// or /dev/ttyACM0")
    registered = registered_urls()
    try:
        port = serial.serial_for_url(url, baudrate=BAUD, do_not_open=True)
        if "://" not in url:
            port.exclusive = True
        port.write_timeout = 2.0
        port.open()
        return port
    except (serial.SerialException, OSError, ValueError) as error:
        known = ", ".join(name for name, _ in existing_ports() + registered)
        reason = " ".join(str(error).split())
        raise LinkError(f"{url} cannot be opened: {reason}. Ports here: {known or 'none'}") from error
