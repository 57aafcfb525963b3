"""What is at the emulated chip's pins for the motor driver: a TMC2209 at a UART of one wire, or a fault output."""

from __future__ import annotations

from collections import deque
from typing import Any

from hil.devices.motor_driver import FaultOutput, MotorDriver, Tmc2209Chip
from hil.targets.rp2040_parts import Chip, InputPin

TX_INTERRUPT = 1 << 5
BIT_NS = 1e9 / 115200  # by the driver; the stock model makes more of the divider, for it has another peripheral clock
BITS_A_BYTE = 10  # with start and stop
REPLY_DELAY_BITS = 24  # of the TMC2209, as its SLAVECONF is set


class OneWire:
    """All that is sent comes back, and what the far chip answers to it behind that; each byte takes its time, and is
    the far chip's when it is whole."""

    def __init__(self, tx_gpio: int, far: Tmc2209Chip) -> None:
        self._number = (tx_gpio + 4) // 8 % 2
        self._far = far
        self._coming: deque[tuple[float, int, bool]] = deque()  # (when it is whole, byte, whether it was sent)
        self._free_ns = 0.0  # when the wire has brought what is on its way

    def attach(self, chip: Chip) -> None:
        self._uart = chip.uart[self._number]
        self._clock = chip.clock
        self._alarm = self._clock.create_alarm(self._arrive)
        self._uart.on_byte = self._sent
        self._uart.check_interrupts = self._check_interrupts

    def _check_interrupts(self) -> None:
        """The stock model has room to send for an interrupt without end; silicon for an edge, which nobody here needs,
        since what is sent is gone at once."""
        uart = self._uart
        uart.rp2040.set_interrupt(uart.irq, bool(uart._interrupt_status & uart._interrupt_mask & ~TX_INTERRUPT))

    def _sent(self, byte: int) -> None:
        self._queue(byte, True)

    def _queue(self, byte: int, sent: bool) -> None:
        self._free_ns = max(self._free_ns, float(self._clock.nanos)) + BITS_A_BYTE * BIT_NS
        self._coming.append((self._free_ns, byte, sent))
        if len(self._coming) == 1:
            self._wait()

    def _wait(self) -> None:
        self._alarm.schedule(max(self._coming[0][0] - self._clock.nanos, 0.0))

    def _arrive(self) -> None:
        _whole_ns, byte, sent = self._coming[0]
        self._uart.feed_byte(byte)
        answer = self._far.receive(byte) if sent else b""
        if answer:
            self._free_ns += REPLY_DELAY_BITS * BIT_NS
            for coming in answer:
                self._queue(coming, False)
        self._coming.popleft()
        if self._coming:
            self._wait()


class FaultLine:
    """The fault output at a pin: low while something is wrong."""

    def __init__(self, gpio: int, part: FaultOutput) -> None:
        self._pin = InputPin(gpio, not part.fault)
        self._part = part

    def attach(self, chip: Chip) -> None:
        self._pin.attach(chip)
        self._part.on_change = self._follow

    def _follow(self) -> None:
        level = not self._part.fault
        if level != self._pin.level:
            self._pin.set(level)


def at_the_pins(part: MotorDriver, pins: dict[str, int]) -> list[Any]:
    """Parts for the chip's board."""
    if isinstance(part, Tmc2209Chip):
        return [OneWire(pins["driver_tx"], part)]
    return [FaultLine(pins["driver_fault"], part)] if isinstance(part, FaultOutput) else []
