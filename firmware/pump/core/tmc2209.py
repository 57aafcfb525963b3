"""The motor driver TMC2209 at its one-wire UART: sets it up, reads that back, and looks for what it reports.

Registers, their bits and the datagrams are those of the TMC2209 datasheet Rev. 1.03, chapters 4 and 5; currents of
chapter 9. The wire is a driver's; here is what goes over it. Nothing here is for a control tick.
"""

from pump.core import crc8

TYPE_CHECKING = False  # MicroPython has no typing
if TYPE_CHECKING:
    from typing import Final

    from pump.core.hardware import Wire

GCONF: "Final" = 0x00
GSTAT: "Final" = 0x01
IFCNT: "Final" = 0x02  # counts the writes that came whole
SLAVECONF: "Final" = 0x03
IOIN: "Final" = 0x06
IHOLD_IRUN: "Final" = 0x10
TPOWERDOWN: "Final" = 0x11
CHOPCONF: "Final" = 0x6C
DRV_STATUS: "Final" = 0x6F
WRITE: "Final" = 0x80
SYNC: "Final" = 0x05
ADDRESS: "Final" = 0  # MS1 and MS2 to ground
MASTER: "Final" = 0xFF
VERSION: "Final" = 0x21
REQUEST_BYTES: "Final" = 4
DATAGRAM_BYTES: "Final" = 8

# pdn_disable: the pin is the UART's; mstep_reg_select: microsteps by register; multistep_filt; en_spreadCycle, for
# torque at every speed. I_scale_analog is 0: the current follows no potentiometer.
SET_GCONF: "Final" = 0x1C4
ALL_FLAGS: "Final" = 7  # of GSTAT; writing them clears them
REPLY_DELAY: "Final" = 0x200  # of SLAVECONF: the reply comes after 3 x 8 bit times
HOLD_DELAY: "Final" = 8  # of IHOLD_IRUN: how slowly the current falls to that of standstill
POWERDOWN: "Final" = 20  # 0.4 s at standstill until it begins to
# TOFF 3, HSTRT 5, HEND 0, as after a reset, TBL 2, vsense 1; intpol 0: a microstep is a step, and no ramp of 256ths.
SET_CHOPCONF: "Final" = 0x30053
FULL_SCALE_MV: "Final" = 180  # at the sense resistor, with vsense 1
SENSE_PATH_MOHM: "Final" = 20  # what the chip adds to the resistor
WAIT_MS: "Final" = 4  # request, delay and reply take 1.3 ms at 115200 baud
TRIES: "Final" = 3

# What DRV_STATUS says in its lowest byte, from bit 1 on; bit 0 is a warning of heat.
ERRORS = (
    (0x02, "over-temperature"),
    (0x04, "short to ground at A"),
    (0x08, "short to ground at B"),
    (0x10, "short of a switch at A"),
    (0x20, "short of a switch at B"),
)
OPEN_LOADS = ((0x40, "open load at A"), (0x80, "open load at B"))
STANDSTILL: "Final" = 0x80  # in its highest byte
# In standstill and at speed an open load may be feigned (datasheet 5.5.3): only slow motion counts, and not once.
OPEN_LOOKS: "Final" = 3
RESET, DRIVER_ERROR, UNDERVOLTAGE = 1, 2, 4  # of GSTAT


def datagram(register: int, value: "int | None" = None) -> bytes:
    """A write of 32 bits, or the request to read."""
    head = bytes([SYNC, ADDRESS, register if value is None else register | WRITE])
    if value is not None:
        head += bytes([value >> shift & 0xFF for shift in (24, 16, 8, 0)])
    return head + bytes([crc8.atm(head)])


def reply_of(request: bytes, received: bytes) -> "bytes | None":
    """The four bytes, highest first, of the reply to a request; None for anything but that. received: all that was on
    the wire, our own request included."""
    if len(received) != REQUEST_BYTES + DATAGRAM_BYTES or received[:REQUEST_BYTES] != request:
        return None
    reply = received[REQUEST_BYTES:]
    if reply[0] != SYNC or reply[1] != MASTER or reply[2] != request[2] or crc8.atm(reply[:7]) != reply[7]:
        return None
    return reply[3:7]


def current_scale(ma: int, sense_mohm: int) -> int:
    """IRUN or IHOLD, 0 to 31, for a current in mA (rms), rounded down; beyond what the resistor can do, 31."""
    scale = ma * (sense_mohm + SENSE_PATH_MOHM) * 45255 // (FULL_SCALE_MV * 1000000) - 1  # 45255: 32000 x sqrt 2
    return min(max(scale, 0), 31)


class Tmc2209:
    """microsteps: of a full step, a power of two. run_ma, hold_ma: rms, of a coil. sense_mohm: the sense resistors.
    mended: replies that were lost before a good one (SR-DIAG-10)."""

    def __init__(self, wire: "Wire", microsteps: int, run_ma: int, hold_ma: int, sense_mohm: int) -> None:
        self._wire = wire
        resolution = 8  # MRES: 256 microsteps are 0, a full step 8
        while microsteps > 1:
            microsteps //= 2
            resolution -= 1
        self._chopper = SET_CHOPCONF | resolution << 24
        run, hold = current_scale(run_ma, sense_mohm), current_scale(hold_ma, sense_mohm)
        self._current = HOLD_DELAY << 16 | run << 8 | hold
        self._status_request, self._flags_request = datagram(DRV_STATUS), datagram(GSTAT)
        self._asked: "bytes | None" = None
        self._misses = self.mended = 0
        self._opens = 0
        self._shut = False  # it has reported an error, and DRV_STATUS is to say which

    def set_up(self) -> str:
        """Writes all settings and reads them back, within 50 ms: what is wrong, or nothing."""
        version = self._read(IOIN)
        before = self._read(IFCNT)
        if version is None or before is None:
            return "silent"
        if version[0] != VERSION:
            return "version %d, not %d" % (version[0], VERSION)
        settings = (
            (SLAVECONF, REPLY_DELAY),
            (GCONF, SET_GCONF),
            (CHOPCONF, self._chopper),
            (IHOLD_IRUN, self._current),
            (TPOWERDOWN, POWERDOWN),
            (GSTAT, ALL_FLAGS),
        )
        for register, value in settings:
            self._wire.send(datagram(register, value))
            self._wire.pause_ms(1)
        after = self._read(IFCNT)
        if after is None or (after[3] - before[3]) & 0xFF != len(settings):
            return "settings not taken"
        for register, value in ((GCONF, SET_GCONF), (CHOPCONF, self._chopper)):
            held = self._read(register)
            if held is None or int.from_bytes(held, "big") != value:
                return "settings differ"
        flags, status = self._read(GSTAT), self._read(DRV_STATUS)
        if flags is None or status is None:
            return "silent"
        return _named(status[3]) or self._flags(flags[3])

    def _read(self, register: int) -> "bytes | None":
        request = datagram(register)
        for _ in range(TRIES):
            self._wire.send(request)
            self._wire.pause_ms(WAIT_MS)
            found = reply_of(request, self._wire.received())
            if found is not None:
                return found
        return None

    def look(self) -> str:
        """Once a second: takes up the reply to the last request, and sends the next. What is wrong, or nothing."""
        asked = self._asked
        trouble = ""
        if asked:
            reply = reply_of(asked, self._wire.received())
            if reply is None:
                self._misses += 1
                if self._misses == TRIES:
                    return "no good reply %d times" % TRIES
            else:
                self.mended += self._misses
                self._misses = 0
                trouble = self._status(reply) if asked is self._status_request else self._flags(reply[3])
        asked = self._flags_request if asked is self._status_request and not self._shut else self._status_request
        self._asked = asked
        self._wire.send(asked)
        return trouble

    def _flags(self, flags: int) -> str:
        if flags & RESET:
            return "reset: its settings are lost"
        if flags & UNDERVOLTAGE:
            return "undervoltage of the charge pump"
        self._shut = flags & DRIVER_ERROR != 0
        return ""

    def _status(self, status: bytes) -> str:
        low = status[3]
        trouble = _named(low)
        if trouble or self._shut:
            return trouble or "shut down, and does not say why"
        if low & 0xC0 and not status[0] & STANDSTILL:
            self._opens += 1
            if self._opens == OPEN_LOOKS:
                return ", ".join([text for bit, text in OPEN_LOADS if low & bit])
        else:
            self._opens = 0
        return ""


def _named(low: int) -> str:
    """The errors in the lowest byte of DRV_STATUS."""
    return ", ".join([text for bit, text in ERRORS if low & bit]) if low & 0x3E else ""
