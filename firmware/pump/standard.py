"""Gear, limits and times of a pump, as data: what holds on a board unless its board.py says otherwise.

A board takes them all up, and names its pins and its parts: see boards/pico/board.py. A part that is chosen there needs
its own block of these, and no other.
"""

LIGHTS_ON_LOW = 1  # bits of red, yellow, cyan: red shines by itself while no program holds it off (SR-DIAG-12)

# What is fitted where a board has the choice; what each part wants of pins is in hil/wiring.py.
FITTED: "dict[str, str]" = {
    "driver": "tmc2209",  # or drv8825, a4988
    "pressure": "analog",  # or hx711
    "flow": "none",  # or slf3s
    "display": "none",  # or ssd1306
}

# Gear: a T8 screw of 2 mm lead, a 1.8 degree motor, a driver at 16 microsteps.
LEAD_UM = 2000
FULL_STEPS_PER_TURN = 200
MICROSTEPS = 16
STEPS_PER_TURN = FULL_STEPS_PER_TURN * MICROSTEPS

# TMC2209: currents of a coil, rms, and the sense resistors of the usual carrier. The others have a potentiometer.
MOTOR_MA = 800
MOTOR_HOLD_MA = 400
SENSE_MOHM = 110

# Absolute limits of this board, whatever a program or a library says.
MAX_STEPS_PER_S = 2500  # 46.9 turns a minute: well inside the pull-out torque of a NEMA 17 on this screw
START_STOP_STEPS_PER_S = 500  # 31 full steps/s: a NEMA 17 starts and stops at hundreds; above, an ordinary stop ramps
MAX_RATE_NL_H = 1200000000  # 1200 mL/h

# Load cell of 10 kg and 1 mV/V on an HX711 at gain 128, which has 2^23 counts to half of its supply by 128: 98.07 N are
# 0.001 of the supply, 0.256 of the counts, whatever the supply.
LOAD_ZERO = 0
LOAD_UN_PER_64_COUNTS = 2923
LOAD_BORE_UM = 26590  # of the largest syringe, until one is declared

# Pressure input: 0.5 V at 0 kPa to 4.5 V at 250 kPa, halved by a divider, on a 3.3 V 16-bit reading.
PRESSURE_ZERO = 4965  # reading at 0 kPa (0.25 V)
PRESSURE_MPA_PER_COUNT = 6294  # (250 kPa / 2.0 V) x (3.3 V / 65535), in mPa a count
OCCLUSION_PA = (30000, 50000, 69000)  # the levels to choose from; SR-OCC-01: 10 psi at most
PRESSURE_LEAP_PA = 10000  # up within PRESSURE_LEAP_S at an unchanged rate: the line is shut
PRESSURE_FALL_PA = 5000  # down: line or syringe is off (SR-OCC-06)
PRESSURE_LEAP_S = 30
PRESSURE_BAND_PA = (-20000, 240000)  # outside, the sensor is open or shorted (SR-DIAG-13)
PRESSURE_STUCK_S = 120  # for so long the very same reading while the motor runs
REST_PA = (-10000, 100000)  # at power-on
RELIEVED_PA = 7000  # to which the plunger backs off afterwards, so that little is released when the line opens
RELIEF_NL = 2000000  # SR-OCC-04: it never goes back by more than 2 mL
RELIEF_STEPS_PER_S = 480  # in a control period not so far that the line is sucked empty, whatever the syringe's bore

# Air detector: volume that passes while it sees air (SR-AIR-01).
AIR_SINGLE_NL = 50000
AIR_HOUR_NL = 200000

# Supply of motor and board, behind a divider on a 12-bit reading (SR-POWER-02).
BATTERY_UV_PER_COUNT = 4469
BATTERY_CEILING_MV = 18300  # where the converter is at its stop
BATTERY_LOW_MV = 11000
BATTERY_DEPLETED_MV = 9500
SUPPLY_HIGH_MV = 16000

OVERHEATED_DC = 550  # SR-ALARM-09, tenths of a degree

# Counted against commanded flow (SR-ACC-03 to SR-ACC-10).
FLOW_PERCENT = 10
FLOW_NL_H = 500000  # or so much, where that is less, for a basal rate
FLOW_BASAL_S = 300
FLOW_BOLUS_S = 10
FLOW_TIMED_S = 60

# Flow sensor SLF3S-1300F: 500 counts to 1 mL/min. Its own error is 5 % of the flow, or 0.2 % of 40 mL/min where that is
# more; what line and stopper hold back or give back is no error of anybody.
METER_NL_H_PER_COUNT = 120000
METER_PERCENT = 20
METER_FLOOR_NL_H = 5000000
METER_SLACK_NL = 150000
METER_HOLD_S = 30

NEAR_EMPTY_MIN = (3, 10, 30)  # minutes ahead to choose from
PAUSED_S = 600  # SR-ALARM-10
STAGED_S = 600  # SR-UI-09: a program that is loaded and not started
REPEATS = 3  # SR-STOP-06: the same alarm, stop and start, so often
REPEATS_S = 600

# Filling or flushing the line: how fast, and for how long at most (SR-PRIME-02): 6.7 mL, more than a long line holds.
PRIME_NL_H = 200000000
PRIME_S = 120

# Drawing liquid into the syringe: how fast, and the fall of the pressure at which its line counts as shut (SR-OCC-02):
# 1 psi, four times what a meter of 1 mm bore takes at this rate.
REFILL_NL_H = 100000000
REFILL_FALL_PA = 6900

# Hold rate after completion or for an alarm that asks for it; 0 until a drug library sets one (SR-KVO-01).
KVO_NL_H = 0
KVO_NL = 1000000
KVO_MS = 3600000

CONTROL_PERIOD_MS = 100
# Longer than the loop may stand still: 1000 ms where a host stops reading in mid-line, 850 ms for the slowest flash.
# The motor does not wait for it: it starves within 250 ms of the last feed.
WATCHDOG_MS = 1500
LINK_TIMEOUT_MS = 15000
STATUS_PERIOD_MS = 1000
