"""The safety machine: one table. Outputs belong to states, so "when may the motor run" is the first column.

A command that a state does not list is refused; any other event that it does not list leads to FAULT (`after`).
The pump decides from it; host and docs read the same rows.
"""

TYPE_CHECKING = False  # MicroPython has no typing
if TYPE_CHECKING:
    from typing import Final

OFF, RUN = 0, 1
QUIET, NOTICE, URGENT = 0, 1, 2

# Requests of a person or host: refused where they are not listed.
COMMANDS = ("LOAD", "CONFIRM", "START", "PAUSE", "RESUME", "STOP", "BOLUS", "ACKNOWLEDGE", "FIT_SYRINGE")

# What happens by itself. HALT: an alarm that turns the motor off. FAIL: one that only a power cycle ends.
EVENTS = ("SELF_TEST_PASSED", "BOLUS_DONE", "PROGRAM_DONE", "KVO_DONE", "HALT", "FAIL", "CLEARED")

# fmt: off
STATES: dict[str, tuple[int, int, dict[str, str]]] = {
    # state:   (motor, signal, {event: next})
    "BOOT":     (OFF, QUIET,  {"SELF_TEST_PASSED": "IDLE", "STOP": "BOOT", "HALT": "ALARM", "FAIL": "FAULT"}),
    "IDLE":     (OFF, QUIET,  {"LOAD": "IDLE", "CONFIRM": "READY", "FIT_SYRINGE": "IDLE", "ACKNOWLEDGE": "IDLE",
                               "STOP": "IDLE", "HALT": "ALARM", "FAIL": "FAULT"}),
    "READY":    (OFF, QUIET,  {"LOAD": "IDLE", "FIT_SYRINGE": "IDLE", "ACKNOWLEDGE": "READY", "START": "INFUSING",
                               "STOP": "IDLE", "HALT": "ALARM", "FAIL": "FAULT"}),
    "INFUSING": (RUN, QUIET,  {"PAUSE": "PAUSED", "BOLUS": "BOLUS", "ACKNOWLEDGE": "INFUSING", "STOP": "IDLE",
                               "PROGRAM_DONE": "KVO", "HALT": "ALARM", "FAIL": "FAULT"}),
    "BOLUS":    (RUN, QUIET,  {"PAUSE": "PAUSED", "BOLUS_DONE": "INFUSING", "ACKNOWLEDGE": "BOLUS", "STOP": "IDLE",
                               "PROGRAM_DONE": "KVO", "HALT": "ALARM", "FAIL": "FAULT"}),
    "KVO":      (RUN, NOTICE, {"ACKNOWLEDGE": "KVO", "STOP": "IDLE", "KVO_DONE": "IDLE", "HALT": "ALARM",
                               "FAIL": "FAULT"}),
    "PAUSED":   (OFF, NOTICE, {"RESUME": "INFUSING", "FIT_SYRINGE": "PAUSED", "ACKNOWLEDGE": "PAUSED", "STOP": "IDLE",
                               "HALT": "ALARM", "FAIL": "FAULT"}),
    "ALARM":    (OFF, URGENT, {"ACKNOWLEDGE": "PAUSED", "CLEARED": "IDLE", "STOP": "IDLE", "FIT_SYRINGE": "ALARM",
                               "HALT": "ALARM", "FAIL": "FAULT"}),
    "FAULT":    (OFF, URGENT, {"STOP": "FAULT", "HALT": "FAULT", "FAIL": "FAULT"}),  # only a power cycle leads out
}
# fmt: on

MOTOR: "Final" = 0
SIGNAL: "Final" = 1
NEXT: "Final" = 2


def allows(state: str, command: str) -> bool:
    """Whether the command is listed for the state."""
    return command in STATES[state][NEXT]


def after(state: str, event: str) -> "str | None":
    """The next state, or None for a command that must be refused. An unlisted event that is no command: FAULT."""
    return STATES[state][NEXT].get(event, None if event in COMMANDS else "FAULT")


def states_of(command: str) -> list[str]:
    """The states in which a command is listed, by name: MicroPython's dicts keep no order."""
    return sorted([state for state in STATES if allows(state, command)])
