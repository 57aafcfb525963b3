"""The syringes that the pump knows (SR-MECH-03): the only source of bore, stroke and nominal volume.

Source of the bores: the B-D (plastic) rows of the syringe diameter tables that New Era prints in its pump manuals,
quoted from memory. Makers' tables differ by up to 0.6 % of bore between each other, which is 1.2 % of volume: a real
syringe is calibrated (calibration.py) before its figures are trusted.
The stroke is nominal volume / bore area, rounded up to 0.1 mm.
"""

TYPE_CHECKING = False  # MicroPython has no typing
if TYPE_CHECKING:
    from typing import Final

# id: (name, bore_um, stroke_um, nominal_nl)
SYRINGES: dict[str, tuple[str, int, int, int]] = {
    "bd-plastipak-5": ("BD Plastipak 5 mL", 11990, 44300, 5000000),
    "bd-plastipak-10": ("BD Plastipak 10 mL", 14430, 61200, 10000000),
    "bd-plastipak-20": ("BD Plastipak 20 mL", 19050, 70200, 20000000),
    "bd-plastipak-50": ("BD Plastipak 50 mL", 26590, 90100, 50000000),
}

# What a fill does not count and the pump never delivers: a syringe holds this much more than its declared fill, so that
# "empty" comes with it still there (SR-RES-06). The barrels hold a fifth more than their nominal volume.
RESERVE_NL: "Final" = 500000

PPM: "Final" = 1000000

NAME: "Final" = 0
BORE_UM: "Final" = 1
STROKE_UM: "Final" = 2
NOMINAL_NL: "Final" = 3


def step_volume_pl(syringe_id: str, lead_um: int, steps_per_turn: int, slope_ppm: int = 0) -> tuple[int, int]:
    """Volume of one microstep as a ratio of integers: (picolitres, divisor).

    bore area x lead / steps per turn; pi is 355/113, which is 0.085 ppm too large.
    1 um^3 is 1 fL, hence the factor 1000. slope_ppm: how much more a step delivers by its calibration; that is exact,
    too. Raises KeyError for a syringe that is not in the table.
    """
    bore_um = SYRINGES[syringe_id][BORE_UM]
    pl, divisor = 355 * bore_um * bore_um * lead_um, 4 * 113 * steps_per_turn * 1000
    return (pl * (PPM + slope_ppm), divisor * PPM) if slope_ppm else (pl, divisor)


def fill_steps(fill_nl: int, step_volume: tuple[int, int]) -> int:
    """Steps that empty a syringe filled with fill_nl, rounded up.

    The last microstep may reach past the declared fill by less than itself, so that a program of exactly
    k fills needs exactly k syringes.
    """
    pl, divisor = step_volume
    return -(-fill_nl * 1000 * divisor // pl)
