"""The motor driver TMC2209 at its one-wire UART: sets it up, reads that back, looks for what it reports, and whether it
got the pulses and levels that the pump gave it.

Registers, their bits and the datagrams are those of the TMC2209 datasheet Rev. 1.03, chapters 4 and 5; currents of
chapter 9. The wire is a driver's; here is what goes over it. Nothing here is for a control tick.
"""

from pump.core import crc8

TYPE_CHECKING = False  # MicroPython has no typing
if TYPE_CHECKING:
    from typing import Final

    from pump.core.hardware import Motor, Wire

GCONF: "Final" = 0x00
GSTAT: "Final" = 0x01
IFCNT: "Final" = 0x02  # counts the writes that came whole
SLAVECONF: "Final" = 0x03
IOIN: "Final" = 0x06
IHOLD_IRUN: "Final" = 0x10
TPOWERDOWN: "Final" = 0x11
MSCNT: "Final" = 0x6A
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
ENN_PIN, DIR_PIN = 1, 0x200  # of IOIN

# MSCNT is the driver's place in its table of four full steps. It goes up with DIR low and down with DIR high, by which
# Klipper, too, knows a motor's place (klippy/extras/tmc.py).
TABLE: "Final" = 1024
# Half a full step, 3.2 ms at the pump's fastest: from the count of pulses to the driver's answer less than 1 ms passes.
SLACK: "Final" = 128


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
    mended: replies that were lost before a good one (SR-DIAG-10).

    Once a second look() and then ask(). Each third request is for DRV_STATUS, each third for GSTAT, so that what the
    driver reports is found within 4 s. The others are for its place and for the levels at its pins by turns, but for
    the levels first where the pump has changed them: these within 4 s of a start (decision 34).
    """

    def __init__(self, wire: "Wire", microsteps: int, run_ma: int, hold_ma: int, sense_mohm: int) -> None:
        self._wire = wire
        self._pulse = TABLE // 4 // microsteps  # by so much MSCNT moves
        self._slack = max(SLACK, self._pulse)  # one may be under way
        resolution = 8  # MRES: 256 microsteps are 0, a full step 8
        while microsteps > 1:
            microsteps //= 2
            resolution -= 1
        self._chopper = SET_CHOPCONF | resolution << 24
        run, hold = current_scale(run_ma, sense_mohm), current_scale(hold_ma, sense_mohm)
        self._current = HOLD_DELAY << 16 | run << 8 | hold
        self._requests = {register: datagram(register) for register in (DRV_STATUS, GSTAT, MSCNT, IOIN)}
        self._asked = 0  # the register whose value is to come
        self._next = DRV_STATUS  # the one to ask for
        self._turn = 0
        self._levels_asked = 0  # how often since the place was
        self._home = self._plunger_steps = 0  # MSCNT where the pump began to count, and the count when it was asked for
        self._motor: "Motor | None" = None  # as the pump drove it when the levels were asked for
        self._misses = self.mended = 0
        self._opens = 0
        self._shut = False  # it has reported an error, and DRV_STATUS is to say which
        self._elsewhere = ""  # its place is not the pump's, and GSTAT is to say whether it was reset

    def set_up(self) -> str:
        """Before the first pulse. Writes all settings and reads them back, within 50 ms: what is wrong, or nothing."""
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
        flags, status, place = self._read(GSTAT), self._read(DRV_STATUS), self._read(MSCNT)
        if flags is None or status is None or place is None:
            return "silent"
        self._home = int.from_bytes(place, "big")  # it goes on from there when the controller alone was reset
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

    def look(self, motor: "Motor") -> str:
        """Takes up the reply to the last request. What is wrong, or nothing. motor: as it is driven now."""
        asked, self._asked = self._asked, 0
        trouble = self._take_up(asked, motor) if asked else ""
        self._next = self._choose(motor)
        return trouble

    def _take_up(self, asked: int, motor: "Motor") -> str:
        reply = reply_of(self._requests[asked], self._wire.received())
        if reply is None:
            self._misses += 1
            return "no good reply %d times" % TRIES if self._misses == TRIES else ""
        self.mended += self._misses
        self._misses = 0
        if asked == DRV_STATUS:
            return self._status(reply)
        if asked == GSTAT:
            return self._flags(reply[3])
        value = int.from_bytes(reply, "big")
        return self._place(value) if asked == MSCNT else self._levels(value, motor)

    def ask(self, motor: "Motor", plunger_steps: int, waits: bool) -> bool:
        """Sends the next request, unless it waits for a better moment; whether it did. plunger_steps: pulses forward
        minus backward since set_up, counted just now; so that they still are when the driver answers, nothing is
        allocated before the request is out."""
        register = self._next
        if register == MSCNT:
            if waits and self._is_blind(plunger_steps):
                return False
            self._plunger_steps = plunger_steps
        self._wire.send(self._requests[register])
        self._asked = register
        if register == IOIN:
            self._motor = motor
        return True

    def _is_blind(self, plunger_steps: int) -> bool:
        """Whether a driver that has not moved since its place was asked for would be right all the same, because the
        pump has moved by whole tables."""
        moved = (plunger_steps - self._plunger_steps) * self._pulse
        return abs(moved) > self._slack >= abs(_wrapped(moved))

    def _choose(self, motor: "Motor") -> int:
        if self._shut:
            return DRV_STATUS
        if self._elsewhere:
            return GSTAT
        self._turn = (self._turn + 1) % 3
        if self._turn:
            return DRV_STATUS if self._turn == 1 else GSTAT
        if not self._levels_asked or (self._levels_asked == 1 and motor != self._motor):
            self._levels_asked += 1
            return IOIN
        self._levels_asked = 0
        return MSCNT

    def _flags(self, flags: int) -> str:
        if flags & RESET:
            return "reset: its settings are lost"
        if flags & UNDERVOLTAGE:
            return "undervoltage of the charge pump"
        self._shut = flags & DRIVER_ERROR != 0
        return self._elsewhere

    def _place(self, place: int) -> str:
        """A broken STEP or DIR, pulses that one of the two did not see, or other microsteps: all of them go on."""
        expected = (self._home + self._plunger_steps * self._pulse) % TABLE
        if abs(_wrapped(place - expected)) > self._slack:
            self._elsewhere = "at %d of %d in its table, by the pulses at %d: STEP or DIR?" % (place, TABLE, expected)
        return ""

    def _levels(self, pins: int, motor: "Motor") -> str:
        """A broken EN or DIR. Where the pump has changed them since, nobody knows what the driver should have seen."""
        if motor != self._motor:
            return ""
        _starts, on, backward = motor
        if (pins & ENN_PIN == 0) != on:
            return "EN is %s at its pin, not as driven" % ("high" if on else "low")
        if (pins & DIR_PIN != 0) != backward:
            return "DIR is %s at its pin, not as driven" % ("low" if backward else "high")
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


def _wrapped(places: int) -> int:
    """The shortest way in the table, -512 to 511."""
    return (places + TABLE // 2) % TABLE - TABLE // 2
