"""RP2040: what tells one chip from another."""

from machine import unique_id


def serial_number():
    """The number of the board's flash chip, in hex: 16 digits (SR-AUTH-04)."""
    return "".join(["%02x" % byte for byte in unique_id()])
