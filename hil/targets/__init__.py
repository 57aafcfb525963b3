"""Where the firmware runs: in this process, on an emulated chip, or behind a real port."""

import serial

from hil.instruments.families import FAMILIES
from titrate import balances

URLS = [
    ("sim://", "the firmware in this process, with a simulated bench"),
    ("emu://", "the firmware's image on an emulated RP2040, with a simulated bench"),
]


def register() -> list[tuple[str, str]]:
    """Teaches pyserial the urls of the rig, and titrate its balances; (url, description) of each url."""
    balances.FAMILIES.update(FAMILIES)
    if "hil.urls" not in serial.protocol_handler_packages:
        serial.protocol_handler_packages.append("hil.urls")
    return URLS
