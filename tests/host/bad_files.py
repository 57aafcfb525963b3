"""Files that are wrong, each with the place and the words that the message must have. Data for test_protocol_errors."""

HEADER = '[protocol]\nname = "p"\ntitle = "P"\n'
DRUG = '[drug]\nname = "ketamine"\nconcentration = "1 mg/mL"\n'
SUBJECT = '[subject]\nweight = "70 kg"\n'
TOP = HEADER + DRUG + SUBJECT
INFUSE = '[[phase]]\ninfuse = "1 mg/h"\nfor = "1 h"\n'
BOUNDS = 'bounds = { floor = "1 mg/kg/h", ceiling = "2 mg/kg/h" }'
MIXED = HEADER + '[drug]\nname = "ketamine"\nmixed_for = "25 mL/h"\n' + SUBJECT
REPEAT = '[[phase]]\nrepeat = 2\n[[phase.phase]]\ninfuse = "1 mg/h"\nfor = "4 h"\n'


def phase(*lines: str) -> str:
    return TOP + "[[phase]]\n" + "\n".join(lines) + "\n"


# name: (text, where, allowed)
BAD = {
    "empty": ("", "protocol", "`protocol` is needed"),
    "no TOML": ("infuse: 5", "bad.toml", "TOML"),
    "duplicate key": (TOP + INFUSE + 'for = "2 h"\n', "bad.toml", "line 12"),
    "too many brackets": ("a = " + "[" * 5000, "bad.toml", "TOML"),
    "endless integer": (phase("repeat = " + "9" * 5000), "bad.toml", "TOML"),
    "no drug": (HEADER + INFUSE, "drug", "is needed"),
    "no phase": (TOP, "phase", "is needed"),
    "empty phases": ("phase = []\n" + TOP, "phase", "at least 1"),
    "phase is a table": (TOP + '[phase]\ninfuse = "1 mg/h"\n', "phase", "a valid list"),
    "phase is a number": ("phase = [1]\n" + TOP, "phase[0]", "exactly one of infuse"),
    "only pauses": (phase('pause = "1 h"'), "phase", "at least one phase that infuses"),
    "no verb": (phase('for = "1 h"'), "line 9, phase[0]", "exactly one of infuse, ramp"),
    "two verbs": (phase('infuse = "1 mg/h"', 'bolus = "1 mg"'), "phase[0]", "exactly one of"),
    "unknown key": (
        phase('infuse = "1 mg/h"', 'for = "1 h"', "speed = 1"),
        "line 12, phase[0].speed",
        "infuse, for, cap",
    ),
    "unknown table": (TOP + "[pump]\n" + INFUSE, "line 9, pump", "protocol, drug, subject, limits, demand, phase"),
    "unknown key of drug": (HEADER + DRUG + "dose = 1\n" + INFUSE, "drug.dose", "concentration, mixed_for"),
    "unknown key of ramp": (
        phase('ramp = { from = "1 mg/h", to = "2 mg/h", by = 2 }', 'for = "1 h"'),
        "phase[0].ramp.by",
        "from, to",
    ),
    "no duration": (phase('infuse = "1 mg/h"'), "phase[0].for", "`for` is needed"),
    "comma": (
        phase('infuse = "0,35 mg/kg/h"', 'for = "1 h"'),
        "line 10, phase[0].infuse",
        "a point as the decimal sign",
    ),
    "no unit": (phase("infuse = 0.35", 'for = "1 h"'), "phase[0].infuse", "a number needs its unit"),
    "infinite": (phase("infuse = inf", 'for = "1 h"'), "phase[0].infuse", "a number needs its unit"),
    "a dose for a rate": (phase('infuse = "1 mg/kg"', 'for = "1 h"'), "phase[0].infuse", "mg/kg/h or mg/h or mL/h"),
    "negative": (phase('infuse = "-1 mg/h"', 'for = "1 h"'), "phase[0].infuse", "nothing negative"),
    "zero": (phase('infuse = "0 mg/h"', 'for = "1 h"'), "phase[0].infuse", "more than zero"),
    "huge": (phase('infuse = "1e999 mg/h"', 'for = "1 h"'), "phase[0].infuse", "a unit like"),
    "zero duration": (phase('bolus = "1 mg"', 'over = "0 s"'), "phase[0].over", "more than zero"),
    "too long": (phase('infuse = "1 mg/h"', 'for = "11 d"'), "phase[0].for", "864000 s"),
    "level ramp of nothing": (
        phase('ramp = { from = "0 mg/h", to = "0 mg/h" }', 'for = "1 h"'),
        "phase[0].ramp",
        "one end above zero",
    ),
    "staircase from zero": (
        phase('staircase = { from = "0 mg/h", to = "2 mg/h", steps = 2 }', 'each = "1 h"'),
        "phase[0].staircase.from",
        "more than zero",
    ),
    "one step": (
        phase('staircase = { from = "1 mg/h", to = "2 mg/h", steps = 1 }', 'each = "1 h"'),
        "phase[0].staircase.steps",
        "greater than or equal to 2",
    ),
    "half a repeat": (TOP + REPEAT.replace("2", "2.5"), "phase[0].repeat", "integer"),
    "repeat of nothing": (phase("repeat = 2"), "phase[0].phase", "is needed"),
    "repeat never": (TOP + REPEAT.replace("2", "0"), "phase[0].repeat", "greater than or equal to 1"),
    "nested unknown key": (TOP + REPEAT + "x = 1\n", "line 14, phase[0].phase[0].x", "infuse, for"),
    "overlapping repeats": (
        TOP + REPEAT.replace("repeat = 2", 'repeat = 2\nevery = "3 h"'),
        "line 11, phase[0].every",
        "at least 4 h",
    ),
    "too many phases": (TOP + REPEAT.replace("repeat = 2", 'repeat = 300\nevery = "5 h"'), "phase[0]", "at most 500"),
    "stated flow disagrees": (
        phase('infuse = "0.35 mg/kg/h"', 'for = "1 h"', 'rate = "25 mL/h"'),
        "line 12, phase[0].rate",
        "24.5 mL/h, because 0.35 mg/kg/h is 24.5 mg/h for 70 kg and the drug has 1 mg/mL",
    ),
    "no concentration": (HEADER + '[drug]\nname = "k"\n' + INFUSE, "drug", "one of concentration"),
    "two concentrations": (
        HEADER + DRUG + 'mixed_for = "25 mL/h"\n' + SUBJECT + '[[phase]]\ninfuse = "0.35 mg/kg/h"\nfor = "4 h"\n',
        "line 6, drug.concentration",
        "0.98 mg/mL, because phase[0] infuses 0.35 mg/kg/h, 24.5 mg/h for 70 kg, and is mixed for 25 mL/h",
    ),
    "nothing to mix for": (
        HEADER + SUBJECT + '[drug]\nname = "k"\nmixed_for = "25 mL/h"\n[[phase]]\ninfuse = "25 mL/h"\nfor = "1 h"\n',
        "drug.mixed_for",
        "states a dose rate",
    ),
    "weight of zero": (HEADER + DRUG + '[subject]\nweight = "0 kg"\n' + INFUSE, "subject.weight", "more than zero"),
    "weight of 700 kg": (HEADER + DRUG + '[subject]\nweight = "700 kg"\n' + INFUSE, "subject.weight", "1 to 300 kg"),
    "no weight": (HEADER + DRUG + INFUSE, "subject.weight", "70 kg"),
    "unknown source": (phase('infuse = "1 mg/h"', 'for = "1 h"', 'source = "hearsay"'), "phase[0].source", "'table'"),
    "newline in the name": (HEADER.replace('"p"', '"p\\nq"') + DRUG + INFUSE, "protocol.name", "pattern"),
    "name of 61": (HEADER.replace('"p"', '"' + "p" * 61 + '"') + DRUG + INFUSE, "protocol.name", "60 characters"),
    "five deep": (
        TOP
        + "".join(f"[[{'.'.join(['phase'] * depth)}]]\nrepeat = 1\n" for depth in range(1, 6))
        + f'[[{".".join(["phase"] * 6)}]]\ninfuse = "1 mg/h"\nfor = "1 h"\n',
        "phase[0].phase[0].phase[0].phase[0].phase[0]",
        "at most 4 deep",
    ),
    # --- values that say where from
    "unknown source of a value": (
        phase('infuse = { value = "1 mg/h", source = "hearsay" }', 'for = "1 h"'),
        "line 10, phase[0].infuse.source",
        "table, text, primary, assumed",
    ),
    "unknown key of a value": (
        phase('infuse = { value = "1 mg/h", sauce = "table" }', 'for = "1 h"'),
        "phase[0].infuse.sauce",
        "value, source, note",
    ),
    "a value of values": (
        phase('infuse = { value = ["1 mg/h"] }', 'for = "1 h"'),
        "phase[0].infuse.value",
        "a single value",
    ),
    "an empty note": (
        phase('infuse = { value = "1 mg/h", note = "" }', 'for = "1 h"'),
        "phase[0].infuse.note",
        "1 to 2000 characters",
    ),
    "a value without value": (
        phase('infuse = { source = "table" }', 'for = "1 h"'),
        "phase[0].infuse",
        "a text in quotes",
    ),
    "a bad value that says where from": (
        phase('infuse = { value = "1 mg", source = "table" }', 'for = "1 h"'),
        "line 10, phase[0].infuse",
        "a rate",
    ),
    "a table that is a value": (HEADER + DRUG + "value = 1\n" + INFUSE, "drug.value", "concentration, mixed_for"),
    # --- header, drug, subject
    "a day that is none": (
        HEADER + 'date = "2026-02-30"\n' + DRUG + INFUSE,
        "line 4, protocol.date",
        "a day of the calendar",
    ),
    "a date in words": (HEADER + 'date = "today"\n' + DRUG + INFUSE, "protocol.date", "pattern"),
    "a date of TOML": (HEADER + "date = 2026-11-24\n" + DRUG + INFUSE, "protocol.date", "string"),
    "an author in another script": (HEADER + 'author = "Ωmega"\n' + DRUG + INFUSE, "protocol.author", "pattern"),
    "a code with spaces": (HEADER + DRUG + 'code = "a b"\n' + SUBJECT + INFUSE, "drug.code", "pattern"),
    "an enantiomer of the other kind": (HEADER + DRUG + 'enantiomer = "L"\n' + INFUSE, "drug.enantiomer", "'racemic'"),
    "weight out of range": (
        HEADER + DRUG + SUBJECT + 'weight_range = { from = "80 kg", to = "90 kg" }\n' + INFUSE,
        "line 8, subject.weight",
        "80 kg to 90 kg, by subject.weight_range on line 9",
    ),
    "a range that falls": (
        TOP + 'weight_range = { from = "90 kg", to = "80 kg" }\n' + INFUSE,
        "subject.weight_range",
        "from the least to",
    ),
    "half a range": (TOP + 'age_range = { from = "1 year" }\n' + INFUSE, "subject.age_range.to", "is needed"),
    "age out of range": (
        TOP + 'age = "30 years"\nage_range = { from = "12 years", to = "17 years" }\n' + INFUSE,
        "line 9, subject.age",
        "12 years to 17 years, by subject.age_range on line 10",
    ),
    "an age in days": (TOP + 'age = "300 d"\n' + INFUSE, "subject.age", "an age up to 130 years"),
    "a weight in pounds": (
        HEADER + DRUG + '[subject]\nweight = "150 lb"\n' + INFUSE,
        "subject.weight",
        "a unit like kg",
    ),
    # --- mixtures
    "a mixture above its cap in mL/h": (
        MIXED + '[[phase]]\ninfuse = "1 mg/kg/h"\nfor = "1 h"\ncap = "20 mL/h"\n',
        "line 6, drug.mixed_for",
        "at most 20 mL/h, the cap of phase[0]",
    ),
    "a mixture too thin": (
        MIXED.replace("25", "10000") + '[[phase]]\ninfuse = "0.001 mg/h"\nfor = "1 h"\n',
        "line 6, drug.mixed_for",
        "0.000001 to 1000 mg/mL; phase[0] infuses 0.001 mg/h, 0.001 mg/h for 70 kg",
    ),
    "nothing to mix for but a bolus": (
        MIXED + '[[phase]]\nbolus = "1 mg"\nover = "1 min"\n',
        "drug.mixed_for",
        "states a dose rate",
    ),
    # --- what follows and is stated as well
    "dose disagrees": (
        phase('infuse = "0.35 mg/kg/h"', 'for = "4 h"', 'dose = "100 mg"'),
        "line 12, phase[0].dose",
        "98 mg, because 0.35 mg/kg/h is 24.5 mg/h for 70 kg, in 4 h 98 mg",
    ),
    "volume disagrees": (
        phase('infuse = "0.35 mg/kg/h"', 'for = "4 h"', 'cap = "24 mg/h"', 'volume = "98 mL"'),
        "line 13, phase[0].volume",
        "96 mL, because 0.35 mg/kg/h with a cap of 24 mg/h is 24 mg/h for 70 kg, in 4 h 96 mg, and the drug",
    ),
    "dose in another unit disagrees": (
        phase('infuse = "0.35 mg/kg/h"', 'for = "4 h"', 'dose = "1.5 mg/kg"'),
        "phase[0].dose",
        "1.4 mg/kg, because",
    ),
    "dose and volume disagree": (
        phase('infuse = "10 mg/h"', 'dose = "20 mg"', 'volume = "30 mL"'),
        "phase[0].volume",
        "20 mL, because 10 mg/h",
    ),
    "dose of a ramp disagrees": (
        phase('ramp = { from = "0 mg/h", to = "20 mg/h" }', 'for = "1 h"', 'dose = "20 mg"'),
        "phase[0].dose",
        "10 mg, because the rates for 70 kg, in 1 h 10 mg",
    ),
    "flow of a bolus disagrees": (
        phase('bolus = "1 mg/kg"', 'over = "1 h"', 'rate = "60 mL/h"'),
        "phase[0].rate",
        "70 mL/h, because 1 mg/kg is 70 mg for 70 kg, over 3600 s, and the drug has 1 mg/mL",
    ),
    "volume of a bolus disagrees": (
        phase('bolus = "1 mg/kg"', 'over = "1 h"', 'volume = "60 mL"'),
        "phase[0].volume",
        "70 mL, because 1 mg/kg",
    ),
    "no end of an infusion": (phase('infuse = "1 mg/h"', 'cap = "2 mg/h"'), "phase[0].for", "or `dose` or `volume`"),
    "no end of a bolus": (phase('bolus = "1 mg"'), "phase[0].over", "or `rate`"),
    "a dose that takes too long": (
        phase('infuse = "0.001 mg/h"', 'dose = "1 mg"'),
        "phase[0].dose",
        "1 s to 240 h, but this takes 3600000 s",
    ),
    "a bolus that is over at once": (
        phase('bolus = "0.001 mL"', 'rate = "10000 mL/h"'),
        "phase[0].rate",
        "but this takes 0.00036 s",
    ),
    # --- staircases
    "a step that does not fit": (
        phase('staircase = { from = "10 mg/h", to = "20 mg/h", step = "3 mg/h" }', 'each = "1 h"'),
        "line 10, phase[0].staircase.step",
        "what leads from 10 mg/h to 20 mg/h in 1 to 99 equal steps for 70 kg, such as 3.333333 mg/h in 3",
    ),
    "a step that disagrees with the steps": (
        phase('staircase = { from = "10 mg/h", to = "20 mg/h", step = "5 mg/h", steps = 5 }', 'each = "1 h"'),
        "phase[0].staircase.steps",
        "3 levels, because it goes from 10 mg/h to 20 mg/h by 5 mg/h",
    ),
    "neither step nor steps": (
        phase('staircase = { from = "10 mg/h", to = "20 mg/h" }', 'each = "1 h"'),
        "phase[0].staircase",
        "`steps`",
    ),
    "a step to nowhere": (
        phase('staircase = { from = "10 mg/h", to = "10 mg/h", step = "1 mg/h" }', 'each = "1 h"'),
        "phase[0].staircase.step",
        "equal steps",
    ),
    # --- caps and bounds
    "a cap below the floor": (
        phase('infuse = "1 mg/kg/h"', 'for = "1 h"', 'cap = "50 mg/h"', BOUNDS),
        "line 12, phase[0].cap",
        "at least 1 mg/kg/h, the floor of the bounds, for 70 kg",
    ),
    "a rate below the floor": (
        phase('infuse = "0.5 mg/kg/h"', 'for = "1 h"', BOUNDS),
        "line 10, phase[0].infuse",
        "1 mg/kg/h to 2 mg/kg/h, the bounds of this phase; it comes to 35 mg/h for 70 kg",
    ),
    "a level above the ceiling": (
        phase('staircase = { from = "1 mg/kg/h", to = "3 mg/kg/h", steps = 3 }', 'each = "1 h"', BOUNDS),
        "phase[0].staircase",
        "it comes to 210 mg/h",
    ),
    "a floor above the ceiling": (
        phase('infuse = "1 mg/h"', 'for = "1 h"', 'bounds = { floor = "1 mg/kg/h", ceiling = "2 mg/h" }'),
        "phase[0].bounds",
        "a floor below the ceiling for 70 kg",
    ),
    "bounds without a ceiling": (
        phase('infuse = "1 mg/h"', 'for = "1 h"', 'bounds = { floor = "1 mg/h" }'),
        "phase[0].bounds.ceiling",
        "is needed",
    ),
    "bounds of a bolus": (phase('bolus = "1 mg"', 'over = "1 h"', BOUNDS), "phase[0].bounds", "bolus, over, cap"),
    "a cap that is a dose": (phase('infuse = "1 mg/h"', 'for = "1 h"', 'cap = "1 mg"'), "phase[0].cap", "a rate"),
    # --- limits and the bolus on request
    "beyond the limit of the rate": (
        TOP + '[limits]\nrate = "0.01 mg/kg/h"\n' + INFUSE,
        "line 11, phase[0]",
        "at most 0.01 mg/kg/h, by limits.rate on line 10",
    ),
    "beyond the limit of a bolus": (
        TOP + '[limits]\nbolus = "1 mg"\n[[phase]]\nbolus = "1 mg/kg"\nover = "1 h"\n',
        "phase[0]",
        "limits.bolus on line 10",
    ),
    "beyond the limit of a bolus's rate": (
        TOP + '[limits]\nbolus_rate = "60 mg/h"\n[[phase]]\nbolus = "1 mg/kg"\nover = "1 h"\n',
        "phase[0]",
        "limits.bolus_rate on line 10",
    ),
    "beyond the limit of an hour": (
        TOP + '[limits]\ndose_1h = "1.5 mg"\n' + INFUSE.replace("1 mg/h", "2 mg/h"),
        "line 10, limits.dose_1h",
        "at least 2 mg, which the 1 h up to 1 h come to for 70 kg",
    ),
    "beyond the limit of a day": (
        TOP + '[limits]\ndose_24h = "7 mg"\n' + REPEAT.replace("repeat = 2", 'repeat = 2\nevery = "20 h"'),
        "limits.dose_24h",
        "at least 8 mg, which the 24 h up to 24 h come to",
    ),
    "beyond the limit of all": (
        TOP + '[limits]\ntotal = "0.5 mg"\n' + INFUSE,
        "limits.total",
        "at least 1 mg, which all phases",
    ),
    "a limit of another kind": (TOP + '[limits]\ntotal = "1 mg/h"\n' + INFUSE, "limits.total", "a dose"),
    "half a bolus on request": (
        TOP + '[demand]\nbolus = "1 mg"\nover = "1 min"\n' + INFUSE,
        "demand.lockout",
        "is needed",
    ),
    "a bolus on request that lasts": (
        TOP + '[demand]\nbolus = "1 mg"\nover = "7 h"\nlockout = "1 h"\n' + INFUSE,
        "line 11, demand.over",
        "at most 6 h",
    ),
    "a bolus on request too large": (
        TOP + '[demand]\nbolus = "200 mg"\nover = "1 h"\nlockout = "1 h"\n' + INFUSE,
        "demand.bolus",
        "0.000001 to 100 mL, but it is 200 mL",
    ),
    # --- files that only look like one
    "quotes forgotten": (
        phase("infuse = 0.35 mg/kg/h", 'for = "1 h"'),
        "line 10, column",
        "every quantity stands in quotes",
    ),
    "an open string": (TOP + '[[phase]]\ninfuse = "1 mg/h\n', "bad.toml line", "TOML"),
    "cut in the middle": (TOP + "[[phase]]\ninfuse =", "bad.toml line", "TOML"),
    "tables too deep": (TOP + INFUSE + "[" + ".".join("a" * 2000) + "]\n", "line 12, a", "protocol, drug, subject"),
    "phases too deep": (
        TOP + "".join(f"[[{'.'.join(['phase'] * depth)}]]\nrepeat = 1\n" for depth in range(1, 60)),
        "phase[0].phase[0].phase[0].phase[0].phase[0]",
        "at most 4 deep",
    ),
    "as fast as no pump": (
        TOP.replace("1 mg/mL", "0.001 mg/mL") + '[[phase]]\ninfuse = "1000 mg/kg/h"\nfor = "1 h"\n',
        "phase[0]",
        "at most 1000000 mL/h",
    ),
}
