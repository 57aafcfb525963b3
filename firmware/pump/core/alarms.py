"""Every alarm the pump can raise, as one table: priority, effect on the motor, what a person should do.

An alarm is in force from its condition until the condition is over and a person has acknowledged it. When several
are in force the lowest motor effect wins. Alarms travel as one bit each (`BITS`), so a control tick compares two
small integers and nothing more.
"""

TYPE_CHECKING = False  # MicroPython has no typing
if TYPE_CHECKING:
    from typing import Final

LOW, MEDIUM, HIGH = 1, 2, 3
STOP_FOR_GOOD, STOP, HOLD, KEEP = 0, 1, 2, 3  # effect on the motor: FAULT, ALARM, KVO, unchanged

# fmt: off
ALARMS: dict[str, tuple[int, int, str, tuple[str, ...]]] = {
    # name:               (priority, effect,      text for a person, requirements)
    "MOTOR_FAULT":         (HIGH,   STOP_FOR_GOOD, "The pulses counted at the motor differ from those asked for. "
                                                   "Switch the pump off and check wiring and driver.",
                            ("SR-DIAG-14", "SR-ACC-10")),
    "WATCHDOG_RESET":      (HIGH,   STOP,          "The controller hung and was restarted; the infusion is lost. "
                                                   "Acknowledge, then load the program anew.",
                            ("SR-DIAG-06", "SR-DIAG-08", "SR-POWER-01")),
    "OCCLUSION":           (MEDIUM, STOP,          "Pressure is too high: open the clamp or clear the line, "
                                                   "then acknowledge and resume.",
                            ("SR-OCC-01", "SR-OCC-03")),
    "SYRINGE_EMPTY":       (MEDIUM, STOP,          "The syringe is empty: fit a full one, declare it, acknowledge and "
                                                   "resume.",
                            ("SR-RES-06",)),
    "LINK_LOST":           (MEDIUM, KEEP,          "The host has fallen silent; the program goes on by itself.",
                            ("SR-LINK-06",)),
    "INFUSION_COMPLETE":   (LOW,    KEEP,          "The program is delivered.", ("SR-LINK-02",)),
}
# fmt: on

PRIORITY: "Final" = 0
EFFECT: "Final" = 1
TEXT: "Final" = 2
REQUIREMENTS: "Final" = 3
NAMES = sorted(ALARMS, key=lambda name: (-ALARMS[name][PRIORITY], name))  # highest priority first
BITS = {name: 1 << i for i, name in enumerate(NAMES)}


def named(bits: int) -> list[str]:
    """Names of the alarms in a bit set, highest priority first."""
    return [name for name in NAMES if bits & BITS[name]]


def lowest_effect(bits: int) -> int:
    """The lowest motor effect among the alarms in a bit set; KEEP for none."""
    effect = KEEP
    for name in NAMES:
        if bits & BITS[name]:
            effect = min(effect, ALARMS[name][EFFECT])
    return effect
