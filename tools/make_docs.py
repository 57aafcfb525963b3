"""Writes the pages that are generated: docs/link.md, docs/safety.md and the wiring of each boards/<name>/README.md.

The facts come from the firmware's own tables, the sentences from tools/templates. The same tables give the same bytes.
With --check nothing is written: every page that is stale is named, and the exit code is 1.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import alarm_harms
from jinja2 import Environment, FileSystemLoader, StrictUndefined

import traceability
from hil.boards import board_data
from pump.core import alarms, chain, courses, framing, housekeeping, states, syringes, wire
from titrate import client

ROOT = Path(__file__).resolve().parents[1]
BEGIN = "<!-- wiring: written by tools/make_docs.py from board.py -->\n"
END = "<!-- end of wiring -->\n"

# A name of the tables in words. One that is missing here ends the run with its name: word it.
MOTOR = {"OFF": "off", "RUN": "may run", "RELIEVE": "back only, to relieve pressure"}
SIGNAL = {"QUIET": "quiet", "NOTICE": "notice", "URGENT": "urgent"}
PRIORITY = {"LOW": "low", "MEDIUM": "medium", "HIGH": "high"}
LATCH = {"PASSING": "with its condition", "LATCHING": "when its condition is over and it is acknowledged"}
EFFECT = {
    "STOP_FOR_GOOD": "off until a power cycle (`FAIL`)",
    "STOP": "off (`HALT`)",
    "HOLD": "down to the hold rate (`HOLD`)",
    "KEEP": "unchanged",
}
WIRES = {
    "step": "STEP of the motor driver: one pulse is one microstep; the odometer counts at the same pin",
    "direction": "DIR of the motor driver: low is forward",
    "enable": "EN of the motor driver: low turns it on",
    "driver_tx": "PDN_UART of the TMC2209, through 1 kΩ",
    "driver_rx": "PDN_UART of the TMC2209, directly",
    "driver_fault": "nFAULT of the motor driver: low while something is wrong",
    "load_data": "DOUT of the HX711",
    "load_clock": "PD_SCK of the HX711",
    "sda": "SDA of the I²C parts, 4.7 kΩ to 3.3 V",
    "scl": "SCL of the I²C parts, 4.7 kΩ to 3.3 V",
    "stop": "stop key, to ground",
    "start": "start key, to ground",
    "bolus": "bolus key, to ground",
    "mute": "mute key, to ground",
    "syringe": "switch that a fitted syringe closes to ground",
    "guard": "switch that the closed guard or plunger catch closes to ground; without one, a wire to ground",
    "buzzer": "piezo buzzer, driven with a tone",
    "red": "red light, wired to shine at a low level, with 1 kΩ to ground, so that it shines while no program runs",
    "yellow": "yellow light, shines at a high level",
    "cyan": "cyan light, shines at a high level",
    "air": "air detector: pulls low while it sees liquid; open or unplugged reads as air",
    "battery": "supply of motor and board, behind a divider of 1 to 5.55",
    "pressure": "output of the pressure sensor, behind its divider",
}


def words(module: Any, names: dict[str, str]) -> dict[int, str]:
    """The values of a module's constants, in words."""
    return {getattr(module, name): text for name, text in names.items()}


def moves(state: str) -> Iterator[tuple[str, list[str]]]:
    """(next state, events that lead there), loops left out, in the table's order."""
    following: dict[str, list[str]] = {}
    for event in (*states.COMMANDS, *states.EVENTS):
        after = states.STATES[state][states.NEXT].get(event, state)
        if after != state:
            following.setdefault(after, []).append(event)
    yield from following.items()


def crowded() -> dict[str, tuple[str, list[str]]]:
    """Events that lead from nearly every state to the same one: event: (next state, from where). Told, not drawn."""
    found = {}
    for event in states.EVENTS:
        starts = [name for name in states.STATES if event in [e for _, group in moves(name) for e in group]]
        ends = {states.STATES[name][states.NEXT][event] for name in starts}
        if len(ends) == 1 and len(starts) >= len(states.STATES) - 2:
            found[event] = (ends.pop(), starts)
    return found


def diagram() -> str:
    """The table as a mermaid state diagram."""
    told = crowded()
    lines = ["stateDiagram-v2", f"    [*] --> {next(iter(states.STATES))}"]
    for state in states.STATES:
        for after, events in moves(state):
            drawn = [event for event in events if event not in told]
            if drawn:
                lines.append(f"    {state} --> {after}: {', '.join(drawn)}")
    return "\n".join(lines)


def wiring_facts(name: str) -> dict[str, Any]:
    """What the template of the wiring needs of a board."""
    board = board_data(name)

    def nominal(key: str) -> tuple[int, int]:
        return syringes.step_volume_pl(key, board.LEAD_UM, board.STEPS_PER_TURN)

    pump = SimpleNamespace(board=board, step_volume_of=nominal)
    fitted = []
    for key in sorted(syringes.SYRINGES, key=lambda key: syringes.SYRINGES[key][syringes.NOMINAL_NL]):
        pl, divisor = nominal(key)
        fastest_ml_h = courses.fastest_pl_h(pump, key) / 1e9  # type: ignore[arg-type]  # it asks for no more
        fitted.append((key, syringes.SYRINGES[key][syringes.NAME], pl / divisor / 1000, fastest_ml_h))
    return {
        "board": board,
        "pins": [(WIRES[function], gpio) for function, gpio in board.PINS.items()],
        "syringes": fitted,
        "zero_v": board.PRESSURE_ZERO / 65535 * 3.3,
        "kpa_per_v": 65535 / 3.3 * board.PRESSURE_MPA_PER_COUNT / 1e6,
    }


def pages() -> Iterator[tuple[Path, str]]:
    """(path, text) of every generated page."""
    environment = Environment(
        loader=FileSystemLoader(ROOT / "tools" / "templates"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    example = framing.encode({"id": 7, "method": "acknowledge", "params": {}}).decode().rstrip("\n")
    yield (
        ROOT / "docs" / "link.md",
        environment.get_template("link.md.j2").render(
            wire=wire,
            framing=framing,
            client=client,
            board=board_data("pico"),
            example=example,
            states_of=states.states_of,
            events_per_reply=housekeeping.EVENTS_PER_REPLY,
            log_capacity=chain.KEPT,
        ),
    )
    yield (
        ROOT / "docs" / "safety.md",
        environment.get_template("safety.md.j2").render(
            states=states,
            alarms=alarms,
            motor=words(states, MOTOR),
            signal=words(states, SIGNAL),
            priority=words(alarms, PRIORITY),
            effect=words(alarms, EFFECT),
            latch=words(alarms, LATCH),
            harms=alarm_harms.HARMS,
            priorities=alarm_harms.PRIORITIES,
            crowded=crowded(),
            diagram=diagram(),
            **traceability.facts(),
        ),
    )
    for board in sorted((ROOT / "boards").glob("*/board.py")):
        readme = board.parent / "README.md"
        before, begin, rest = readme.read_text(encoding="utf-8").partition(BEGIN)
        _, end, after = rest.partition(END)
        if not begin or not end:
            sys.exit(f"{readme.relative_to(ROOT)} needs the two lines\n{BEGIN}{END}")
        wiring = environment.get_template("wiring.md.j2").render(wiring_facts(board.parent.name))
        yield readme, before + BEGIN + wiring + END + after


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--check", action="store_true", help="write nothing; exit 1 when a page is stale")
    check = arguments.parse_args().check
    stale = False
    for path, text in pages():
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale = True
        if check:
            print(f"{path.relative_to(ROOT)} is stale: run `make docs`", file=sys.stderr)
        else:
            path.write_text(text, encoding="utf-8")
            print(f"wrote {path.relative_to(ROOT)}")
    sys.exit(check and stale)


if __name__ == "__main__":
    main()
