"""RP2040 PIO: the step generator. Makes steps only from words in its four-deep FIFO; without one it stands still (D3).

The word's layout is in core/planner.py. Every step, the first of a word or not, takes OVERHEAD_TICKS + fine +
(32 (coarse + 1) if coarse else 0) cycles of 10 us; the pulse rises three cycles before the end and is one cycle wide.
Wide enough for TMC2209 (0.1 us), A4988 (1 us) and DRV8825 (1.9 us).
"""

import rp2
from machine import Pin

from pump.core.units import TICKS_PER_S

FIFO_WORDS = 4


@rp2.asm_pio(set_init=rp2.PIO.OUT_LOW, out_init=rp2.PIO.OUT_LOW, out_shiftdir=rp2.PIO.SHIFT_RIGHT)
def _generator():
    wrap_target()
    pull(block)
    out(y, 8)  # steps - 1
    mov(isr, osr)  # the interval, kept for every step of the word
    label("step")
    mov(osr, isr)
    out(x, 6)
    label("fine")
    jmp(x_dec, "fine")
    out(x, 10)
    jmp(not_x, "pulse")
    label("coarse")
    jmp(x_dec, "coarse")[31]  # 32 cycles an instruction: cheap on the emulated chip too
    label("pulse")
    out(pins, 1)  # 0 in a rest
    set(pins, 0)
    jmp(y_dec, "again")
    wrap()
    label("again")
    jmp("step")[2]  # the three cycles that a new word takes to fetch


class Stepper:
    """start() lets the generator run, halt() stops it at once and forgets its words."""

    def __init__(self, step_pin, direction_pin, machine_id=0):
        self._direction = Pin(direction_pin, Pin.OUT, value=0)
        step = Pin(step_pin, Pin.OUT, value=0)
        self._machine = rp2.StateMachine(machine_id, _generator, freq=TICKS_PER_S, set_base=step, out_base=step)
        self._low = rp2.asm_pio_encode("set(pins, 0)", 0)
        self._drop = rp2.asm_pio_encode("pull(noblock)", 0)

    def forward(self, on):
        """Sets the direction; only while the generator is halted."""
        self._direction.value(0 if on else 1)

    def room(self):
        """Words that the FIFO can take."""
        return FIFO_WORDS - self._machine.tx_fifo()

    def put(self, word):
        self._machine.put(word)

    def start(self):
        self._machine.active(1)

    def halt(self):
        machine = self._machine
        machine.active(0)
        machine.exec(self._low)
        while machine.tx_fifo():
            machine.exec(self._drop)
        machine.restart()  # back to the first instruction, with nothing in hand
