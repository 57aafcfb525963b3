"""RP2040 PIO: the converter HX711, channel A at gain 128, ten conversions a second. Clocks each one out by itself.

HX711 datasheet (Avia Semiconductor), Serial Interface: DOUT low says that a conversion is there; 24 pulses bring its
bits, the highest first, and the 25th sets channel and gain of the next. A pulse is 0.2 to 50 us wide.
"""

from time import sleep_ms

import rp2
from machine import Pin

_CLOCK_HZ = 500000  # an instruction takes 2 us
_FIRST_MS = 600  # until the first conversion after power-on: 400 ms, and one more


@rp2.asm_pio(sideset_init=rp2.PIO.OUT_LOW, in_shiftdir=rp2.PIO.SHIFT_LEFT)
def _conversion():
    wrap_target()
    set(x, 24).side(0)
    wait(0, pin, 0).side(0)
    label("bit")
    nop().side(1)
    in_(pins, 1).side(0)
    jmp(x_dec, "bit").side(0)
    push(noblock).side(0)
    wrap()


class Converter:
    """count(): the newest conversion since it was asked last, -2^23 to 2^23 - 1; None for none."""

    def __init__(self, data_pin, clock_pin, machine_id=3):
        data = Pin(data_pin, Pin.IN, Pin.PULL_UP)  # unplugged reads as never ready
        clock = Pin(clock_pin, Pin.OUT, value=0)
        self._machine = rp2.StateMachine(machine_id, _conversion, freq=_CLOCK_HZ, in_base=data, sideset_base=clock)
        self._machine.active(1)
        for _ in range(_FIRST_MS // 10):
            if self._machine.rx_fifo():
                break
            sleep_ms(10)

    def count(self):
        machine = self._machine
        raw = None
        while machine.rx_fifo():
            raw = machine.get()
        if raw is None:
            return None
        raw >>= 1  # the bit of the 25th pulse is none
        return raw - 0x1000000 if raw & 0x800000 else raw
