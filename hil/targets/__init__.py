"""Where the firmware runs: in this process, on an emulated chip, or behind a real port."""

import serial


def register() -> None:
    """Teaches pyserial the urls sim:// and emu://."""
    if "hil.urls" not in serial.protocol_handler_packages:
        serial.protocol_handler_packages.append("hil.urls")
