"""The Raspberry Pi Pico as a pump: pins, gear and limits, as data. Frozen into the image as `board`."""

NAME = "pico"

# function: GPIO
PINS = {
    "step": 2,
    "direction": 3,
    "enable": 4,  # low turns the motor driver on
    "pressure": 26,  # ADC0
}

# Gear: a T8 screw of 2 mm lead, a 1.8 degree motor, a driver at 16 microsteps.
LEAD_UM = 2000
FULL_STEPS_PER_TURN = 200
MICROSTEPS = 16
STEPS_PER_TURN = FULL_STEPS_PER_TURN * MICROSTEPS

# Absolute limits of this board, whatever a program or a library says.
MAX_STEPS_PER_S = 2500  # 46.9 turns a minute: well inside the pull-out torque of a NEMA 17 on this screw
MAX_RATE_NL_H = 1200000000  # 1200 mL/h

# Pressure input: 0.5 V at 0 kPa to 4.5 V at 250 kPa, halved by a divider, on a 3.3 V 16-bit reading.
PRESSURE_ZERO = 4965  # reading at 0 kPa (0.25 V)
PRESSURE_MPA_PER_COUNT = 6294  # (250 kPa / 2.0 V) x (3.3 V / 65535), in mPa a count
OCCLUSION_PA = 69000  # SR-OCC-01: 10 psi
RELIEVED_PA = 7000  # to which the plunger backs off afterwards, so that little is released when the line opens
RELIEF_NL = 2000000  # SR-OCC-04: it never goes back by more than 2 mL
RELIEF_NL_H = 200000000

# Hold rate after completion or for an alarm that asks for it; 0 until a drug library sets one (SR-KVO-01).
KVO_NL_H = 0
KVO_NL = 1000000
KVO_MS = 3600000

CONTROL_PERIOD_MS = 100
# Longer than the port may stand still: 500 ms where a host stops reading in mid-line, 850 ms for the slowest flash.
# The motor does not wait for it: it starves within 250 ms of the last feed.
WATCHDOG_MS = 1500
LINK_TIMEOUT_MS = 15000
STATUS_PERIOD_MS = 1000
