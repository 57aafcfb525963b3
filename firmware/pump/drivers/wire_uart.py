"""RP2040 UART on one wire: TX through 1 kOhm, and RX directly, so that what is sent comes back as well."""

from time import sleep_ms

from machine import UART, Pin

_BUFFER_BYTES = 32  # a request, its echo's reply, and room


class Wire:
    """send(data): forgets what came before. received(): all that came since, what was sent included. pause_ms(ms)."""

    def __init__(self, tx_pin, rx_pin, baud=115200):
        number = (tx_pin + 4) // 8 % 2  # which UART this pin belongs to
        self._uart = UART(number, baud, tx=Pin(tx_pin), rx=Pin(rx_pin), rxbuf=_BUFFER_BYTES)

    def send(self, data):
        self.received()
        self._uart.write(data)

    def received(self):
        size = self._uart.any()  # more than there is would be waited for
        return self._uart.read(size) if size else b""

    def pause_ms(self, ms):
        sleep_ms(ms)
