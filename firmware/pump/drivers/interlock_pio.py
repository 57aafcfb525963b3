"""RP2040 PIO: the motor's interlock, a unit apart from everything that delivers (SR-SAFE-01).

A state machine of the other PIO block owns EN of the motor driver. It counts the pulses at the step pin, whoever made
them, and lets no more of them pass than were granted since: then it turns the driver off, whatever processor and step
generator do. Nothing can write to what it counts with; a new grant is the only thing that it takes.
"""

import rp2
from machine import Pin


def _program(step_pin):
    @rp2.asm_pio(set_init=rp2.PIO.OUT_HIGH)
    def interlock():
        label("next")
        wait(1, gpio, step_pin)
        wait(0, gpio, step_pin)
        pull(noblock)  # a new grant; without one what is left of the last, which is in x
        mov(x, osr)
        jmp(x_dec, "next")
        set(pins, 1)
        push(noblock)  # tells that it has cut off
        label("off")
        pull(block)
        jmp("off")

    return interlock


class Interlock:
    """enable(steps): the driver goes on for so many pulses; grant(steps) renews that, and says whether it is still on.
    A grant holds from the next pulse on, which it does not count."""

    def __init__(self, step_pin, enable_pin, machine_id=4):
        enable = Pin(enable_pin, Pin.OUT, value=1)
        self._machine = rp2.StateMachine(machine_id, _program(step_pin), set_base=enable)
        self._on, self._off = rp2.asm_pio_encode("set(pins, 0)", 0), rp2.asm_pio_encode("set(pins, 1)", 0)
        self._drop = rp2.asm_pio_encode("pull(noblock)", 0)

    def enable(self, steps):
        machine = self._machine
        machine.restart()
        machine.put(steps)
        machine.exec(self._on)
        machine.active(1)

    def disable(self):
        machine = self._machine
        machine.active(0)
        machine.exec(self._off)
        while machine.tx_fifo():
            machine.exec(self._drop)
        while machine.rx_fifo():
            machine.get()

    def grant(self, steps):
        machine = self._machine
        if machine.tx_fifo():  # no pulse since: the older grant is void
            machine.exec(self._drop)
        machine.put(steps)
        return not machine.rx_fifo()
