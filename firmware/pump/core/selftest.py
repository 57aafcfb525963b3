"""The self-test: at power-on step by step before anything moves, and its cheap parts again while the pump runs.

No request is taken and no step made before it is over (SR-POST-06), within 2 s or so (SR-POST-03).
Each step asks one part of the pump for proof. What a part needs of the chip comes in as a callable, so that a test can
put a faulty one in its place (SR-POST-08); nothing here moves fluid or wears flash (SR-POST-02). The first failure ends
the test and names its step (SR-POST-05).
"""

from pump.core.law import Law
from pump.core.units import TICKS_PER_MS

TYPE_CHECKING = False  # MicroPython has no typing
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from pump.core.hardware import Annunciator, Display, Driver, FlowMeter, Inputs, Pressure


PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"

SECTION_BYTES = 256
SECTIONS = 4
IMAGE_BYTES = 512  # of the image in one go while running: 0.15 ms
TONE_HZ = 1000  # of the buzzer's short proof
CLOCK_PERMILLE = 10  # what timer and PIO may differ by; both hang on one crystal, by two ways

_UP = bytes(range(SECTION_BYTES))
_PATTERNS = (b"\x55" * SECTION_BYTES, b"\xaa" * SECTION_BYTES, _UP, bytes([255 - i for i in _UP]))

# A ramp and a flat phase through the delivery law, with the steps that it must want at these milliseconds.
_KNOWN_PHASES = [["ramp", 60000, 3000000000, 30000000000], ["infuse", 60000, 25000000000, 25000000000]]
_KNOWN_STEP = (349066, 1)
KNOWN_STEPS = ((1000, 2), (60000, 787), (120000, 1981))
KNOWN_SUM = 729960


class Parts:
    """What a self-test is given; whatever is None is skipped, because the board has no such part.

    annunciator, inputs, pressure: the drivers. driver: what sets up and watches the motor driver. flow_meter: the flow
    sensor. ram: Ram. image: Image. library_intact(), settings_intact(): whether the stored ones have their checksum;
    None for none stored. watchdog_bites: whether a starved watchdog has been seen to reset the chip. clocks():
    (microseconds by the timer, by a PIO machine) of the same stretch.
    supply_mv, rest_pa: (least, most) at power-on. display: it says that the pump starts. trouble: what a step that
    failed has to say beside its name.
    """

    def __init__(self) -> None:
        self.annunciator: "Annunciator | None" = None
        self.inputs: "Inputs | None" = None
        self.pressure: "Pressure | None" = None
        self.driver: "Driver | None" = None
        self.flow_meter: "FlowMeter | None" = None
        self.display: "Display | None" = None
        self.ram: "Ram | None" = Ram()
        self.image: "Image | None" = None
        self.library_intact: "Callable[[], bool | None] | None" = None
        self.settings_intact: "Callable[[], bool | None] | None" = None
        self.watchdog_bites: "bool | None" = None
        self.clocks: "Callable[[], tuple[int, int]] | None" = None
        self.supply_mv: "tuple[int, int] | None" = None
        self.rest_pa: "tuple[int, int] | None" = None
        self.trouble = ""


class Ram:
    """Patterns through a scratch area, section by section (SR-DIAG-01). area: SECTIONS x SECTION_BYTES of it."""

    def __init__(self, area: "Any" = None) -> None:
        self._area = bytearray(SECTIONS * SECTION_BYTES) if area is None else area
        self._section = 0

    def advance(self) -> bool:
        """Tests the next section: whether it holds every pattern."""
        begin = self._section * SECTION_BYTES
        self._section = (self._section + 1) % SECTIONS
        for pattern in _PATTERNS:
            self._area[begin : begin + SECTION_BYTES] = pattern
            if self._area[begin : begin + SECTION_BYTES] != pattern:
                return False
        return True

    def whole(self) -> bool:
        """Every section, and that none of them answers for another."""
        for _ in range(SECTIONS):
            if not self.advance():
                return False
        for i in range(SECTIONS):
            self._area[i * SECTION_BYTES : (i + 1) * SECTION_BYTES] = bytes([i]) * SECTION_BYTES
        for i in range(SECTIONS):
            if self._area[i * SECTION_BYTES : (i + 1) * SECTION_BYTES] != bytes([i]) * SECTION_BYTES:
                return False
        return True


class Image:
    """CRC-32 of the firmware's image as it lies in flash, piece by piece (SR-DIAG-02).

    crc_of(offset, size, crc): that of those bytes, `crc` being the one of all before them. size, crc: what was written
    when the image was built. piece: bytes to be asked for at most.
    """

    def __init__(self, crc_of: "Callable[[int, int, int], int]", size: int, crc: int, piece: int = 65536) -> None:
        self._crc_of = crc_of
        self._piece = piece
        self._size = size
        self._wanted = crc
        self._at = self._crc = 0

    def advance(self, size: int) -> "bool | None":
        """The next piece, `size` bytes at most. At the image's end whether its CRC is right, before that None."""
        size = min(size, self._size - self._at)
        self._crc = self._crc_of(self._at, size, self._crc)
        self._at += size
        if self._at < self._size:
            return None
        right = self._crc == self._wanted
        self._at = self._crc = 0
        return right

    def whole(self) -> bool:
        """From the first byte to the last."""
        self._at = self._crc = 0
        while True:
            right = self.advance(self._piece)
            if right is not None:
                return right


def known_sum() -> int:
    """Multiplies, divides, shifts and masks its way to KNOWN_SUM; small integers throughout."""
    value = 12345
    for i in range(1, 65):
        value = (value * 997 + i) & 0xFFFFF
        value ^= value >> 7
        value = value // i * i + value % i ^ i << 3
    return value


def processor() -> bool:
    """Known answers: plain arithmetic, and the delivery law with its large integers (SR-DIAG-03)."""
    if known_sum() != KNOWN_SUM:
        return False
    law = Law(_KNOWN_PHASES, _KNOWN_STEP)
    for at_ms, steps in KNOWN_STEPS:
        law.seek(at_ms * TICKS_PER_MS)
        if law.steps_due(at_ms * TICKS_PER_MS) != steps:
            return False
    return True


def _processor(parts: Parts) -> "bool | None":
    return processor()


def _ram(parts: Parts) -> "bool | None":
    return parts.ram.whole() if parts.ram else None


def _image(parts: Parts) -> "bool | None":
    return parts.image.whole() if parts.image else None


def _library(parts: Parts) -> "bool | None":
    return parts.library_intact() if parts.library_intact else None


def _settings(parts: Parts) -> "bool | None":
    return parts.settings_intact() if parts.settings_intact else None


def _keys(parts: Parts) -> "bool | None":
    return not parts.inputs.keys() if parts.inputs else None


def _watchdog(parts: Parts) -> "bool | None":
    return parts.watchdog_bites


def _clock(parts: Parts) -> "bool | None":
    if not parts.clocks:
        return None
    timer_us, pio_us = parts.clocks()
    return timer_us > 0 and abs(timer_us - pio_us) * 1000 <= timer_us * CLOCK_PERMILLE


def _supply(parts: Parts) -> "bool | None":
    if not (parts.inputs and parts.supply_mv):
        return None
    return parts.supply_mv[0] <= parts.inputs.battery_mv() <= parts.supply_mv[1]


def _driver(parts: Parts) -> "bool | None":
    """The motor driver takes its settings, gives them back, and reports no fault."""
    if not parts.driver:
        return None
    parts.trouble = parts.driver.set_up()
    return not parts.trouble


def _flow_meter(parts: Parts) -> "bool | None":
    """The flow sensor takes the command to measure."""
    if not parts.flow_meter:
        return None
    parts.trouble = parts.flow_meter.set_up()
    return not parts.trouble


def _pressure(parts: Parts) -> "bool | None":
    if not (parts.pressure and parts.rest_pa):
        return None
    return parts.rest_pa[0] <= parts.pressure.pascal() <= parts.rest_pa[1]


def _lights(parts: Parts) -> "bool | None":
    """Each light alone, all of them, none: the pads must follow. Whether a lamp shines is for a person to see."""
    annunciator = parts.annunciator
    if not annunciator:
        return None
    for lights in (1, 2, 4, 7, 0):
        annunciator.show(0, lights)
        if annunciator.lit() != lights:
            annunciator.show(0, 0)
            return False
    return True


def _sound(parts: Parts) -> "bool | None":
    """The buzzer's pad swings while it should and is still when it should not. Whether it is heard, a person says."""
    annunciator = parts.annunciator
    if not annunciator:
        return None
    annunciator.show(TONE_HZ, 0)
    swings = annunciator.sounding()
    annunciator.show(0, 0)
    return swings and not annunciator.sounding()


# step: what it asks. In this order: first what the later steps rely on.
STEPS: "tuple[tuple[str, Callable[[Parts], bool | None]], ...]" = (
    ("processor", _processor),
    ("ram", _ram),
    ("image", _image),
    ("watchdog", _watchdog),
    ("clock", _clock),
    ("settings", _settings),
    ("library", _library),
    ("supply", _supply),
    ("driver", _driver),
    ("flow sensor", _flow_meter),
    ("keys", _keys),
    ("pressure", _pressure),
    ("lights", _lights),
    ("sound", _sound),
)


def run(parts: Parts) -> "tuple[dict[str, str], str | None]":
    """({step: passed, failed or skipped} for every step, and for a display; the step that failed and its trouble, or
    None)."""
    report = {name: SKIPPED for name, _step in STEPS}
    if parts.display:  # no part of safety: one that fails ends nothing and bars nothing
        report["display"] = FAILED if parts.display.set_up() else PASSED
    for name, step in STEPS:
        passed = step(parts)
        if passed is not None:
            report[name] = PASSED if passed else FAILED
        if passed is False:
            return report, "%s: %s" % (name, parts.trouble) if parts.trouble else name
    return report, None


class Background:
    """The cheap parts over and over while the pump runs. rounds: how often all of them have passed."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._turn = 0
        self.rounds = 0

    def advance(self) -> "str | None":
        """One bounded piece (a section of RAM, IMAGE_BYTES of flash, the known answers); the step that failed, or
        None. Allocates, so it belongs behind the control tick."""
        turn = self._turn
        parts = self._parts
        self._turn += 1
        if not turn:
            return None if processor() else "processor"
        if turn <= SECTIONS:
            return None if not parts.ram or parts.ram.advance() else "ram"
        right = parts.image.advance(IMAGE_BYTES) if parts.image else True
        if right is None:
            return None
        self._turn = 0
        if not right:
            return "image"
        self.rounds += 1
        return None
