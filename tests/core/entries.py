"""A drug library entry for tests: good, and so wide that nothing but what a test narrows can be found."""

from typing import Any

from pump.core.library import CHOICES, ENTRY

WEIGHT_G = 70_000
CONCENTRATION_NG_ML = 1_000_000


def entry(**changed: Any) -> dict[str, Any]:
    """Every lower limit at its least, every upper one at its most; `changed` as given."""
    found: dict[str, Any] = {"drug": "ketamine", "code": "test", "date": "2026-11-24", "author": "A. Tester"}
    for name, (kind, least, most) in ENTRY.items():
        if kind is int:
            found[name] = least if "low" in name or "typical" in name else most
        elif name in CHOICES:
            found[name] = CHOICES[name][0]
    found |= {"concentration_ng_ml": CONCENTRATION_NG_ML, "version": 1, "near_empty_nl": 1_000_000}
    found |= {"rate_hard_low_nl_h": 100_000, "rate_soft_low_nl_h": 100_000, "rate_typical_nl_h": 1_000_000}
    found |= {"rate_soft_high_nl_h": 99_900_000, "rate_hard_high_nl_h": 99_900_000, "bolus_lockout_ms": 360_000}
    return found | changed


def header(**changed: Any) -> dict[str, Any]:
    """What limits look at in a program's header."""
    return {"weight_g": WEIGHT_G, "concentration_ng_ml": CONCENTRATION_NG_ML} | changed
