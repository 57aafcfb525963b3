"""RP2040 timer against PIO: two clocks that come from the crystal by different ways (SR-POST-04)."""

from time import sleep_ms, ticks_diff, ticks_us

import rp2

LENGTH_MS = 20
_COUNT_HZ = 1000000
_CYCLES = 32  # to one count: few instructions for whoever emulates them


@rp2.asm_pio()
def _count():
    label("next")
    jmp(x_dec, "next")[31]


def clocks(machine_id=2):
    """(microseconds by the timer, by a PIO machine that is free) of about LENGTH_MS, in which the CPU sleeps."""
    machine = rp2.StateMachine(machine_id, _count, freq=_COUNT_HZ)
    machine.exec("mov(x, invert(null))")
    begin_us = ticks_us()
    machine.active(1)
    sleep_ms(LENGTH_MS)
    machine.active(0)
    timer_us = ticks_diff(ticks_us(), begin_us)
    machine.exec("mov(isr, invert(x))")
    machine.exec("push(noblock)")
    counts = machine.get()
    rp2.PIO(machine_id // 4).remove_program(_count)
    return timer_us, counts * _CYCLES
