"""pump.app in this process, with simulated devices, on a clock that only runs while somebody waits for it."""

from types import SimpleNamespace

from hil.boards import board_data
from hil.devices import display, flow_meter
from hil.devices.annunciator import Annunciator
from hil.devices.bus import Bus
from hil.devices.clock import Clock
from hil.devices.inputs import Inputs
from hil.devices.interlock import Interlock
from hil.devices.keys import Keys
from hil.devices.link import Link
from hil.devices.load_cell import Cell, Converter
from hil.devices.motor_driver import motor_driver, watching
from hil.devices.pressure import Pressure, Sensor
from hil.devices.stepper import Odometer, Stepper
from hil.devices.store import PowerCut, Store
from hil.devices.watchdog import Watchdog
from hil.firmware_digest import firmware_digest
from hil.mechanics import Mechanics
from pump.app import App
from pump.core import slf3s, ssd1306
from pump.core.load_cell import LoadCell
from pump.core.screen import Screen
from pump.core.selftest import Parts
from pump.core.wire import VERSION


class Simulated:
    """One simulated pump on its mechanics. Powered from the start. store: its flash, which outlives its power."""

    name = "sim"

    def __init__(self, mechanics: Mechanics, board: str = "pico", seed: int = 0) -> None:
        self.mechanics = mechanics
        self._board = board_data(board)
        self._build = SimpleNamespace(VERSION=VERSION, DIGEST=firmware_digest(board))
        self._powered = True
        self._runs = False  # the firmware does: it neither hangs nor lacks power
        self.store = Store()
        self.clock = Clock(0, self._board.CONTROL_PERIOD_MS)
        self.keys = Keys(self.clock, seed)
        self.inputs = Inputs(self.keys, lambda: self.mechanics.air_at_detector)
        self.annunciator = Annunciator(self.clock, self._board.LIGHTS_ON_LOW)
        zero, slope = self._board.PRESSURE_ZERO, self._board.PRESSURE_MPA_PER_COUNT
        self.sensor: Sensor | Cell = Sensor(self._pressure_kpa, zero, slope, seed + 1)
        if self._board.FITTED["pressure"] == "hx711":
            self.sensor = Cell(self._force_n, self._board.LOAD_ZERO, self._board.LOAD_UN_PER_64_COUNTS, seed + 1)
        self.motor_driver = motor_driver(self._board)
        self.display = display.Ssd1306(seed + 2)
        self.flow_meter = flow_meter.Slf3s(
            self._delivered_ul, self.inputs.air, lambda: self.clock.now_us, self._board.METER_NL_H_PER_COUNT
        )
        self._boot(watchdog_reset=False, plugged=True)

    def _boot(self, watchdog_reset: bool, plugged: bool) -> None:
        """The firmware from its first line. It takes no time, and the power may fail in it."""
        try:
            self._begin(watchdog_reset, plugged)
        except PowerCut:
            self.cut_power()

    def _begin(self, watchdog_reset: bool, plugged: bool) -> None:
        board = self._board
        self.clock.restart()
        self.annunciator.released(powered=True)
        self.link = Link(self.clock, plugged)
        self.interlock = Interlock(self.clock, self.motor_driver, self.mechanics.enable)
        self.stepper = Stepper(self.clock, self.motor_driver, self.interlock)
        odometer = Odometer(self.stepper)
        self.motor_driver.connect(odometer.steps, self.mechanics.step, board.MICROSTEPS)
        self.watchdog = Watchdog(self.clock, board.WATCHDOG_MS)
        self._runs = True
        pressure = self._pressure()
        parts = Parts()
        parts.annunciator, parts.inputs, parts.pressure = self.annunciator, self.inputs, pressure
        parts.driver = watching(self.motor_driver, board)
        bus = Bus({flow_meter.ADDRESS: self.flow_meter, display.ADDRESS: self.display})
        if board.FITTED["flow"] == "slf3s":
            parts.flow_meter = slf3s.Slf3s(bus, board.METER_NL_H_PER_COUNT)
        if board.FITTED["display"] == "ssd1306":
            parts.display = Screen(ssd1306.Ssd1306(bus))
        parts.watchdog_bites = True
        parts.supply_mv = (board.BATTERY_DEPLETED_MV, board.SUPPLY_HIGH_MV)
        parts.rest_pa = board.REST_PA
        self.app = App(
            board=board,
            build=self._build,
            serial="simulated",
            stepper=self.stepper,
            interlock=self.interlock,
            odometer=odometer,
            pressure=pressure,
            clock=self.clock,
            link=self.link,
            watchdog=self.watchdog,
            watchdog_reset=watchdog_reset,
            collect=lambda: None,
            inputs=self.inputs,
            annunciator=self.annunciator,
            store=self.store,
            parts=parts,
        )

    def _pressure(self) -> Pressure | LoadCell:
        """As pump/fitted.py makes it."""
        board, sensor = self._board, self.sensor
        if isinstance(sensor, Cell):
            converter = Converter(sensor, lambda: self.clock.now_us)
            return LoadCell(converter, board.LOAD_ZERO, board.LOAD_UN_PER_64_COUNTS, board.LOAD_BORE_UM)
        return Pressure(sensor, board.PRESSURE_ZERO, board.PRESSURE_MPA_PER_COUNT)

    def _delivered_ul(self) -> float:
        self.settle()
        return self.mechanics.delivered_ul(self.clock.now_us)

    def _force_n(self) -> float:
        self.stepper.catch_up()
        return self.mechanics.force_n(self.clock.now_us)

    def _pressure_kpa(self) -> float:
        self.stepper.catch_up()
        line = self.mechanics.line
        line.advance(self.clock.now_us)
        return line.pressure_kpa

    @property
    def now_us(self) -> int:
        """Device time since the bench was opened; goes on through resets and power cuts."""
        return self.clock.now_us

    def settle(self) -> None:
        """Makes the pulses that are due by now."""
        self.stepper.catch_up()

    # --- the host's side of the link

    def write(self, data: bytes) -> None:
        if self._powered and self.link.plugged:
            self.link.incoming += data

    def available(self) -> int:
        return len(self.link.outgoing)

    def read(self, size: int) -> bytes:
        data = bytes(self.link.outgoing[:size])
        del self.link.outgoing[:size]
        return data

    def plug_link(self, plugged: bool) -> None:
        self.link.plugged = plugged
        self.link.incoming.clear()

    # --- time

    def run_for(self, us: int, until_bytes: int = 0) -> None:
        """Lets device time pass; with until_bytes only until so many wait to be read."""
        end_us = self.clock.now_us + us
        self.clock.horizon_us = end_us
        try:
            self._run_until(end_us, until_bytes)
        except PowerCut:
            self.cut_power()
            self.clock.now_us = max(end_us, self.clock.now_us)
        self.stepper.catch_up()

    def _run_until(self, end_us: int, until_bytes: int) -> None:
        clock = self.clock
        while clock.now_us < end_us:
            if not self._runs:
                self._idle(end_us)
                continue
            app, link, watchdog = self.app, self.link, self.watchdog
            turn, controller = app.turn, app.controller
            while clock.now_us < end_us:  # one firmware, for as long as it runs
                if until_bytes and len(link.outgoing) >= until_bytes:
                    return
                if controller.leaving:  # a board without other firmware starts the same one, once its word is out
                    self._boot(watchdog_reset=False, plugged=link.plugged)
                    break
                turn()
                if clock.now_us >= watchdog.bites_us:  # it runs, but a duty of it does not
                    self._bite()
                    break
                if not self._runs:
                    break

    def _idle(self, end_us: int) -> None:
        """Time without a running firmware; a hung one ends by its watchdog."""
        if self._powered and self.watchdog.bites_us <= end_us:
            self.clock.now_us = max(self.watchdog.bites_us, self.clock.now_us)
            self._bite()
        else:
            self.clock.now_us = end_us

    def _bite(self) -> None:
        """The watchdog resets the chip."""
        self.stepper.halt()
        self._boot(watchdog_reset=True, plugged=self.link.plugged)

    # --- the bench's hands

    def press(self, key: str, seconds: float | None) -> None:
        self.keys.press(key, seconds)

    def release_key(self, key: str) -> None:
        self.keys.release(key)

    def fit(self, fitted: bool) -> None:
        """The syringe in its holder, or out of it, as its switch sees it."""
        self.inputs.syringe = fitted

    def close_guard(self, closed: bool) -> None:
        self.inputs.guard = closed

    def look_at_air(self) -> None:
        """Somebody has put air before the detector, or taken it away: it is looked at whenever it is read."""

    def set_supply(self, volts: float) -> None:
        self.inputs.battery = round(volts * 1000)

    def set_temperature(self, celsius: float) -> None:
        self.inputs.temperature = round(celsius * 10)

    def fill_flash(self, full: bool) -> None:
        self.store.failing = full

    def lose_pulses(self, every: int) -> None:
        self.stepper.lose_every = every

    def add_pulses(self, count: int) -> None:
        self.stepper.add_pulses(count)

    @property
    def motor_on(self) -> bool:
        return self.interlock.enabled

    @property
    def lights(self) -> int:
        return self.annunciator.lights

    @property
    def tone_edges(self) -> list[tuple[int, int]]:
        """(device time in us, pitch in Hz or 0) of each change of the buzzer."""
        return changes([(at_us, tone_hz) for at_us, tone_hz, _ in self.annunciator.edges])

    @property
    def light_edges(self) -> list[tuple[int, int]]:
        """(device time in us, lights as bits) of each change of the lights."""
        return changes([(at_us, lights) for at_us, _, lights in self.annunciator.edges])

    # --- faults

    def hang(self) -> None:
        """The firmware stops dead, with interrupts off. The step generator and the watchdog go on."""
        self._runs = False

    def cut_power(self) -> None:
        self.stepper.halt()
        self.interlock.disable()
        self.annunciator.released(powered=False)
        self._powered = self._runs = False

    def restore_power(self) -> None:
        self._powered = True
        self.store.power_on()
        self.motor_driver.power_on()
        self.flow_meter.power_on()
        self.display.power_on()
        self._boot(watchdog_reset=False, plugged=self.link.plugged)

    def close(self) -> None:
        self._powered = self._runs = False


def changes(edges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Those edges at which the value differs from the one before; the first counts from 0."""
    found, last = [], 0
    for at_us, value in edges:
        if value != last:
            found.append((at_us, value))
            last = value
    return found
