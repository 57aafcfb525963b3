"""Which port the board is behind, and one line of advice where it cannot be opened."""

from __future__ import annotations

import errno
import time
from pathlib import Path

import serial
from serial.tools import list_ports

from titrate.errors import LinkError, ProtocolError
from titrate.ports import BAUD

RASPBERRY_PI, MICROPYTHON, BOOT_MODE = 0x2E8A, 0x0005, (0x0003, 0x000F)  # USB ids; boot mode of RP2040 and RP2350
USB_DEVICES = Path("/sys/bus/usb/devices")
RETURN_S = 15.0  # for a board to come back to the bus after a reset
LOOK_S = 0.1


def boards() -> list[str]:
    """The ports behind which MicroPython runs on a chip of Raspberry Pi."""
    found = [port.device for port in list_ports.comports() if (port.vid, port.pid) == (RASPBERRY_PI, MICROPYTHON)]
    return sorted(found)


def in_boot_mode() -> bool:
    """Whether a board in boot mode is plugged in, as far as Linux tells."""
    for device in USB_DEVICES.glob("*/idVendor"):
        try:
            vendor, product = (int((device.parent / name).read_text(), 16) for name in ("idVendor", "idProduct"))
        except (OSError, ValueError):
            continue
        if vendor == RASPBERRY_PI and product in BOOT_MODE:
            return True
    return False


def the_board() -> str:
    """The port of the only board. ProtocolError lists several; LinkError says what to do without one."""
    found = boards()
    if len(found) == 1:
        return found[0]
    if found:
        raise ProtocolError("PORT", None, f"one of {', '.join(found)}: there are several boards")
    raise LinkError(f"no board is found. {_without()}")


def _without() -> str:
    if in_boot_mode():
        return (
            "One is in boot mode: unplug it and plug it in without its button, or, where it has no MicroPython yet, "
            "use `make flash-image`"
        )
    others = ", ".join(port.device for port in sorted(list_ports.comports()))
    return f"Plug it in with a cable that carries data, or name its PORT; serial ports here: {others or 'none'}"


def check(port: str) -> None:
    """Opens the port and closes it. LinkError with what to do."""
    try:
        _open(port)
    except (OSError, serial.SerialException) as error:
        raise LinkError(_advice(port, error)) from error


def _open(port: str) -> None:
    serial.Serial(port, BAUD, exclusive=True).close()


def _advice(port: str, error: Exception) -> str:
    number = getattr(error, "errno", None)
    if number in (errno.ENOENT, errno.ENODEV, errno.ENXIO):
        return f"{port}: there is no such port. {_without()}"
    if number in (errno.EACCES, errno.EPERM):
        return f"{port}: no permission: join its group (`sudo usermod -aG dialout $USER`) and log in again"
    if number in (errno.EBUSY, errno.EAGAIN):
        return f"{port}: another program has it open: end that (`titrate`, mpremote, a terminal), then flash again"
    return f"{port}: cannot be opened: {' '.join(str(error).split())}"


def identity(port: str) -> str | None:
    """The serial number of the board behind a port: it stays when the port's name changes. None without USB."""
    return next((found.serial_number for found in list_ports.comports() if found.device == port), None)


def await_return(port: str, number: str | None) -> str:
    """The port of the board with that serial number, once it can be opened after a reset. LinkError if it does not
    come back."""
    deadline_s = time.monotonic() + RETURN_S
    reason: Exception | None = None
    while time.monotonic() < deadline_s:
        if number:
            port = next((found.device for found in list_ports.comports() if found.serial_number == number), port)
        try:
            _open(port)
            return port
        except (OSError, serial.SerialException) as error:
            reason = error
        time.sleep(LOOK_S)
    raise LinkError(
        f"{port}: the board did not come back after its reset: unplug it, plug it in, flash again"
    ) from reason
