"""Why each alarm has its priority: what may come of its condition, and how soon (SR-ALARM-03).

The firmware's table says the priority and no more; here stands what it follows from. The harm is that to an experiment
and its bench, never to a person. `PRIORITIES` are the nine cells of IEC 60601-1-8, where one of them leaves a choice.
tests/core/test_alarms.py holds both tables against each other.
"""

from pump.core.alarms import HIGH, LOW, MEDIUM

# What may come of it: a run that is wrong and does not look so, one that is spoilt or spilt, one that is delayed.
WRONG_DOSE, SPOILT_RUN, DELAY = "wrong dose", "spoilt run", "delay"
# How soon, if nobody acts: within seconds, within minutes, later.
IMMEDIATE, PROMPT, DELAYED = "seconds", "minutes", "later"

PRIORITIES = {
    (WRONG_DOSE, IMMEDIATE): HIGH,
    (WRONG_DOSE, PROMPT): HIGH,
    (WRONG_DOSE, DELAYED): MEDIUM,
    (SPOILT_RUN, IMMEDIATE): HIGH,
    (SPOILT_RUN, PROMPT): MEDIUM,
    (SPOILT_RUN, DELAYED): LOW,
    (DELAY, IMMEDIATE): MEDIUM,
    (DELAY, PROMPT): LOW,
    (DELAY, DELAYED): LOW,
}

# alarm: (harm, onset). The motor's own reaction counts: what it has stopped does no more than delay or spoil a run.
HARMS = {
    "MOTOR_FAULT": (WRONG_DOSE, IMMEDIATE),
    "OVER_DELIVERY": (WRONG_DOSE, PROMPT),
    "GUARD_OPEN": (WRONG_DOSE, IMMEDIATE),
    "OCCLUSION": (SPOILT_RUN, PROMPT),
    "LINE_DISCONNECTED": (SPOILT_RUN, PROMPT),
    "UPSTREAM_OCCLUSION": (SPOILT_RUN, PROMPT),
    "AIR_IN_LINE": (SPOILT_RUN, PROMPT),
    "SYRINGE_EMPTY": (SPOILT_RUN, PROMPT),
    "SYRINGE_MISSING": (SPOILT_RUN, PROMPT),
    "SENSOR_FAULT": (SPOILT_RUN, PROMPT),
    "OVERHEATED": (SPOILT_RUN, PROMPT),
    "REPEATED_ALARM": (SPOILT_RUN, PROMPT),
    "LINK_LOST": (WRONG_DOSE, DELAYED),
    "BATTERY_DEPLETED": (DELAY, PROMPT),
    "SUPPLY_HIGH": (DELAY, PROMPT),
    "SELF_TEST_FAILED": (DELAY, PROMPT),
    "MEMORY_FAULT": (DELAY, PROMPT),
    "WATCHDOG_RESET": (DELAY, PROMPT),
    "POWER_INTERRUPTED": (DELAY, PROMPT),
    "FILLING_FAILED": (DELAY, PROMPT),
    "DOSE_LIMIT": (DELAY, PROMPT),
    "RESERVOIR_LOW": (DELAY, PROMPT),
    "UNDER_DELIVERY": (SPOILT_RUN, DELAYED),
    "BATTERY_LOW": (SPOILT_RUN, DELAYED),
    "NEAR_EMPTY": (SPOILT_RUN, DELAYED),
    "STUCK_KEY": (DELAY, DELAYED),
    "PAUSED_TOO_LONG": (DELAY, DELAYED),
    "IDLE_TOO_LONG": (DELAY, DELAYED),
    "LIBRARY_MISSING": (SPOILT_RUN, DELAYED),
    "INFUSION_COMPLETE": (DELAY, DELAYED),
}
