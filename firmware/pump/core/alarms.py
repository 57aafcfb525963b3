"""Every alarm the pump can raise, as one table: priority, effect on the motor, how it ends, what a person should do
(SR-ALARM-04, SR-ALARM-05).

An alarm is in force from its condition on. A latching one stays until the condition is over and a person has
acknowledged it; a passing one goes with its condition. A condition that is still true keeps its alarm whatever is
acknowledged. When several are in force the lowest motor effect and the highest priority win (SR-ALARM-06). Alarms
travel as one bit each (`BITS`), so a control tick compares two small integers and nothing more.
"""

TYPE_CHECKING = False  # MicroPython has no typing
if TYPE_CHECKING:
    from typing import Final

LOW, MEDIUM, HIGH = 1, 2, 3
# Effect on the motor: FAULT, ALARM, KVO, unchanged (SR-ALARM-08).
STOP_FOR_GOOD, STOP, HOLD, KEEP = 0, 1, 2, 3
PASSING, LATCHING = 0, 1

# fmt: off
ALARMS: dict[str, tuple[int, int, int, str, str, tuple[str, ...]]] = {
    # name: (priority, effect, latching, what ends the condition, text for a person, requirements)
    "MOTOR_FAULT": (
        HIGH, STOP_FOR_GOOD, LATCHING, "a power cycle",
        "The count of pulses is wrong, or the motor driver reports a fault: the log says. Switch off, check both.",
        ("SR-DIAG-14", "SR-ACC-10")),
    "OVER_DELIVERY": (
        HIGH, STOP, LATCHING, "the motor being off",
        "More was pumped than the rate asks for. Clamp the line, check syringe and driver, then acknowledge.",
        ("SR-ACC-03", "SR-ACC-05", "SR-ACC-06")),
    "GUARD_OPEN": (
        HIGH, STOP, LATCHING, "a closed guard",
        "The guard is open and the plunger free: clamp the line, close the guard, then acknowledge and resume.",
        ("SR-MECH-01", "SR-ACC-04")),
    "OCCLUSION": (
        MEDIUM, STOP, LATCHING, "pressure at half the limit or less",
        "Pressure is too high: open the clamp or clear the line, then acknowledge and resume.",
        ("SR-OCC-01", "SR-OCC-03")),
    "LINE_DISCONNECTED": (
        MEDIUM, STOP, LATCHING, "the motor being off",
        "Pressure has fallen at once: connect line and syringe, then acknowledge and resume.",
        ("SR-OCC-06",)),
    "UPSTREAM_OCCLUSION": (
        MEDIUM, STOP, LATCHING, "the motor being off",
        "The syringe draws in nothing: open the clamp, put the end of the line into liquid, then acknowledge.",
        ("SR-OCC-02",)),
    "AIR_IN_LINE": (
        MEDIUM, STOP, LATCHING, "liquid at the detector, and an acknowledged sum of the hour",
        "There is air in the line: clamp it, remove the air, then acknowledge and resume.",
        ("SR-AIR-01",)),
    "SYRINGE_EMPTY": (
        MEDIUM, STOP, LATCHING, "a newly declared syringe",
        "The syringe is empty: fit a full one, declare it, acknowledge and resume.",
        ("SR-RES-06",)),
    "SYRINGE_MISSING": (
        MEDIUM, STOP, LATCHING, "a syringe in its place",
        "There is no syringe in its holder: fit it, then acknowledge and resume.",
        ("SR-RES-07",)),
    "SENSOR_FAULT": (
        MEDIUM, STOP, LATCHING, "readings that can be true",
        "A sensor reads what cannot be true: check its plug and its supply, then acknowledge.",
        ("SR-DIAG-13",)),
    "OVERHEATED": (
        MEDIUM, STOP, LATCHING, "5 degrees below the limit",
        "The pump is too hot: let it cool down, then acknowledge and resume.",
        ("SR-ALARM-09",)),
    "REPEATED_ALARM": (
        MEDIUM, STOP, LATCHING, "the acknowledgement",
        "The same alarm was followed by a restart too often: find its cause before you acknowledge.",
        ("SR-STOP-06",)),
    "LINK_LOST": (
        MEDIUM, KEEP, LATCHING, "a good line from the host",
        "The host has fallen silent; the program goes on by itself. See to host and cable, or stop at the pump.",
        ("SR-LINK-06",)),
    "BATTERY_DEPLETED": (
        LOW, STOP, LATCHING, "a supply in its window",
        "The supply is too low to pump: replace it or charge the battery, then acknowledge and resume.",
        ("SR-POWER-02",)),
    "SUPPLY_HIGH": (
        LOW, STOP, LATCHING, "a supply in its window",
        "The supply voltage is too high: replace it, then acknowledge and resume.",
        ("SR-POWER-02",)),
    "SELF_TEST_FAILED": (
        LOW, STOP_FOR_GOOD, LATCHING, "a power cycle",
        "A part of the pump failed its test; the log names it. Do not use the pump before it is mended.",
        ("SR-POST-01", "SR-POST-05", "SR-DIAG-01", "SR-DIAG-02", "SR-DIAG-03", "SR-DIAG-11")),
    "MEMORY_FAULT": (
        LOW, STOP, LATCHING, "a write that succeeds, or the acknowledgement of damaged records",
        "The pump cannot keep its records, or found some damaged; the log says which. Save the log, then acknowledge.",
        ("SR-LOG-09", "SR-LIB-10")),
    "WATCHDOG_RESET": (
        LOW, STOP, LATCHING, "the acknowledgement",
        "The controller hung and was restarted; the infusion is lost. Acknowledge, then load the program anew.",
        ("SR-DIAG-06", "SR-DIAG-08", "SR-POWER-01")),
    "POWER_INTERRUPTED": (
        LOW, STOP, LATCHING, "the acknowledgement",
        "Power failed during an infusion. Look up what was delivered, acknowledge, then load what is left.",
        ("SR-POWER-01",)),
    "FILLING_FAILED": (
        LOW, STOP, LATCHING, "the acknowledgement",
        "Line or syringe was not filled: look for a leak, a shut line or a plunger that stands, then acknowledge.",
        ("SR-PRIME-02", "SR-RES-10",)),
    "DOSE_LIMIT": (
        LOW, HOLD, LATCHING, "room in every dose window",
        "The dose of the last hours is at the limit of the drug library. Acknowledge and resume when it has fallen.",
        ("SR-DOSE-03", "SR-DOSE-04")),
    "RESERVOIR_LOW": (
        LOW, HOLD, LATCHING, "a newly declared syringe",
        "The syringe is at its low mark: fit a full one, declare it, then resume.",
        ("SR-RES-05",)),
    "UNDER_DELIVERY": (
        LOW, KEEP, LATCHING, "the set flow, or the motor being off",
        "Less is pumped than the rate asks for: check motor, driver and supply.",
        ("SR-ACC-07", "SR-ACC-08", "SR-ACC-09", "SR-ACC-10")),
    "BATTERY_LOW": (
        LOW, KEEP, PASSING, "a supply above the low mark",
        "The supply is getting low: replace it or charge the battery soon.",
        ("SR-POWER-02",)),
    "NEAR_EMPTY": (
        LOW, KEEP, PASSING, "a newly declared syringe, or a lower rate",
        "The syringe will soon be empty: have a full one ready.",
        ("SR-RES-05",)),
    "STUCK_KEY": (
        LOW, KEEP, PASSING, "the key being let go",
        "A key has been down for a minute: let it go, or have it mended.",
        ("SR-UI-13",)),
    "PAUSED_TOO_LONG": (
        LOW, KEEP, PASSING, "resume or stop",
        "The infusion has been paused for long: resume or stop it.",
        ("SR-ALARM-10",)),
    "IDLE_TOO_LONG": (
        LOW, KEEP, LATCHING, "the acknowledgement",
        "A program waited too long for its start and was dropped: load it anew.",
        ("SR-UI-09",)),
    "LIBRARY_MISSING": (
        LOW, KEEP, PASSING, "the end of the program",
        "No drug library entry stands behind this program. Watch it: only the limits of board and syringe protect it.",
        ("SR-LIB-14",)),
    "INFUSION_COMPLETE": (
        LOW, KEEP, LATCHING, "the acknowledgement",
        "The program is delivered: take the syringe out or load the next, and acknowledge.",
        ("SR-LINK-02",)),
}
# fmt: on

PRIORITY: "Final" = 0
EFFECT: "Final" = 1
LATCH: "Final" = 2
ENDS: "Final" = 3
TEXT: "Final" = 4
REQUIREMENTS: "Final" = 5
NAMES = sorted(ALARMS, key=lambda name: (-ALARMS[name][PRIORITY], name))  # highest priority first
BITS = {name: 1 << i for i, name in enumerate(NAMES)}
_NAME_OF = {BITS[name]: name for name in NAMES}
PASSING_BITS = sum([BITS[name] for name in NAMES if ALARMS[name][LATCH] == PASSING])


def named(bits: int) -> list[str]:
    """Names of the alarms in a bit set, highest priority first."""
    names = []
    while bits:
        lowest = bits & -bits
        names.append(_NAME_OF[lowest])
        bits ^= lowest
    return names


def lowest_effect(bits: int) -> int:
    """The lowest motor effect among the alarms in a bit set; KEEP for none."""
    effect = KEEP
    for name in named(bits):
        effect = min(effect, ALARMS[name][EFFECT])
    return effect


def highest_priority(bits: int) -> int:
    """The highest priority among the alarms in a bit set; 0 for none."""
    names = named(bits)
    return ALARMS[names[0]][PRIORITY] if names else 0
