"""The safety table: what must hold in every cell, rows written out by hand, and a mutation of every cell (D5)."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from pump.core import states
from pump.core.states import COMMANDS, EVENTS, NOTICE, OFF, QUIET, RELIEVE, RUN, STATES, URGENT

Table = dict[str, tuple[int, int, dict[str, str]]]

# Written from the requirements, not from the table. A state: motor, signal, and where each listed event leads.
ALWAYS = "HALT>ALARM FAIL>FAULT"
BY_HAND: dict[str, tuple[int, int, str]] = {
    "BOOT": (OFF, QUIET, f"SELF_TEST_PASSED>IDLE STOP>BOOT HOLD>BOOT {ALWAYS}"),
    "IDLE": (
        *(OFF, QUIET),
        f"LOAD>IDLE CONFIRM>READY FIT_SYRINGE>IDLE ACKNOWLEDGE>IDLE STOP>IDLE HOLD>IDLE "
        f"CONFIGURE>IDLE EXPIRED>IDLE PRIME>PRIMING REFILL>FILLING {ALWAYS}",
    ),
    "READY": (
        *(OFF, QUIET),
        f"LOAD>IDLE FIT_SYRINGE>IDLE ACKNOWLEDGE>READY START>INFUSING STOP>IDLE HOLD>READY EXPIRED>IDLE {ALWAYS}",
    ),
    "INFUSING": (
        *(RUN, QUIET),
        f"PAUSE>PAUSED BOLUS>BOLUS ADJUST>INFUSING ACKNOWLEDGE>INFUSING STOP>IDLE PROGRAM_DONE>KVO HOLD>KVO "
        f"HAZARD>KVO {ALWAYS}",
    ),
    "BOLUS": (
        *(RUN, QUIET),
        f"PAUSE>PAUSED BOLUS_DONE>INFUSING ACKNOWLEDGE>BOLUS STOP>IDLE PROGRAM_DONE>KVO HOLD>KVO HAZARD>KVO {ALWAYS}",
    ),
    "KVO": (
        *(RUN, NOTICE),
        f"PAUSE>PAUSED RESUME>INFUSING ACKNOWLEDGE>KVO STOP>IDLE KVO_DONE>IDLE HOLD_DONE>PAUSED HOLD>KVO "
        f"HAZARD>KVO {ALWAYS}",
    ),
    "PRIMING": (RUN, NOTICE, f"ACKNOWLEDGE>PRIMING STOP>IDLE HOLD>PRIMING {ALWAYS}"),
    "FILLING": (RUN, NOTICE, f"ACKNOWLEDGE>FILLING FILLED>IDLE STOP>IDLE HOLD>FILLING {ALWAYS}"),
    "PAUSED": (
        *(OFF, NOTICE),
        f"RESUME>INFUSING FIT_SYRINGE>PAUSED ACKNOWLEDGE>PAUSED STOP>IDLE HOLD>PAUSED {ALWAYS}",
    ),
    "ALARM": (
        *(RELIEVE, URGENT),
        f"ACKNOWLEDGE>PAUSED CLEARED>IDLE STOP>IDLE FIT_SYRINGE>ALARM HOLD>ALARM {ALWAYS}",
    ),
    "FAULT": (OFF, URGENT, "STOP>FAULT HOLD>FAULT HALT>FAULT FAIL>FAULT"),
}
MAY_RUN = {"INFUSING", "BOLUS", "KVO", "PRIMING", "FILLING"}
STARTS = {("READY", "START"), ("PAUSED", "RESUME"), ("IDLE", "PRIME"), ("IDLE", "REFILL")}


def rows_differ(table: Table) -> list[str]:
    """Where a table is not the one written by hand."""
    found = []
    for state, (motor, signal, moves) in BY_HAND.items():
        wanted = dict(move.split(">") for move in moves.split())
        if table.get(state) != (motor, signal, wanted):
            found.append(state)
    return found + sorted(set(table) - set(BY_HAND))


def broken_invariants(table: Table) -> list[str]:
    """What must hold whatever the rows are."""
    found = []
    running = {state for state, row in table.items() if row[0] == RUN}
    if running != MAY_RUN:
        found.append(f"the motor may run in {running}")
    if {state for state, row in table.items() if row[0] == RELIEVE} != {"ALARM"}:
        found.append("only an alarm may back off")
    for state, (_, _, moves) in table.items():
        for event, following in moves.items():
            if following not in table:
                found.append(f"{state}: {event} leads nowhere")
            starts = following in running and state not in running
            if starts and (state, event) not in STARTS:
                found.append(f"{state}: {event} starts the motor")
            if event in ("STOP", "PAUSE", "HALT", "FAIL") and following in running:
                found.append(f"{state}: {event} does not stop the motor")
        if "STOP" not in moves:
            found.append(f"{state}: stop is not legal")
        if state != "FAULT" and moves.get("FAIL") != "FAULT":
            found.append(f"{state}: FAIL does not lead to FAULT")
    if set(table["FAULT"][2].values()) != {"FAULT"}:
        found.append("there is a way out of FAULT")
    reached = {"BOOT"}
    for _ in table:
        reached |= {following for state in reached for following in table[state][2].values()}
    if reached != set(table):
        found.append(f"not reachable: {set(table) - reached}")
    return found


def mutants() -> Iterator[tuple[str, Table]]:
    """Every cell retargeted, dropped or added; every output changed; every row dropped."""
    for state in STATES:
        motor, signal, moves = STATES[state]
        for event in (*COMMANDS, *EVENTS):
            for following in (*STATES, None):
                if following != moves.get(event):
                    table: dict[str, Any] = copy.deepcopy(STATES)
                    if following is None:
                        del table[state][2][event]
                    else:
                        table[state][2][event] = following
                    yield f"{state}: {event} > {following}", table
        for other in (OFF, RUN, RELIEVE):
            if other != motor:
                yield f"{state}: motor {other}", {**STATES, state: (other, signal, moves)}
        for other in (QUIET, NOTICE, URGENT):
            if other != signal:
                yield f"{state}: signal {other}", {**STATES, state: (motor, other, moves)}
        yield f"{state}: gone", {name: row for name, row in STATES.items() if name != state}


def caught(table: Table) -> bool:
    try:
        return bool(rows_differ(table) or broken_invariants(table))
    except KeyError:
        return True


@pytest.mark.requirement("SR-BOLUS-06", "SR-BOLUS-11", "SR-UI-06")
def test_rows_are_those_written_from_the_requirements() -> None:
    assert rows_differ(STATES) == []


@pytest.mark.requirement("SR-RATE-08")
@pytest.mark.requirement("SR-STOP-02")
def test_invariants_hold_in_every_cell() -> None:
    assert broken_invariants(STATES) == []


def test_every_mutant_is_caught() -> None:
    all_mutants = list(mutants())
    escaped = [name for name, table in all_mutants if not caught(table)]
    print(f"state table mutants caught: {len(all_mutants) - len(escaped)}/{len(all_mutants)}")
    assert escaped == []


def test_invariants_alone_catch_every_mutant_that_starts_or_keeps_the_motor() -> None:
    """The hand-written rows would catch anything; what could hurt must fail without them too."""
    for name, table in mutants():
        for state, (motor, _, moves) in table.items():
            for event, following in moves.items():
                runs = following in table and table[following][0] == RUN
                starts = runs and motor != RUN and (state, event) not in STARTS
                if starts or (runs and event in ("STOP", "PAUSE", "HALT", "FAIL")):
                    assert broken_invariants(table), name


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("event", [*COMMANDS, *EVENTS])
def test_what_is_not_listed_is_refused_or_a_fault(state: str, event: str) -> None:
    listed = STATES[state][2].get(event)
    unlisted = None if event in COMMANDS else "FAULT"
    assert states.after(state, event) == (listed or unlisted)
    assert states.allows(state, event) == (listed is not None)
