"""What the pump lets in as a program, asked of the controller itself: no host in between has been kind (D8, D9)."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pump.core import framing, wire
from pump.core.controller import Controller
from pump.core.program import Program, Refusal
from tests.core.hosts import refusal
from tests.core.pumps import Pump
from tests.core.strategies import SYRINGES
from tests.programs import SYRINGE, Oracle, flat, header

BOARD_PL_H = 1200 * 10**9
BOARD_STEPS_PER_S = 2500
PHASES = flat(25, 60) * 3


def fresh() -> Controller:
    """The controller of a pump that has just been switched on, with an operator at it."""
    pump = Pump()
    assert pump.state == "IDLE"
    return pump.controller


def code(answer: tuple[Any, tuple[int, str] | None]) -> int | None:
    return answer[1][0] if answer[1] else None


def confirm(pump: Controller, digest: str) -> Any:
    return pump.act("confirm", {"digest": digest, "overrides": []})


def load(pump: Controller, rows: list[Any], first: int = 0, **changed: Any) -> int | None:
    program = header(rows) | changed
    return code(pump.act("load", {"program": program, "first": first, "phases": copy.deepcopy(rows)}))


def ready(pump: Controller) -> str:
    """Takes both steps before motion; the digest."""
    pump.act("syringe", {"syringe": SYRINGE, "fill_nl": 50_000_000})
    result, _ = pump.act("load", {"program": header(PHASES), "first": 0, "phases": copy.deepcopy(PHASES)})
    assert result is not None
    assert code(confirm(pump, result["digest"])) is None
    assert pump.state == "READY"
    digest: str = result["digest"]
    return digest


@pytest.mark.requirement("SR-RATE-04")
@pytest.mark.requirement("SR-MECH-03")
@pytest.mark.parametrize("syringe", SYRINGES)
def test_the_lower_of_the_boards_and_the_motors_rate_is_the_limit(syringe: str) -> None:
    by_motor = int(Oracle([["pause", 1, 0, 0]], syringe).step_pl * BOARD_STEPS_PER_S * 3600)
    most = min(BOARD_PL_H, by_motor)
    for kind in ("infuse", "bolus", "ramp"):
        pump = fresh()
        fill = {"syringe": syringe, "fill_nl": 1}
        assert load(pump, [[kind, 1000, most, most]], **fill) is None
        assert load(pump, [[kind, 1000, most + 1, most + 1]], **fill) == wire.BEYOND_LIMIT
    for begin, end in ((0, most + 1), (most + 1, 0)):
        assert load(fresh(), [["ramp", 1000, begin, end]], syringe=syringe, fill_nl=1) == wire.BEYOND_LIMIT


@pytest.mark.requirement("SR-DOC-02")
@pytest.mark.parametrize("key", sorted(wire.PROGRAM))
def test_header_fields_are_taken_to_their_bounds_and_not_one_beyond(key: str) -> None:
    kind, least, most = wire.PROGRAM[key]
    if key in ("syringe", "phases", "fill_nl", "code", "pump", "firmware", "library"):
        return  # bounded more tightly: the tests below, and those of the library
    rest = [["pause", 1000, 0, 0]]
    make = (lambda size: "n" * size) if kind is str else int
    for value in (least, most):
        assert load(fresh(), rest, **{key: make(value)}) is None
    for value in (least - 1, most + 1):
        assert load(fresh(), rest, **{key: make(value)}) == wire.WRONG_PARAMETERS


@pytest.mark.requirement("SR-RES-08")
@pytest.mark.parametrize("syringe", SYRINGES)
def test_a_fill_is_at_most_what_the_syringe_holds(syringe: str) -> None:
    nominal = int(syringe.rpartition("-")[2]) * 1_000_000
    for fill_nl, wanted in ((1, None), (nominal, None), (nominal + 1, wire.BEYOND_LIMIT)):
        assert load(fresh(), PHASES, syringe=syringe, fill_nl=fill_nl) == wanted
        assert code(fresh().act("syringe", {"syringe": syringe, "fill_nl": fill_nl})) == wanted
    assert code(fresh().act("syringe", {"syringe": syringe, "fill_nl": -1})) == wire.BEYOND_LIMIT
    assert code(fresh().act("syringe", {"syringe": syringe, "fill_nl": 0})) is None, "an empty one, to be refilled"
    assert load(fresh(), PHASES, syringe=syringe, fill_nl=0) == wire.WRONG_PARAMETERS
    assert code(fresh().act("syringe", {"syringe": syringe + "x", "fill_nl": 1})) == wire.BEYOND_LIMIT
    assert load(fresh(), PHASES, syringe=syringe + "x") == wire.BEYOND_LIMIT


@pytest.mark.requirement("SR-RATE-01")
def test_the_number_of_phases_must_be_the_declared_one() -> None:
    pump = fresh()
    assert load(pump, PHASES, phases=2) == wire.WRONG_PARAMETERS, "more than declared"
    assert load(pump, PHASES, phases=4) is None
    assert pump.program is not None
    assert not pump.program.complete
    assert pump.program.digest is None
    assert code(confirm(pump, wire.program_digest(header(PHASES), PHASES))) == wire.DIGEST_DIFFERS
    for phases in (0, 501):
        assert load(fresh(), PHASES, phases=phases) == wire.WRONG_PARAMETERS


@pytest.mark.requirement("SR-UI-04")
def test_confirm_takes_no_digest_but_that_of_what_is_stored() -> None:
    pump = fresh()
    pump.act("syringe", {"syringe": SYRINGE, "fill_nl": 50_000_000})
    load(pump, PHASES)
    right = wire.program_digest(header(PHASES), PHASES)
    others = [right.upper(), right[:-1], right + "0", "", wire.program_digest(header(PHASES, name="x"), PHASES)]
    others.append(wire.program_digest(header(PHASES), [*PHASES[:2], ["infuse", 60_001, *PHASES[2][2:]]]))
    for digest in others:
        assert code(confirm(pump, digest)) == wire.DIGEST_DIFFERS
        assert pump.state == "IDLE"
    assert code(confirm(pump, right)) is None
    assert pump.state == "READY"


@given(st.integers(0, 2), st.sampled_from([1, 2, 3]), st.sampled_from([-1, 1]))
def test_one_unit_more_or_less_anywhere_changes_the_digest(index: int, column: int, by: int) -> None:
    changed = copy.deepcopy(PHASES)
    changed[index][column] += by
    assert wire.program_digest(header(PHASES), changed) != wire.program_digest(header(PHASES), PHASES)


@pytest.mark.requirement("SR-RES-09", "SR-UI-04")
@pytest.mark.parametrize("change", ["load", "part", "bad load", "syringe"])
def test_any_change_after_confirm_takes_the_confirmation_away(change: str) -> None:
    pump = fresh()
    ready(pump)
    if change == "load":
        load(pump, PHASES)
    elif change == "part":
        load(pump, PHASES, first=3)
    elif change == "bad load":
        load(pump, [["infuse", 0, 0, 0]])
    else:
        pump.act("syringe", {"syringe": SYRINGE, "fill_nl": 50_000_000})
    assert pump.state == "IDLE"
    assert code(pump.act("start", {})) == wire.NOT_IN_STATE


@pytest.mark.requirement("SR-RATE-01", "SR-UI-05")
@pytest.mark.parametrize("method", ["confirm", "start", "pause", "resume", "bolus"])
def test_nothing_moves_before_both_steps(method: str) -> None:
    pump = fresh()
    params = {
        "confirm": {"digest": "", "overrides": []},
        "bolus": {"volume_nl": 1, "duration_ms": 1000, "overrides": []},
    }.get(method, {})
    assert code(pump.act(method, params)) in (wire.NOT_IN_STATE, wire.DIGEST_DIFFERS)
    assert pump.state == "IDLE"


@given(st.lists(st.integers(1, 12), min_size=1, max_size=8))
def test_parts_of_any_size_make_the_same_program(sizes: list[int]) -> None:
    phases = [["infuse", 1000 + i, i, i] for i in range(sum(sizes))]
    program = Program(header(phases))
    program.fastest_pl_h = BOARD_PL_H
    for size in sizes:
        assert not program.complete
        first = len(program.phases)
        with pytest.raises(Refusal):
            program.add(first + 1, phases[first : first + size])
        program.add(first, phases[first : first + size])
    assert program.complete
    assert program.digest == wire.program_digest(header(phases), phases)


@pytest.mark.requirement("SR-RATE-01")
def test_a_part_with_one_bad_phase_leaves_nothing_of_itself() -> None:
    pump = fresh()
    load(pump, PHASES[:1], phases=3)
    program = header(PHASES)
    bad = {"program": program, "first": 1, "phases": [PHASES[1], ["infuse", 0, 1, 1]]}
    assert code(pump.act("load", bad)) == wire.WRONG_PARAMETERS
    good = {"program": program, "first": 1, "phases": PHASES[1:]}
    assert code(pump.act("load", good)) is None, "the part can be sent again"


@pytest.mark.requirement("SR-UI-15")
@pytest.mark.parametrize(
    "bad",
    [
        ["infuse", 60_000, 25.0, 25.0],
        ["infuse", "60000", 1, 1],
        ["infuse", True, 1, 1],
        ["infuse", 0, 1, 1],
        ["infuse", wire.MAX_PHASE_MS + 1, 1, 1],
        ["infuse", 60_000, -1, -1],
        ["infuse", 60_000, None, 1],
        ["infuse", 60_000, 1, 2],
        ["infuse", 60_000, BOARD_PL_H, BOARD_PL_H],
        ["infuse", 60_000, 1],
        ["infuse", 60_000, 1, 1, 0],
        ["infuse", 60_000, 1, 1, 2, 3],
        ["ramp", 60_000, 1, 2, 0, 3],
        ["pause", 60_000, 1, 1],
        ["Infuse", 60_000, 1, 1],
        ["infuse 60000 1 1"],
        "infuse",
        None,
    ],
)
def test_a_phase_that_can_be_doubted_is_named_and_nothing_of_its_part_is_taken(bad: Any) -> None:
    for index in range(3):
        pump = fresh()
        whole = [*PHASES[:index], bad, *PHASES[index + 1 :]]
        _, refusal = pump.act("load", {"program": header(PHASES), "first": 0, "phases": whole})
        assert refusal is not None
        assert refusal[1].startswith(f"phase {index}: ")
        assert pump.program is None
    pump.act("load", {"program": header(PHASES), "first": 0, "phases": PHASES[:1]})
    _, refusal = pump.act("load", {"program": header(PHASES), "first": 1, "phases": [PHASES[1], bad]})
    assert refusal is not None
    assert refusal[1].startswith("phase 2: "), "by its number in the program, not in the part"
    assert pump.program is not None
    assert pump.program.phases == PHASES[:1]


@pytest.mark.requirement("SR-UI-15")
@pytest.mark.parametrize("key", sorted(wire.PROGRAM))
def test_a_header_that_can_be_doubted_is_refused_with_the_name_of_its_key(key: str) -> None:
    kind = wire.PROGRAM[key][0]
    whole = header(PHASES)
    assert Program(whole).header == whole
    wrong: list[Any] = ["1", 1.0, True, None, -1] if kind is int else [1, None, ["x"], "x\n", "ä"]
    for changed in (*({**whole, key: value} for value in wrong), {k: v for k, v in whole.items() if k != key}):
        with pytest.raises(Refusal, match=f"^program: {key} must be"):
            Program(changed)
    with pytest.raises(Refusal, match=f"^program: '{key}_' is not known"):
        Program({**whole, key + "_": whole[key]})


def test_text_that_is_no_utf_8_is_refused_and_harms_nobody() -> None:
    """A lone surrogate is good JSON."""
    assert load(fresh(), PHASES, name="\ud800") == wire.WRONG_PARAMETERS
    pump = Pump()
    assert refusal(pump, "load", program={**header(PHASES), "\ud800": 1}) == wire.WRONG_PARAMETERS
    assert refusal(pump, "library_load", fields={"\ud800": 1}) == wire.WRONG_PARAMETERS
    pump.run(1)
    assert len(pump.told("refused")) == 2


def test_every_page_of_the_log_fits_a_line() -> None:
    pump = fresh()
    load(pump, PHASES)
    for _ in range(20):
        confirm(pump, "0" * 64)
    pump.act("load", {"program": {**header(PHASES), "k" * 800: 1}, "first": 0, "phases": []})
    for after in range(pump.log.last):
        result, _ = pump.act("events", {"after": after})
        assert result is not None
        assert len(framing.encode({"id": 10**6, "result": result})) <= framing.MAX_LINE_BYTES
        assert result["entries"], "there is always a way on"


def test_what_is_refused_is_answered_within_a_line_whatever_was_sent() -> None:
    pump = fresh()
    for _ in range(3):
        _, refusal = pump.act("load", {"program": {"é" * 400: 1}, "first": 0, "phases": []})
        assert refusal is not None
    reply = framing.encode({"id": 10**6, "error": {"code": refusal[0], "message": refusal[1]}})
    assert len(reply) <= framing.MAX_LINE_BYTES
    result, _ = pump.act("events", {"after": 0})
    assert len(framing.encode({"id": 10**6, "result": result})) <= framing.MAX_LINE_BYTES
