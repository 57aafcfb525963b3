"""RP2040 I2C: a bus with parts at their addresses. A part that is silent costs no more than the time-out."""

from time import sleep_ms

from machine import I2C, Pin

_TIMEOUT_US = 5000  # longer than any transfer here


class Bus:
    """write(address, data): whether the part has taken it. read(address, size): bytes, or None.
    pause_ms(ms)."""

    def __init__(self, sda_pin, scl_pin, hz):
        number = sda_pin // 2 % 2  # which I2C this pin belongs to
        sda, scl = Pin(sda_pin), Pin(scl_pin)
        # The stub does not know the time-out.
        self._i2c = I2C(number, sda=sda, scl=scl, freq=hz, timeout=_TIMEOUT_US)  # type: ignore[call-overload]

    def write(self, address, data):
        try:
            return self._i2c.writeto(address, data) == len(data)
        except OSError:
            return False

    def read(self, address, size):
        try:
            return self._i2c.readfrom(address, size)
        except OSError:
            return None

    def pause_ms(self, ms):
        sleep_ms(ms)
