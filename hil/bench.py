"""One bench: a pump, its mechanics, and hands to disturb them. The same names on every target."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from functools import wraps
from types import TracebackType
from typing import TYPE_CHECKING, Concatenate, NamedTuple, ParamSpec, Protocol, TypeVar, cast
from urllib.parse import parse_qs, urlencode, urlsplit

import serial

from hil.devices.display import Ssd1306
from hil.devices.flow_meter import Slf3s
from hil.devices.load_cell import Cell
from hil.devices.motor_driver import MotorDriver
from hil.devices.pressure import Sensor
from hil.instruments.balance import SerialBalance
from hil.instruments.errors import InstrumentMissing
from hil.instruments.mt_sics import MtSics
from hil.instruments.observer import SimulatedObserver, SoundMeter
from hil.instruments.pan import DENSITY_G_ML, Pan
from hil.instruments.pty_port import PtyPort
from hil.instruments.twins import MtSicsTwin
from hil.mechanics import Mechanics
from hil.targets import register

if TYPE_CHECKING:
    from titrate.client import Pump

DEFAULT_SYRINGE = "bd-plastipak-50"
DEFAULT_PLANT = "ideal"
HELD_S = 1.4  # a key for a second as the pump counts it, which begins with the first or second sample


class Target(Protocol):
    """Where the firmware runs, in lock step with whoever waits."""

    name: str
    mechanics: Mechanics
    sensor: Sensor | Cell
    motor_driver: MotorDriver
    flow_meter: Slf3s
    display: Ssd1306

    @property
    def motor_on(self) -> bool: ...
    @property
    def tone_edges(self) -> list[tuple[int, int]]: ...
    @property
    def light_edges(self) -> list[tuple[int, int]]: ...
    @property
    def lights(self) -> int: ...
    @property
    def now_us(self) -> int: ...
    def settle(self) -> None: ...
    def write(self, data: bytes) -> None: ...
    def available(self) -> int: ...
    def read(self, size: int) -> bytes: ...
    def run_for(self, us: int, until_bytes: int = 0) -> None: ...
    def plug_link(self, plugged: bool) -> None: ...
    def fit(self, fitted: bool) -> None: ...
    def close_guard(self, closed: bool) -> None: ...
    def look_at_air(self) -> None: ...
    def press(self, key: str, seconds: float | None) -> None: ...
    def release_key(self, key: str) -> None: ...
    def set_supply(self, volts: float) -> None: ...
    def set_temperature(self, celsius: float) -> None: ...
    def fill_flash(self, full: bool) -> None: ...
    def lose_pulses(self, every: int) -> None: ...
    def add_pulses(self, count: int) -> None: ...
    def hang(self) -> None: ...
    def cut_power(self) -> None: ...
    def restore_power(self) -> None: ...
    def close(self) -> None: ...


Args = ParamSpec("Args")
Result = TypeVar("Result")


def may_raise(
    *alarms: str,
) -> Callable[[Callable[Concatenate[Bench, Args], Result]], Callable[Concatenate[Bench, Args], Result]]:
    """Marks what a hand does: these alarms are no surprise afterwards."""

    def mark(act: Callable[Concatenate[Bench, Args], Result]) -> Callable[Concatenate[Bench, Args], Result]:
        @wraps(act)
        def marked(bench: Bench, /, *args: Args.args, **kwargs: Args.kwargs) -> Result:
            bench.expected.update(alarms)
            return act(bench, *args, **kwargs)

        return marked

    return mark


class Bench:
    """pump: the client that users have, opened on first use. Times are device time, volumes microlitres.

    expected: alarms that what the hands did may have caused. powered: whether the pump has its supply.
    """

    simulated = True
    name = "simulated bench"
    since = 0  # its log begins with the bench

    def __init__(self, target: Target, seed: int = 0) -> None:
        self.target = target
        self.seed = seed
        self.port: serial.SerialBase | None = None
        self.expected: set[str] = set()
        self.powered = True
        self._pump: Pump | None = None
        self._balance: SerialBalance | None = None
        self._twin: MtSicsTwin | None = None
        self._pty: PtyPort | None = None

    @property
    def pump(self) -> Pump:
        if self._pump is None:
            from titrate.client import Pump

            assert self.port is not None
            self._pump = Pump(self.port)
        return self._pump

    def __enter__(self) -> Bench:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self.target.close()
        if self._balance and self._pty:
            self._balance.close()
            self._pty.close()

    @property
    def twin(self) -> MtSicsTwin:
        """What stands under the open end of the line: the simulated balance, with its pan and its faults."""
        if self._twin is None:
            self._twin = MtSicsTwin(Pan(lambda: self.delivered_ul, lambda: self.now_s, seed=self.seed))
        return self._twin

    @property
    def evaporation_g_h(self) -> float:
        """What the vessel on the balance loses."""
        return self.twin.pan.data.evaporation_g_h

    @property
    def density_g_ml(self) -> float:
        """Of what is pumped."""
        return DENSITY_G_ML

    @property
    def balance(self) -> SerialBalance:
        """The driver that a real balance has, at the twin's pseudo-terminal; opened on first use."""
        if self._balance is None:
            self._pty = PtyPort(self.twin.answer)
            self._balance = MtSics(self._pty.path, clock=lambda: self.now_s, simulated=True)
        return self._balance

    @property
    def observer(self) -> SimulatedObserver:
        """Who looks at lamps, display and fittings."""
        target = self.target
        return SimulatedObserver(self, target.display.frame, lambda: target.mechanics.line.spilled_ul)

    @property
    def sound_meter(self) -> SoundMeter:
        """InstrumentMissing: the buzzer's pin says nothing of how loud a buzzer is."""
        raise InstrumentMissing("sound_meter", "a simulated bench makes no sound")

    def run_for(self, seconds: float) -> None:
        """Lets device time pass; what the pump says waits in the port."""
        self.target.run_for(round(seconds * 1e6))

    # --- what is measured outside the firmware

    @property
    def now_s(self) -> float:
        return self.target.now_us / 1e6

    @property
    def delivered_ul(self) -> float:
        """Left the open end of the line, air included."""
        self.target.settle()
        return self.target.mechanics.delivered_ul(self.target.now_us)

    @property
    def delivered_air_ul(self) -> float:
        """That part of it which was air and not drug."""
        self.target.settle()
        return self.target.mechanics.delivered_air_ul(self.target.now_us)

    @property
    def pressure_kpa(self) -> float:
        """At the outlet of the syringe."""
        self.target.settle()
        return self.target.mechanics.pressure_kpa(self.target.now_us)

    @property
    def steps(self) -> int:
        """Forward minus backward pulses."""
        self.target.settle()
        return self.target.mechanics.steps

    @property
    def step_times_us(self) -> array[int]:
        """When each pulse happened."""
        self.target.settle()
        return self.target.mechanics.step_times_us

    @property
    def enabled_us(self) -> array[int]:
        """When the motor driver was turned on."""
        return self.target.mechanics.enabled_us

    @property
    def motor_on(self) -> bool:
        """Whether the motor driver is turned on, at its pin."""
        return self.target.motor_on

    @property
    def tone_edges(self) -> list[tuple[int, int]]:
        """(device time in us, pitch in Hz or 0) of each change of the buzzer."""
        return self.target.tone_edges

    @property
    def light_edges(self) -> list[tuple[int, int]]:
        """(device time in us, lights as bits: red, yellow, cyan) of each change of the lights."""
        return self.target.light_edges

    @property
    def lights(self) -> int:
        """Those that shine now, as bits: 1 red, 2 yellow, 4 cyan."""
        return self.target.lights

    # --- hands

    @may_raise("OCCLUSION")
    def occlude(self, leak_kpa_s_ul: float | None = None) -> None:
        """Shuts the clamp at the end of the line; leak_kpa_s_ul: its resistance, for one that is not tight."""
        self.target.settle()
        self.target.mechanics.line.clamp(self.target.now_us, True, leak_kpa_s_ul)

    def release(self) -> None:
        self.target.settle()
        self.target.mechanics.line.clamp(self.target.now_us, False)

    def set_back_pressure(self, kpa: float) -> None:
        """At the open end, from now on; 13.33 kPa are 1.36 m of water above the pump, and negative below it."""
        self.target.settle()
        self.target.mechanics.line.set_back_pressure(self.target.now_us, kpa)

    def change_syringe(self) -> None:
        """A full syringe of the same kind in place of the one fitted; the line stays connected."""
        self.target.settle()
        self.target.mechanics.fit_syringe()
        self.target.fit(True)

    def fit_barrel(self, bore_error_percent: float) -> None:
        """A full syringe whose barrel is so much wider than the model's is said to be."""
        self.target.settle()
        self.target.mechanics.fit_barrel(bore_error_percent)
        self.target.fit(True)

    @may_raise("SYRINGE_MISSING", "LINE_DISCONNECTED")
    def remove_syringe(self) -> None:
        """Takes the syringe out of its holder."""
        self.target.settle()
        self.target.mechanics.remove_syringe(self.target.now_us)
        self.target.fit(False)

    def fit_syringe(self) -> None:
        """Puts the same syringe back."""
        self.target.settle()
        self.target.mechanics.put_back()
        self.target.fit(True)

    @may_raise("GUARD_OPEN", "OVER_DELIVERY")
    def open_guard(self) -> None:
        """The guard, which holds the plunger, is opened; shut by `close_guard`."""
        self.target.close_guard(False)

    def close_guard(self) -> None:
        self.target.close_guard(True)

    @may_raise("LINE_DISCONNECTED")
    def disconnect_line(self) -> None:
        """The line comes off the syringe, which pushes into the open; put back by `connect_line`."""
        self.target.settle()
        self.target.mechanics.line_off(self.target.now_us, True)

    def connect_line(self) -> None:
        self.target.settle()
        self.target.mechanics.line_off(self.target.now_us, False)

    @may_raise("AIR_IN_LINE")
    def add_air(self, ul: float = 60) -> None:
        """Air at the detector, until so much has been pushed past it."""
        self.target.settle()
        self.target.mechanics.add_air(ul)
        self.target.look_at_air()

    def clear_air(self) -> None:
        """A person has purged the line: liquid at the detector."""
        self.target.mechanics.clear_air()
        self.target.look_at_air()

    def press(self, key: str, seconds: float = 0.2) -> None:
        """Presses "stop", "start", "bolus" or "mute" for so long, as time goes on."""
        self.target.press(key, seconds)

    def hold_in_turn(self, keys: Sequence[str]) -> None:
        """Holds keys one after the other, each long enough to count."""
        self.run_for(0.4)  # a pump that was just switched on has to see them up first
        for key in keys:
            self.press(key, HELD_S)
            self.run_for(HELD_S + 0.4)

    @may_raise("STUCK_KEY")
    def hold_key(self, key: str) -> None:
        self.target.press(key, None)

    def release_key(self, key: str) -> None:
        self.target.release_key(key)

    @may_raise("BATTERY_LOW", "BATTERY_DEPLETED", "SUPPLY_HIGH")
    def set_supply(self, volts: float) -> None:
        self.target.set_supply(volts)

    @may_raise("OVERHEATED")
    def set_temperature(self, celsius: float) -> None:
        self.target.set_temperature(celsius)

    @may_raise("SENSOR_FAULT", "OCCLUSION", "LINE_DISCONNECTED")
    def break_pressure_sensor(self, fault: str) -> None:
        """fault: "open", "short" or "stuck"."""
        self.target.sensor.fault = fault

    def mend_pressure_sensor(self) -> None:
        self.target.sensor.fault = None

    @may_raise("MOTOR_FAULT")
    def break_driver(self, fault: str | None) -> None:
        """One of `target.motor_driver.faults`; None: it is whole again. ValueError for one that this part has not."""
        driver = self.target.motor_driver
        if fault is not None and fault not in driver.faults:
            raise ValueError(f"this motor driver has no fault {fault}; it has {', '.join(driver.faults)}")
        driver.fault = fault

    @may_raise("SENSOR_FAULT")
    def break_flow_meter(self, fault: str | None) -> None:
        """One of `target.flow_meter.faults`; None: it is whole again."""
        self.target.flow_meter.fault = fault

    def break_display(self, fault: str | None) -> None:
        """One of `target.display.faults`; None: it is whole again. It is no part of safety: no alarm comes of it."""
        self.target.display.fault = fault

    @may_raise("OVER_DELIVERY", "UNDER_DELIVERY")
    def let_flow_meter_see(self, factor: float) -> None:
        """So much of what is delivered passes it: half with a leak before it, more with a source beside the pump."""
        self.target.flow_meter.factor = factor

    @may_raise("MEMORY_FAULT", "WATCHDOG_RESET")
    def fill_flash(self) -> None:
        """Every write to the pump's flash fails, until `free_flash`; on the chip the first may outlast the watchdog."""
        self.target.fill_flash(True)

    def free_flash(self) -> None:
        self.target.fill_flash(False)

    @may_raise("UNDER_DELIVERY", "MOTOR_FAULT")
    def lose_pulses(self, every: int) -> None:
        """From now on one pulse in so many gets lost on the wire, for odometer and motor alike; 0: none."""
        self.target.settle()
        self.target.lose_pulses(every)

    @may_raise("OVER_DELIVERY", "MOTOR_FAULT")
    def add_pulses(self, count: int) -> None:
        """Noise on the wire: pulses that the generator did not make. The motor takes them while it is enabled."""
        self.target.add_pulses(count)

    @may_raise("LINK_LOST")
    def unplug_link(self) -> None:
        self.target.plug_link(False)

    def plug_link(self) -> None:
        self.target.plug_link(True)

    @may_raise("POWER_INTERRUPTED")
    def cut_power(self) -> None:
        self.powered = False
        self.target.cut_power()

    def restore_power(self) -> None:
        self.powered = True
        self.target.restore_power()
        self.reconnect()

    def reconnect(self) -> None:
        """A fresh client on the same port, as after a reset; what the old one had not read is gone."""
        self.target.read(self.target.available())
        self._pump = None

    @may_raise("WATCHDOG_RESET")
    def hang(self) -> None:
        """The firmware stops dead, with interrupts off."""
        self.target.hang()


def open_bench(
    url: str,
    *,
    seed: int = 0,
    syringe: str = DEFAULT_SYRINGE,
    plant: str | int = DEFAULT_PLANT,
    motion: bool = False,
) -> Bench:
    """A bench on sim:// or emu://, or the real one of a bench file. LinkError's kin are raised as
    serial.SerialException with what is missing.

    seed: of all noise and friction. plant: "ideal", "imperfect", "soft", or a number that draws a specimen. A real
    bench has its own syringe and plant, and moves nothing without `motion`; ProtocolError for a file that is not valid.
    """
    if url.endswith(".toml"):
        from hil.benchfile import read
        from hil.real import RealBench

        return cast(Bench, RealBench(read(url), motion))  # the same names, as far as it has them
    register()
    port = serial.serial_for_url(f"{url}?{urlencode({'seed': seed, 'syringe': syringe, 'plant': plant})}")
    bench: Bench = port.bench  # type: ignore[attr-defined]  # every port of hil.urls carries one
    return bench


class Options(NamedTuple):
    """What a bench's url may say behind its "?"."""

    seed: int = 0
    syringe: str = DEFAULT_SYRINGE
    plant: str = DEFAULT_PLANT


def parse_url(url: str) -> Options:
    """The options of a bench's url; ValueError for anything else in it."""
    query = parse_qs(urlsplit(url).query, strict_parsing=bool(urlsplit(url).query))
    given = {key: values[0] for key, values in query.items()}
    unknown = set(given) - set(Options._fields)
    if unknown:
        allowed = " and ".join([", ".join(Options._fields[:-1]), Options._fields[-1]])
        raise ValueError(f"{url}: {', '.join(sorted(unknown))} is not an option; allowed are {allowed}")
    seed = given.pop("seed", "0")
    if not seed.lstrip("-").isdecimal():
        raise ValueError(f"{url}: seed {seed} is no whole number")
    return Options(int(seed), **given)
