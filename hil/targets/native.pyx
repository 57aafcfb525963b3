# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""What the emulator spends most of its time in, in C: its main loop, and the chip's divider.

Both do what the emulator's own do, in the same order, so that a run is the same to the nanosecond and the cycle. Its
loop asks Python objects several times an instruction, whether to stop and whether a PIO block has something to do; and
its divider is a Python method, while MicroPython divides for every name that it looks up.
"""

from cpython.exc cimport PyErr_CheckSignals

from rp2040py.native._cortex_m0_core cimport CortexM0Core
from rp2040py.native._pio cimport RPPIO
from rp2040py.native._rp2040 cimport RP2040
from rp2040py.native._simulation_clock cimport SimulationClock

cdef double CYCLE_NS = 8.0  # of 125 MHz
cdef int DIVIDES_CYCLES = 8  # RP2040 datasheet, 2.3.1.5
cdef int SIGNALS_EVERY = 1 << 16  # instructions; a person's Ctrl-C is heard then


cdef class ChipLoop:
    """chip: the emulator's RP2040."""

    cdef RP2040 _chip
    cdef bint _stopped

    def __init__(self, chip):
        self._chip = chip

    def stop(self):
        """Ends `run` behind the instruction or the sleep that it is at."""
        self._stopped = True

    def run(self):
        """Until `stop`, which an alarm or a peripheral calls. RuntimeError where the chip sleeps and nothing wakes it."""
        cdef CortexM0Core core = self._chip.core
        cdef SimulationClock clock = self._chip.clock
        cdef RPPIO first = self._chip.pio[0]
        cdef RPPIO second = self._chip.pio[1]
        cdef double then_ns
        cdef long long cycles
        cdef int until_signals = SIGNALS_EVERY

        self._stopped = False
        while not self._stopped:
            if core.waiting:
                if clock._next_alarm is None:
                    raise RuntimeError("the emulated chip sleeps, and no alarm is set that could wake it")
                then_ns = clock._next_alarm.nanos - clock._nanos_counter
                clock.tick(then_ns)
                cycles = <long long>(then_ns / CYCLE_NS)
                if cycles == 0:
                    cycles = 1
            else:
                cycles = core.execute_instruction()
                then_ns = clock._nanos_counter + cycles * CYCLE_NS
                if clock._next_alarm is not None and clock._next_alarm.nanos <= then_ns:
                    clock.tick(cycles * CYCLE_NS)
                else:
                    clock._nanos_counter = then_ns
            if not first.stopped:
                first.cycle_fp += cycles << 8
                if first.cycle_fp >= first.next_due_fp:
                    first._run_due()
            if not second.stopped:
                second.cycle_fp += cycles << 8
                if second.cycle_fp >= second.next_due_fp:
                    second._run_due()
            until_signals -= 1
            if until_signals == 0:
                until_signals = SIGNALS_EVERY
                PyErr_CheckSignals()


# Registers of the SIO (RP2040 datasheet, 2.3.1.7).
cdef enum:
    CPUID = 0x000
    DIV_UDIVIDEND = 0x060
    DIV_UDIVISOR = 0x064
    DIV_SDIVIDEND = 0x068
    DIV_SDIVISOR = 0x06C
    DIV_QUOTIENT = 0x070
    DIV_REMAINDER = 0x074
    DIV_CSR = 0x078
    READY = 0b01
    DIRTY = 0b10


cdef class Sio:
    """The chip's single-cycle registers: the divider is here, the rest with the emulator's own `sio`.

    chip: the emulator's RP2040, whose `sio` this takes the place of.
    """

    cdef RP2040 _chip
    cdef object _rest
    cdef unsigned int _dividend, _divisor, _quotient, _remainder, _csr

    def __init__(self, chip):
        self._chip = chip
        self._rest = chip.sio
        self._divisor = 1

    def __getattr__(self, name):
        return getattr(self._rest, name)

    def reset(self):
        self._dividend = self._quotient = self._remainder = self._csr = 0
        self._divisor = 1
        self._rest.reset()

    def read_uint32(self, int offset):
        if offset < DIV_UDIVIDEND or offset > DIV_CSR:
            return 0 if offset == CPUID else self._rest.read_uint32(offset)
        if offset == DIV_QUOTIENT:
            self._csr &= ~DIRTY
            return self._quotient
        if offset == DIV_REMAINDER:
            return self._remainder
        if offset == DIV_CSR:
            return self._csr
        return self._dividend if offset in (DIV_UDIVIDEND, DIV_SDIVIDEND) else self._divisor

    def write_uint32(self, int offset, value):
        cdef unsigned int bits
        if offset < DIV_UDIVIDEND or offset >= DIV_CSR:
            self._rest.write_uint32(offset, value)
            return
        bits = value & 0xFFFFFFFF
        if offset == DIV_QUOTIENT:
            self._quotient = bits
            self._csr = READY | DIRTY
        elif offset == DIV_REMAINDER:
            self._remainder = bits
            self._csr = READY | DIRTY
        else:
            if offset == DIV_UDIVIDEND or offset == DIV_SDIVIDEND:
                self._dividend = bits
            else:
                self._divisor = bits
            self._divide(offset == DIV_SDIVIDEND or offset == DIV_SDIVISOR)

    cdef _divide(self, bint signed):
        cdef long long dividend = <long long><int>self._dividend if signed else <long long>self._dividend
        cdef long long divisor = <long long><int>self._divisor if signed else <long long>self._divisor
        if divisor:
            self._quotient = <unsigned int>(dividend / divisor)
            self._remainder = <unsigned int>(dividend % divisor)
        else:
            self._quotient = 0xFFFFFFFF if self._dividend else 1
            self._remainder = self._dividend
        self._csr = READY | DIRTY
        self._chip.core.cycles += DIVIDES_CYCLES
