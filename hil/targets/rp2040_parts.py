"""What the emulator rp2040py lacks for a pump, as parts that are attached to its chip.

They reach into names that are no API of the emulator; its version is pinned for that reason.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Chip = Any  # rp2040py carries types for few of the names used here

PIO_BASES = (0x50200, 0x50300)  # peripheral keys of the two PIO blocks
NEVER = 1 << 62
NS_PER_CYCLE = 8.0
ADDED_NS = 20_000.0  # half the period of pulses that nobody made
FLASH_PROGRAM = 0x02
FLASH_ERASED_BYTES = {0x20: 4096, 0xD8: 65536}  # by command
FLASH_COMMAND_BYTES = 4  # with its address


class QuietUsb:
    """A host that has nothing to say says nothing: the stock model sends empty packets for ever, which keeps the
    firmware in interrupts and its clock busy. An armed endpoint is held until `offer`, called when there are bytes."""

    def attach(self, chip: Chip) -> None:
        usb = chip.usb_ctrl
        read_done = usb.endpoint_read_done
        self._held: set[int] = set()

        def give() -> None:
            for endpoint in sorted(self._held):
                self._held.discard(endpoint)
                usb.on_endpoint_read(endpoint, 64)

        self._alarm = chip.clock.create_alarm(give)

        def done(endpoint: int, data: bytes, delay: Any = None) -> None:
            if endpoint and not data:
                self._held.add(endpoint)
            else:
                read_done(endpoint, data, delay)

        usb.endpoint_read_done = done

    def offer(self) -> None:
        """The host has bytes: whoever waits for some is served within a USB frame's microseconds."""
        if self._held:
            self._alarm.schedule(1000)

    def forget(self) -> None:
        self._held.clear()


class _Tapped:
    """Stands in for a PIO block on the bus and tells the pacer after each register write."""

    def __init__(self, pio: Any, after: Callable[[], None]) -> None:
        self._pio, self._after, self.read_uint32 = pio, after, pio.read_uint32

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pio, name)

    def write_uint32(self, offset: int, value: int) -> None:
        self._pio.write_uint32(offset, value)
        self._after()

    def write_uint32_atomic(self, offset: int, value: int, kind: int) -> None:
        self._pio.write_uint32_atomic(offset, value, kind)
        self._after()


class PioPacer:
    """Exact PIO time while the CPU sleeps: one alarm an instruction, none while every machine waits.

    Without it the emulator gives a PIO block only the time of the CPU's own instructions.
    """

    def __init__(self, block: int = 0) -> None:
        self._block = block
        self._want: int | None = None

    def attach(self, chip: Chip) -> None:
        self._pio = chip.pio[self._block]
        self._alarm = chip.clock.create_alarm(self._fire)
        chip.peripherals[PIO_BASES[self._block]] = _Tapped(self._pio, self._written)

    def _written(self) -> None:
        self._pio.check_changed_pins()  # an instruction given to a machine that stands still moves its pins, too
        self.arm()

    def arm(self) -> None:
        """Looks when the next instruction is due. Also to be called when an input changes that PIO may wait for."""
        pio = self._pio
        due = pio.next_due_fp  # 1/256 of a cycle
        if due >= NEVER or pio.stopped:
            if self._want is not None:
                self._alarm.cancel()
                self._want = None
        elif due != self._want:
            self._want = due
            self._alarm.schedule(max(0.0, (due - pio.cycle_fp) * NS_PER_CYCLE / 256))

    def _fire(self) -> None:
        pio = self._pio
        due = pio.next_due_fp
        if due != self._want or pio.stopped:  # the CPU was awake, and the emulator's main loop was there first
            self._want = None
            self.arm()
            return
        cycles = max(1, -((pio.cycle_fp - due) >> 8))
        pio.advance(cycles)
        self._want = None
        self.arm()
        pio.cycle_fp -= cycles << 8  # the main loop adds this jump itself


class OutputPin:
    """Follows what the chip drives on a pin, and lets the chip's own input buffer see it, as silicon does.

    pacers: of the PIO blocks that may wait for it. on_edge(level) is called at each change; level is also there to be
    read.
    """

    def __init__(
        self, gpio: int, pacers: tuple[PioPacer, ...] = (), on_edge: Callable[[bool], None] | None = None
    ) -> None:
        self._gpio, self._pacers, self._on_edge = gpio, pacers, on_edge
        self.level: bool | None = None

    def attach(self, chip: Chip) -> None:
        self._pin = chip.gpio[self._gpio]
        self._pin.add_listener(self._changed)

    def _changed(self, state: Any, _before: Any) -> None:
        level = state.name == "HIGH"
        if level == self.level:  # a repeated input value would latch a second edge interrupt
            return
        self.level = level
        self._tell(level)

    def _tell(self, level: bool) -> None:
        if self._on_edge:
            self._on_edge(level)
        self._pin.set_input_value(level)
        for pacer in self._pacers:
            pacer.arm()

    def released(self) -> None:
        """The chip was reset: its pins float, and listeners are not told."""
        self.level = None


class PulsePin(OutputPin):
    """An output whose pulses can go astray on their way to everything outside.

    lose_every: one pulse in so many is lost; 0: none.
    """

    def __init__(
        self, gpio: int, pacers: tuple[PioPacer, ...] = (), on_edge: Callable[[bool], None] | None = None
    ) -> None:
        super().__init__(gpio, pacers, on_edge)
        self.lose_every = 0
        self._pulses = 0
        self._is_lost = False
        self._own = self._noise = False
        self._high: bool | None = None  # what is seen outside: a pulse within another is none of its own
        self._to_add: list[bool] = []

    def attach(self, chip: Chip) -> None:
        super().attach(chip)
        self._alarm = chip.clock.create_alarm(self._add)

    def add(self, count: int) -> None:
        """Pulses that nobody made: noise on the wire."""
        self._to_add += [True, False] * count
        self._alarm.schedule(0)

    def _add(self) -> None:
        self._noise = self._to_add.pop(0)
        self._tell_both()
        if self._to_add:
            self._alarm.schedule(ADDED_NS)

    def _tell(self, level: bool) -> None:
        self._own = level
        self._tell_both()

    def _tell_both(self) -> None:
        high = self._own or self._noise
        if high != self._high:
            self._high = high
            super()._tell(high)

    def released(self) -> None:
        super().released()
        self._own, self._high = False, None

    def _changed(self, state: Any, before: Any) -> None:
        if self.lose_every or self._is_lost:
            level = state.name == "HIGH"
            if level and not self.level:
                self._pulses += 1
                self._is_lost = self.lose_every > 0 and self._pulses % self.lose_every == 0
            if self._is_lost:  # both its edges
                self.level = level
                return
        super()._changed(state, before)


class InputPin:
    """A pin that the bench drives: level, and `set` to change it."""

    def __init__(self, gpio: int, level: bool) -> None:
        self._gpio, self.level = gpio, level

    def attach(self, chip: Chip) -> None:
        self._pin = chip.gpio[self._gpio]
        self._pin.set_input_value(self.level)

    def set(self, level: bool) -> None:
        self.level = level
        self._pin.set_input_value(level)


class AnalogInput:
    """volts-to-be of one ADC channel, asked for when the chip converts: value() is 12 bits."""

    def __init__(self, gpio: int, value: Callable[[], int]) -> None:
        self._channel, self._value = gpio - 26, value

    def attach(self, chip: Chip) -> None:
        adc = chip.adc
        convert = adc.on_adc_read

        def read(channel: int) -> None:
            if channel == self._channel:
                adc.channel_values[channel] = self._value()
            convert(channel)

        adc.on_adc_read = read


class FlashBusy:
    """Erase and program take their time, as in silicon: the CPU stands still, clock and PIO go on.

    erase_ms, page_ms: typical ones of a common 2 MB part; at worst 400 and 3.
    worn: it takes neither, and is not busy with it; what is there stays.
    count: erases and programs so far. With the one of number `cut_at` the power fails half way through, and on_cut() is
    called when the chip is out of the command: nothing may be reset from inside of it.
    """

    def __init__(self, erase_ms: float = 45.0, page_ms: float = 0.7) -> None:
        self.erase_ms, self.page_ms = erase_ms, page_ms
        self.worn = False
        self.count = self.erases = 0
        self.cut_at: int | None = None
        self.on_cut: Callable[[], None] | None = None

    def attach(self, chip: Chip) -> None:
        self._chip = chip
        self._apply = chip.ssi._apply_command
        chip.ssi._apply_command = self._command

    def _command(self) -> None:
        data = bytes(self._chip.ssi._tx_buffer)
        busy = data[:1] and data[0] in (FLASH_PROGRAM, *FLASH_ERASED_BYTES) and self._chip.ssi._write_enabled
        if not busy:
            self._apply()
            return
        if self.worn:
            self._drop()
            return
        self.count += 1
        self.erases += data[0] != FLASH_PROGRAM
        if self.count == self.cut_at:
            self._tear(data)
            return
        self._apply()
        self._hold(self.page_ms if data[0] == FLASH_PROGRAM else self.erase_ms)

    def _tear(self, data: bytes) -> None:
        flash = self._chip.flash
        at = int.from_bytes(data[1:FLASH_COMMAND_BYTES], "big")
        if data[0] == FLASH_PROGRAM:
            page = data[FLASH_COMMAND_BYTES:]
            for offset, byte in enumerate(page[: len(page) // 2]):
                flash[at + offset] &= byte
        else:
            size = FLASH_ERASED_BYTES[data[0]]
            at &= ~(size - 1)
            flash[at : at + size // 2] = b"\xff" * (size // 2)
        self._drop()
        if self.on_cut:
            self._chip.clock.create_alarm(self.on_cut).schedule(0)

    def _drop(self) -> None:
        """The command ends without having done anything."""
        self._chip.ssi._tx_buffer, self._chip.ssi._write_enabled = bytearray(), False

    def _hold(self, ms: float) -> None:
        clock = self._chip.clock
        end = clock.nanos + ms * 1e6
        while clock.nanos < end:
            step = end - clock.nanos
            if clock.has_scheduled_alarm:
                step = min(step, clock.nanos_to_next_alarm)
            clock.tick(step)
            for pio in self._chip.pio:
                if not pio.stopped:
                    pio.advance(int(step / NS_PER_CYCLE + 0.5) or 1)
