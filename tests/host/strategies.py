"""Protocol files as hypothesis draws them: good ones with every word of the language, and what only looks like one."""

import json
from typing import Any

from hypothesis import strategies as st

from titrate import Plan, Protocol
from titrate.reading import parse

HEAD = '[protocol]\nname = "p"\ntitle = "P"\n[drug]\nname = "k"\nconcentration = "2 mg/mL"\n'
UNITS = ("mg/h", "mg/kg/h", "ug/kg/min", "mL/h", "mg/h/70kg", "mg/day")

numbers = st.decimals(min_value="0.01", max_value=20, places=2)
units = st.sampled_from(UNITS)
rates = st.builds("{} {}".format, numbers, units)
durations = st.builds(
    "{} {}".format, st.decimals(min_value=1, max_value=90, places=1), st.sampled_from(["s", "min", "h"])
)
minutes = st.builds("{} min".format, st.decimals(min_value=1, max_value=90, places=1))
doses = st.builds("{} {}".format, numbers, st.sampled_from(["mg", "mg/kg", "mL"]))
notes = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]) | st.sampled_from("\n\t\x7f\\\"'"),
    min_size=1,
    max_size=20,
)


def quoted(text: str) -> str:
    """A text of TOML."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


@st.composite
def stated(draw: st.DrawFn, value: str) -> str:
    """A value, bare or with its origin."""
    said = []
    if draw(st.booleans()):
        said.append(f'source = "{draw(st.sampled_from(["table", "text", "primary", "assumed"]))}"')
    if draw(st.integers(0, 3)) == 0:
        said.append(f"note = {quoted(draw(notes))}")
    return f"{{ {', '.join([f'value = {value}', *said])} }}" if said or draw(st.booleans()) else value


@st.composite
def pair(draw: st.DrawFn, key: str, texts: st.SearchStrategy[str]) -> str:
    return f"{key} = {draw(stated(quoted(draw(texts))))}"


@st.composite
def levels(draw: st.DrawFn) -> tuple[str, str]:
    """(rate, bounds that hold it or nothing), in one unit."""
    number, unit = draw(numbers), draw(units)
    floor, ceiling = number - draw(st.sampled_from([0, number])), number + draw(numbers)
    bounds = f'bounds = {{ floor = "{floor} {unit}", ceiling = "{ceiling} {unit}" }}' if draw(st.booleans()) else ""
    return f"{number} {unit}", bounds


@st.composite
def leaves(draw: st.DrawFn) -> list[str]:
    """The lines of a phase that is no repeat."""
    verb = draw(st.sampled_from(["infuse", "ramp", "staircase", "bolus", "pause"]))
    cap = [draw(pair("cap", rates))] if draw(st.booleans()) else []
    if verb == "infuse" and draw(st.integers(0, 3)) == 0:
        rate = draw(pair("infuse", st.builds("{} mg/h".format, st.integers(1, 20))))
        return [rate, draw(pair("dose", st.builds("{} mg".format, numbers)))]
    if verb == "infuse":
        rate, bounds = draw(levels())
        return [f"infuse = {draw(stated(quoted(rate)))}", draw(pair("for", durations)), *([bounds] if bounds else cap)]
    if verb == "ramp":
        ends = f"from = {draw(stated(quoted(draw(rates))))}, to = {quoted(draw(rates))}"
        return [f"ramp = {{ {ends} }}", draw(pair("for", durations)), *cap]
    if verb == "staircase":
        steps = draw(stated(str(draw(st.integers(2, 5)))))
        ends = f"from = {quoted(draw(rates))}, to = {quoted(draw(rates))}, steps = {steps}"
        return [f"staircase = {{ {ends} }}", draw(pair("each", durations)), *cap]
    if verb == "bolus":
        return [draw(pair("bolus", doses)), draw(pair("over", minutes))]
    return [draw(pair("pause", durations))]


@st.composite
def files(draw: st.DrawFn) -> str:
    """Good files: an infusion, then anything, then repeats within repeats."""
    lines = [HEAD, "[[phase]]", 'infuse = "1 mg/h"', 'for = "1 h"']
    for leaf in draw(st.lists(leaves(), max_size=4)):
        lines += ["[[phase]]", *leaf]
    lines += ["[[phase]]", f"repeat = {draw(stated(str(draw(st.integers(1, 4)))))}"]
    for leaf in draw(st.lists(leaves(), min_size=1, max_size=3)):
        lines += ["[[phase.phase]]", *leaf]
    if draw(st.booleans()):
        lines += ["[[phase.phase]]", f"repeat = {draw(st.integers(1, 3))}", 'every = "2160 h"', "[[phase.phase.phase]]"]
        lines += draw(leaves())
    return "\n".join(lines) + "\n"


@st.composite
def protocols(draw: st.DrawFn) -> Protocol:
    return parse(draw(files()))


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    return draw(protocols()).plan(f"{draw(st.integers(1, 300))} kg")


# --- what only looks like a protocol

KEYS = (
    "protocol", "name", "title", "citation", "notes", "contradictions", "author", "date", "drug", "code", "enantiomer",
    "concentration", "mixed_for", "subject", "weight", "age", "weight_range", "age_range", "from", "to", "limits",
    "rate", "dose_1h", "total", "demand", "lockout", "phase", "infuse", "for", "cap", "bounds", "floor", "ceiling",
    "dose", "volume", "ramp", "staircase", "steps", "step", "each", "bolus", "over", "pause", "repeat", "every",
    "value", "source", "note", "x",
)  # fmt: skip
TEXTS = (
    "70 kg", "1 mg/h", "0.35 mg/kg/h", "25 mL/h", "4 h", "0 mg/h", "1 mg", "2 mg/mL", "5 mL", "1 s", "400 d", "240 h",
    "15 years", "1000 mg/kg/h", "0.000001 mL/h", "racemic", "table", "assumed", "2026-11-24", "", "k", "1,5 mg",
    "1e999 mg/h",
)  # fmt: skip
texts = st.sampled_from(TEXTS) | st.text(max_size=8)
scalars = (
    texts
    | st.integers(-3, 600)
    | st.just(10**30)
    | st.floats()
    | st.booleans()
    | st.dates()
    | st.datetimes()
    | st.times()
)
keys = st.sampled_from(KEYS)


def _deeper(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=5)


documents = st.dictionaries(keys, st.recursive(scalars, _deeper, max_leaves=25), max_size=8)


def toml(given: Any) -> str:
    """Any such value as TOML."""
    if isinstance(given, dict):
        return "{ " + ", ".join(f"{key} = {toml(value)}" for key, value in given.items()) + " }"
    if isinstance(given, list):
        return "[ " + ", ".join(toml(item) for item in given) + " ]"
    if isinstance(given, str):
        return quoted(given)
    if isinstance(given, bool):
        return "true" if given else "false"
    return str(given) if isinstance(given, (int, float)) else given.isoformat()


def toml_document(given: dict[str, Any]) -> str:
    return "".join(f"{key} = {toml(value)}\n" for key, value in given.items())
