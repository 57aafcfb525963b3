"""What core and app ask of the hardware and of a board's data, for type checkers only: there is no such module on a
board. The drivers and their simulated twins in hil/devices have these methods."""

from typing import Any, Protocol

Message = dict[str, Any]
Phase = list[Any]  # [kind, duration_ms, begin_pl_h, end_pl_h]

class Stepper(Protocol):
    def enable(self, on: bool) -> None: ...
    def forward(self, on: bool) -> None: ...
    def room(self) -> int: ...
    def put(self, word: int) -> None: ...
    def start(self) -> None: ...
    def halt(self) -> None: ...

class Odometer(Protocol):
    def steps(self) -> int: ...

class Pressure(Protocol):
    def pascal(self) -> int: ...

class Clock(Protocol):
    def remaining_ms(self) -> int: ...
    def advance(self) -> None: ...
    def elapsed_us(self) -> int: ...

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
    MAX_RATE_NL_H: int
    OCCLUSION_PA: int
    RELIEVED_PA: int
    RELIEF_NL: int
    RELIEF_NL_H: int
    KVO_NL_H: int
    KVO_NL: int
    KVO_MS: int
    CONTROL_PERIOD_MS: int
    WATCHDOG_MS: int
    LINK_TIMEOUT_MS: int
    STATUS_PERIOD_MS: int
