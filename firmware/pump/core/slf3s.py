"""The liquid flow sensor SLF3S on its bus: starts it, reads it, and holds its sum against the odometer's.

Commands, words, flags and checksum are those of the SLF3S-1300F datasheet, version 1.0, chapters 3 and 4. The bus is a
driver's. It is read once a second behind the tick; between two reads the sensor averages by itself, and its flags keep
what was so at any time since the last one.
"""

from pump.core import crc8
from pump.core.flow import OVER, UNDER, Drift
from pump.core.units import MS_PER_H, MS_PER_S

TYPE_CHECKING = False  # MicroPython has no typing
if TYPE_CHECKING:
    from typing import Final

    from pump.core.hardware import Board, Bus

ADDRESS: "Final" = 0x08
START_WATER = b"\x36\x08"  # continuous measurement, calibrated for water
STOP = b"\x3f\xf9"
STOP_MS: "Final" = 1  # 0.5 ms, in which it takes no other command
WORDS: "Final" = 3  # flow, temperature, flags; each two bytes and their checksum
AIR, HIGH = 1, 2  # of the flags: air in line, flow beyond the range
TRIES: "Final" = 3


def words_of(data: "bytes | None") -> "list[int] | None":
    """The words, without sign, of what was read; None where it is not whole."""
    if data is None or len(data) != 3 * WORDS:
        return None
    words = []
    for i in range(0, 3 * WORDS, 3):
        if crc8.sensirion(data[i : i + 2]) != data[i + 2]:
            return None
        words.append(data[i] << 8 | data[i + 1])
    return words


class Slf3s:
    """rate_nl_h: flow in the direction of its arrow, of the last read. air, high: its flags. good: whether there was a
    last read. mended: reads that failed before one that did not (SR-DIAG-10). nl_h_per_count: its scale."""

    def __init__(self, bus: "Bus", nl_h_per_count: int) -> None:
        self._bus = bus
        self._scale = nl_h_per_count
        self._misses = self.mended = 0
        self.rate_nl_h = 0
        self.air = self.high = self.good = False

    def set_up(self) -> str:
        """Starts the measurement: what is wrong, or nothing. The first reading is there 60 ms later."""
        self._bus.write(ADDRESS, STOP)  # it refuses a start while it measures, as after a reset of the controller alone
        self._bus.pause_ms(STOP_MS)
        return "" if self._bus.write(ADDRESS, START_WATER) else "silent"

    def look(self) -> str:
        """Once a second: reads it. What is wrong, or nothing; a read that fails now and then is skipped."""
        words = words_of(self._bus.read(ADDRESS, 3 * WORDS))
        self.good = words is not None
        if words is None:
            self._misses = min(self._misses + 1, TRIES)
            if self._misses == 1:
                self._bus.write(ADDRESS, START_WATER)  # its supply may have failed
            return "no good reply %d times" % TRIES if self._misses == TRIES else ""
        self.mended += self._misses
        self._misses = 0
        count = words[0] - 0x10000 if words[0] & 0x8000 else words[0]
        self.rate_nl_h = count * self._scale
        self.air, self.high = words[2] & AIR != 0, words[2] & HIGH != 0
        return ""


class Delivery:
    """The volume that the sensor has seen, against that of the pulses: beyond percent and floor_nl_h for hold_s, and by
    more than slack_nl, which line and stopper may take up or give back."""

    def __init__(self, percent: int, floor_nl_h: int, slack_nl: int, hold_s: int) -> None:
        self._percent = percent
        self._floor_nl_h = floor_nl_h
        self._slack = slack_nl * MS_PER_H
        self._hold_ms = hold_s * MS_PER_S
        self._over = Drift()
        self._under = Drift()

    def reset(self) -> None:
        """The motor was started."""
        self._over.reset()
        self._under.reset()

    def update(self, elapsed_ms: int, rate_nl_h: int, counted_nl: int) -> int:
        """rate_nl_h: by the sensor; counted_nl: by the pulses, in elapsed_ms. OVER and UNDER, or-ed. May allocate."""
        counted = counted_nl * MS_PER_H
        beyond = rate_nl_h * elapsed_ms - counted
        tolerated = max(counted * self._percent // 100, self._floor_nl_h * elapsed_ms)
        found = 0
        if self._over.update(beyond - tolerated, elapsed_ms, self._hold_ms, self._slack, self._slack):
            found = OVER
        if self._under.update(-beyond - tolerated, elapsed_ms, self._hold_ms, self._slack, self._slack):
            found |= UNDER
        return found


def delivery(board: "Board") -> Delivery:
    """With the board's tolerances."""
    return Delivery(board.METER_PERCENT, board.METER_FLOOR_NL_H, board.METER_SLACK_NL, board.METER_HOLD_S)
