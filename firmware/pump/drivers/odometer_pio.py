"""RP2040 PIO: the odometer. Counts the pulses at the step pin, whoever made them (D4), and knows of nothing else."""

from array import array

import rp2

_ENCODE_COPY = "mov(isr, invert(x))"


def _program(step_pin):
    @rp2.asm_pio()
    def count():
        label("next")
        wait(1, gpio, step_pin)
        wait(0, gpio, step_pin)
        jmp(x_dec, "next")

    return count


class Odometer:
    """steps(): pulses since power-on. Exact while pulses and the gaps between them last two system clocks or more."""

    def __init__(self, step_pin, machine_id=1):
        self._machine = rp2.StateMachine(machine_id, _program(step_pin))
        self._copy = rp2.asm_pio_encode(_ENCODE_COPY, 0)
        self._push = rp2.asm_pio_encode("push(block)", 0)
        self._count = array("I", [0])
        self._machine.exec("mov(x, invert(null))")
        self._machine.active(1)

    def steps(self):
        self._machine.exec(self._copy)
        self._machine.exec(self._push)
        self._machine.get(self._count)
        return self._count[0]
