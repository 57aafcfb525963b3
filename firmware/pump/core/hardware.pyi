"""What core and app ask of the hardware and of a board's data, for type checkers only: there is no such module on a
board. The drivers and their simulated twins in hil/devices have these methods."""

from typing import Any, Protocol

Message = dict[str, Any]
Phase = list[Any]  # [kind, duration_ms, begin_pl_h, end_pl_h], and a floor_pl_h and a ceiling_pl_h where it has bounds
Motor = tuple[int, bool, bool]  # how the pump drives it: (starts so far, whether it is on, whether DIR says backward)

class Stepper(Protocol):
    def forward(self, on: bool) -> None: ...
    def room(self) -> int: ...
    def put(self, word: int) -> None: ...
    def start(self) -> None: ...
    def halt(self) -> None: ...

class Interlock(Protocol):
    def enable(self, steps: int) -> None: ...
    def disable(self) -> None: ...
    def grant(self, steps: int) -> bool: ...

class Driver(Protocol):
    mended: int
    def set_up(self) -> str: ...
    def look(self, motor: Motor) -> str: ...
    def ask(self, motor: Motor, plunger_steps: int, waits: bool) -> bool: ...

class Wire(Protocol):
    def send(self, data: bytes) -> None: ...
    def received(self) -> bytes: ...
    def pause_ms(self, ms: int) -> None: ...

class Bus(Protocol):
    def write(self, address: int, data: bytes | bytearray) -> bool: ...
    def read(self, address: int, size: int) -> bytes | None: ...
    def pause_ms(self, ms: int) -> None: ...

class FlowMeter(Protocol):
    mended: int
    rate_nl_h: int
    air: bool
    high: bool
    good: bool
    def set_up(self) -> str: ...
    def look(self) -> str: ...

class Display(Protocol):
    def set_up(self) -> str: ...
    def turn(self, pump: Any) -> None: ...

class Odometer(Protocol):
    def steps(self) -> int: ...

class Pressure(Protocol):
    bore_um: int
    def correct(self, zero_pa: int, span_ppm: int) -> None: ...
    def pascal(self) -> int: ...
    def fitted(self, bore_um: int) -> None: ...

class Converter(Protocol):
    def count(self) -> int | None: ...

class Inputs(Protocol):
    def battery_mv(self) -> int: ...
    def temperature_dc(self) -> int: ...
    def syringe_present(self) -> bool: ...
    def guard_closed(self) -> bool: ...
    def air(self) -> bool: ...
    def keys(self) -> int: ...

class Annunciator(Protocol):
    def show(self, tone_hz: int, lights: int) -> None: ...
    def lit(self) -> int: ...
    def sounding(self) -> bool: ...

class Clock(Protocol):
    def remaining_ms(self) -> int: ...
    def advance(self) -> None: ...
    def elapsed_us(self) -> int: ...
    def pause_us(self, us: int) -> None: ...

class Link(Protocol):
    def wait(self, ms: int) -> bool: ...
    def read(self) -> bytes: ...
    def write(self, line: bytes) -> None: ...

class Watchdog(Protocol):
    def feed(self) -> None: ...

class Build(Protocol):
    VERSION: str
    DIGEST: str

class Board(Protocol):
    """The names of boards/*/board.py."""

    NAME: str
    LEAD_UM: int
    STEPS_PER_TURN: int
    MAX_STEPS_PER_S: int
    START_STOP_STEPS_PER_S: int
    MAX_RATE_NL_H: int
    OCCLUSION_PA: tuple[int, int, int]
    PRESSURE_LEAP_PA: int
    PRESSURE_FALL_PA: int
    PRESSURE_LEAP_S: int
    PRESSURE_BAND_PA: tuple[int, int]
    PRESSURE_STUCK_S: int
    REST_PA: tuple[int, int]
    AIR_SINGLE_NL: int
    AIR_HOUR_NL: int
    BATTERY_CEILING_MV: int
    BATTERY_LOW_MV: int
    BATTERY_DEPLETED_MV: int
    SUPPLY_HIGH_MV: int
    OVERHEATED_DC: int
    FLOW_PERCENT: int
    FLOW_NL_H: int
    FLOW_BASAL_S: int
    FLOW_BOLUS_S: int
    FLOW_TIMED_S: int
    METER_PERCENT: int
    METER_FLOOR_NL_H: int
    METER_SLACK_NL: int
    METER_HOLD_S: int
    NEAR_EMPTY_MIN: tuple[int, int, int]
    PAUSED_S: int
    STAGED_S: int
    REPEATS: int
    REPEATS_S: int
    RELIEVED_PA: int
    RELIEF_NL: int
    RELIEF_STEPS_PER_S: int
    PRIME_NL_H: int
    PRIME_S: int
    REFILL_NL_H: int
    REFILL_FALL_PA: int
    KVO_NL_H: int
    KVO_NL: int
    KVO_MS: int
    CONTROL_PERIOD_MS: int
    WATCHDOG_MS: int
    LINK_TIMEOUT_MS: int
    STATUS_PERIOD_MS: int
