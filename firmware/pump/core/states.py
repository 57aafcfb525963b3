"""The safety machine: one table. Outputs belong to states, so "when may the motor run" is the first column.

No state but those that run moves it (SR-RATE-08). A command that a state does not list is refused; any other event
that it does not list leads to FAULT (`after`). So a program under way cannot be changed (SR-RATE-07, SR-UI-06), and no
second bolus begins during one (SR-BOLUS-11).
The pump decides from it; host and docs read the same rows.
"""

TYPE_CHECKING = False  # MicroPython has no typing
if TYPE_CHECKING:
    from typing import Final

# RUN: forward, but for FILLING. RELIEVE: only the bounded backward move after an occlusion.
OFF, RUN, RELIEVE = 0, 1, 2
QUIET, NOTICE, URGENT = 0, 1, 2

# Requests of a person or host: refused where they are not listed.
# HAZARD: somebody else's monitor asks for the hold rate. CONFIGURE: settings or drug library. PRIME: fill the line, or
# flush it, with nobody at its end. REFILL: draw liquid into the syringe.
COMMANDS = (
    "LOAD",
    "CONFIRM",
    "START",
    "PAUSE",
    "RESUME",
    "STOP",
    "BOLUS",
    "ADJUST",
    "ACKNOWLEDGE",
    "FIT_SYRINGE",
    "HAZARD",
    "CONFIGURE",
    "PRIME",
    "REFILL",
)

# What happens by itself. HALT: an alarm that turns the motor off. HOLD: one that asks for the hold rate (KVO).
# FAIL: one that only a power cycle ends. HOLD_DONE: the hold has run its time with a program still waiting.
# EXPIRED: a program waited too long for its start. FILLED: the syringe has drawn in what was asked for.
EVENTS = (
    "SELF_TEST_PASSED",
    "BOLUS_DONE",
    "PROGRAM_DONE",
    "KVO_DONE",
    "HOLD_DONE",
    "EXPIRED",
    "FILLED",
    "HOLD",
    "HALT",
    "FAIL",
    "CLEARED",
)

# fmt: off
STATES: dict[str, tuple[int, int, dict[str, str]]] = {
    # state:   (motor, signal, {event: next})
    "BOOT":     (OFF, QUIET,  {"SELF_TEST_PASSED": "IDLE", "STOP": "BOOT",
                               "HOLD": "BOOT", "HALT": "ALARM", "FAIL": "FAULT"}),
    "IDLE":     (OFF, QUIET,  {"LOAD": "IDLE", "CONFIRM": "READY", "FIT_SYRINGE": "IDLE", "ACKNOWLEDGE": "IDLE",
                               "CONFIGURE": "IDLE", "EXPIRED": "IDLE", "PRIME": "PRIMING", "REFILL": "FILLING",
                               "STOP": "IDLE", "HOLD": "IDLE", "HALT": "ALARM", "FAIL": "FAULT"}),
    "READY":    (OFF, QUIET,  {"LOAD": "IDLE", "FIT_SYRINGE": "IDLE", "ACKNOWLEDGE": "READY", "START": "INFUSING",
                               "EXPIRED": "IDLE",
                               "STOP": "IDLE", "HOLD": "READY", "HALT": "ALARM", "FAIL": "FAULT"}),
    "INFUSING": (RUN, QUIET,  {"PAUSE": "PAUSED", "BOLUS": "BOLUS", "ACKNOWLEDGE": "INFUSING", "PROGRAM_DONE": "KVO",
                               "ADJUST": "INFUSING", "HAZARD": "KVO",
                               "STOP": "IDLE", "HOLD": "KVO", "HALT": "ALARM", "FAIL": "FAULT"}),
    "BOLUS":    (RUN, QUIET,  {"PAUSE": "PAUSED", "BOLUS_DONE": "INFUSING", "ACKNOWLEDGE": "BOLUS",
                               "PROGRAM_DONE": "KVO", "HAZARD": "KVO",
                               "STOP": "IDLE", "HOLD": "KVO", "HALT": "ALARM", "FAIL": "FAULT"}),
    "KVO":      (RUN, NOTICE, {"PAUSE": "PAUSED", "RESUME": "INFUSING", "ACKNOWLEDGE": "KVO", "KVO_DONE": "IDLE",
                               "HOLD_DONE": "PAUSED", "HAZARD": "KVO",
                               "STOP": "IDLE", "HOLD": "KVO", "HALT": "ALARM", "FAIL": "FAULT"}),
    "PRIMING":  (RUN, NOTICE, {"ACKNOWLEDGE": "PRIMING",
                               "STOP": "IDLE", "HOLD": "PRIMING", "HALT": "ALARM", "FAIL": "FAULT"}),
    "FILLING":  (RUN, NOTICE, {"ACKNOWLEDGE": "FILLING", "FILLED": "IDLE",
                               "STOP": "IDLE", "HOLD": "FILLING", "HALT": "ALARM", "FAIL": "FAULT"}),
    "PAUSED":   (OFF, NOTICE, {"RESUME": "INFUSING", "FIT_SYRINGE": "PAUSED", "ACKNOWLEDGE": "PAUSED",
                               "STOP": "IDLE", "HOLD": "PAUSED", "HALT": "ALARM", "FAIL": "FAULT"}),
    "ALARM":    (RELIEVE, URGENT, {"ACKNOWLEDGE": "PAUSED", "CLEARED": "IDLE", "FIT_SYRINGE": "ALARM",
                               "STOP": "IDLE", "HOLD": "ALARM", "HALT": "ALARM", "FAIL": "FAULT"}),
    "FAULT":    (OFF, URGENT, {"STOP": "FAULT", "HOLD": "FAULT", "HALT": "FAULT", "FAIL": "FAULT"}),  # power cycle only
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
