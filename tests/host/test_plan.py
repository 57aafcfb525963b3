"""Laws of every plan: nothing lost, no gaps, exact sums; and the program is the plan within 1 nL."""

from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pump.core import wire
from titrate import Plan, Protocol
from titrate.reading import parse

NL_PER_ML = 1_000_000

numbers = st.decimals(min_value="0.01", max_value=20, places=2)
rates = st.builds(
    "{} {}".format, numbers, st.sampled_from(["mg/h", "mg/kg/h", "ug/kg/min", "mL/h", "mg/h/70kg", "mg/day"])
)
durations = st.builds(
    "{} {}".format, st.decimals(min_value=1, max_value=90, places=1), st.sampled_from(["s", "min", "h"])
)
bolus_durations = st.builds("{} min".format, st.decimals(min_value=1, max_value=90, places=1))
doses = st.builds("{} {}".format, numbers, st.sampled_from(["mg", "mg/kg", "mL"]))
caps = st.one_of(st.just(""), st.builds('cap = "{}"'.format, rates))
leaves = st.one_of(
    st.builds('infuse = "{}"\nfor = "{}"\n{}\n'.format, rates, durations, caps),
    st.builds('ramp = {{ from = "{}", to = "{}" }}\nfor = "{}"\n{}\n'.format, rates, rates, durations, caps),
    st.builds(
        'staircase = {{ from = "{}", to = "{}", steps = {} }}\neach = "{}"\n{}\n'.format,
        rates,
        rates,
        st.integers(2, 5),
        durations,
        caps,
    ),
    st.builds('bolus = "{}"\nover = "{}"\n'.format, doses, bolus_durations),
    st.builds('pause = "{}"\n'.format, durations),
)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Plans of protocols that infuse, then do anything, some of it repeated."""
    phases = ["[[phase]]\n" + leaf for leaf in draw(st.lists(leaves, max_size=4))]
    inner = draw(st.lists(leaves, min_size=1, max_size=3))
    phases.append(f"[[phase]]\nrepeat = {draw(st.integers(1, 4))}\n")
    phases += ["[[phase.phase]]\n" + leaf for leaf in inner]
    text = (
        '[protocol]\nname = "p"\ntitle = "P"\n[drug]\nname = "k"\nconcentration = "2 mg/mL"\n'
        '[[phase]]\ninfuse = "1 mg/h"\nfor = "1 h"\n' + "".join(phases)
    )
    return parse(text).plan(f"{draw(st.integers(1, 300))} kg")


@given(plans())
def test_phases_follow_each_other_and_add_up(plan: Plan) -> None:
    assert plan.phases[0].begin_s == 0
    assert all(one.end_s == following.begin_s for one, following in pairwise(plan.phases))
    assert all(phase.end_s > phase.begin_s for phase in plan.phases)
    assert plan.total_ml == sum(phase.volume_ml for phase in plan.phases)
    assert plan.total_mg == plan.total_ml * plan.concentration_mg_ml
    for phase in plan.phases:
        hours = (phase.end_s - phase.begin_s) / 3600
        assert phase.volume_ml == (phase.begin_ml_h + phase.end_ml_h) / 2 * hours
        assert phase.begin_mg_kg_h == phase.begin_ml_h * plan.concentration_mg_ml / plan.weight_kg


@given(plans(), st.lists(st.fractions(min_value=-1, max_value=2, max_denominator=1000), max_size=8))
def test_the_commanded_volume_never_falls_and_meets_every_boundary(plan: Plan, parts: list[Fraction]) -> None:
    volumes_ml = [plan.commanded_ml(part * plan.duration_s) for part in sorted(parts)]
    assert volumes_ml == sorted(volumes_ml)
    assert plan.commanded_ml(-1) == 0
    due_ml = Fraction()
    for phase in plan.phases:
        assert plan.commanded_ml(phase.begin_s) == due_ml
        due_ml += phase.volume_ml
    assert plan.commanded_ml(plan.duration_s + 1) == plan.total_ml == due_ml


@pytest.mark.requirement("SR-DOSE-02")
@settings(max_examples=200)
@given(plans())
def test_each_phase_of_the_program_is_within_1_nl(plan: Plan) -> None:
    header, phases = plan.program
    assert header["phases"] == len(phases) == len(plan.phases)
    for sent, meant in zip(phases, plan.phases, strict=True):
        volume_nl = Fraction((sent[2] + sent[3]) * sent[1], 2 * 1000 * 3_600_000)
        assert abs(volume_nl - meant.volume_ml * NL_PER_ML) < 1


@given(plans())
def test_the_program_is_what_the_wire_declares(plan: Plan) -> None:
    header, phases = plan.program
    assert set(header) == set(wire.PROGRAM)
    for key, (kind, least, most) in wire.PROGRAM.items():
        assert type(header[key]) is kind
        assert least <= (len(header[key]) if kind is str else header[key]) <= most
    for kind, *amounts in phases:
        assert kind in wire.KINDS
        assert all(type(amount) is int and amount >= 0 for amount in amounts)
        assert 1 <= amounts[0] <= wire.MAX_PHASE_MS
        if kind in ("infuse", "bolus"):
            assert amounts[1] == amounts[2]
        if kind == "pause":
            assert amounts[1:] == [0, 0]
    assert len(wire.program_digest(header, phases)) == 64


def planned(phases: str, **options: Any) -> Plan:
    top = '[protocol]\nname = "p"\ntitle = "P"\n[drug]\nname = "k"\nconcentration = "1 mg/mL"\n'
    return parse(top + phases).plan("70 kg", **options)


def kinds(plan: Plan) -> list[tuple[str, float, float, float]]:
    return [(p.kind, float(p.end_s - p.begin_s), float(p.begin_ml_h), float(p.end_ml_h)) for p in plan.phases]


@pytest.mark.parametrize(
    ("span", "expected"),
    [
        ('from = "10 mg/h", to = "30 mg/h"', [("ramp", 1800, 10, 20), ("infuse", 1800, 20, 20)]),
        ('from = "30 mg/h", to = "10 mg/h"', [("infuse", 1800, 20, 20), ("ramp", 1800, 20, 10)]),
        ('from = "20 mg/h", to = "30 mg/h"', [("infuse", 3600, 20, 20)]),
        ('from = "0 mg/h", to = "20 mg/h"', [("ramp", 3600, 0, 20)]),
    ],
)
def test_a_ramp_stops_at_its_cap(span: str, expected: list[tuple[str, float, float, float]]) -> None:
    plan = planned(f'[[phase]]\nramp = {{ {span} }}\nfor = "1 h"\ncap = "20 mg/h"\n')
    assert kinds(plan) == expected


def test_repeats_count_from_start_to_start_and_nest() -> None:
    plan = planned(
        '[[phase]]\nrepeat = 2\nevery = "24 h"\n[[phase.phase]]\nrepeat = 2\nevery = "2 h"\n'
        '[[phase.phase.phase]]\ninfuse = "1 mg/h"\nfor = "1 h"\n'
    )
    assert [float(phase.begin_s) / 3600 for phase in plan.phases if phase.kind == "infuse"] == [0, 2, 24, 26]
    assert plan.duration_s == 27 * 3600


def test_a_pause_longer_than_the_wire_allows_is_cut() -> None:
    plan = planned('[[phase]]\nrepeat = 2\nevery = "21 d"\n[[phase.phase]]\ninfuse = "1 mg/h"\nfor = "24 h"\n')
    assert [phase.kind for phase in plan.phases] == ["infuse", "pause", "pause", "infuse"]
    assert plan.phases[-1].begin_s == 21 * 86400


def test_sessions_are_counted_through_the_outermost_repeats() -> None:
    text = "".join(f'[[phase]]\nrepeat = 2\n[[phase.phase]]\ninfuse = "{rate} mg/h"\nfor = "1 h"\n' for rate in (1, 2))
    assert [planned(text, session=session).total_mg for session in (1, 2, 3, 4)] == [1, 1, 2, 2]


def test_a_stated_flow_that_agrees_is_accepted() -> None:
    assert planned('[[phase]]\ninfuse = "0.35 mg/kg/h"\nfor = "1 h"\nrate = "24.5 mL/h"\n').total_ml == Fraction(49, 2)


def test_a_program_can_be_for_another_syringe_and_fill() -> None:
    header, _ = Protocol.read("schwartzman-2009").plan().program("bd-plastipak-20", fill_nl=18_000_000, attended=False)
    assert (header["syringe"], header["fill_nl"], header["attended"]) == ("bd-plastipak-20", 18_000_000, 0)
