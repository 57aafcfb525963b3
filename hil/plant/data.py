"""Every parameter of the plant with its unit and its source, and the plant that is built from them.

(m): from memory of data sheets or papers; (a): assumed, with the reason. A real bench is measured before its
figures are trusted.
"""

import math
import random
from dataclasses import dataclass, replace

from hil.plant.drive import Drive
from hil.plant.line import Line, LineData
from hil.plant.plunger import Plunger, PlungerData

BORE_50_ML_MM = 26.59  # of the syringe that compliance_ul_kpa is of


@dataclass(frozen=True)
class PlantData:
    """The defaults are ideal but for the elastic line, as the tests of the firmware need it.

    bore_error_percent: how much wider the true barrel is. Makers' tables differ by 0.6 % between each other.
    lead_error_ppm: 333 is 0.1 mm in 300 mm, usual for rolled T8 screws (m).
    pitch_error_um: over a turn; 5 um and more for rolled or cut T8 screws (m).
    microstep_error_um: 5 % of a full step is what makers of 1.8 degree motors state (m); a full step of the pico's gear
    is 10 um, so 0.5 um.
    pitch_phase_turn, microstep_phase: where in turn and full step the run begins; `drawn` draws them.
    backlash_um: 50 to 100 um for a plain brass nut on a T8 screw (m), little with a spring-loaded one.
    stiffness_n_mm: 60 gives 5 uL/kPa on a 50 mL syringe, half of the 10 that are published for syringe and drive
    together (a): the drive adds area^2 / stiffness.
    breakaway_n, sliding_n: some newtons for a siliconised stopper of 50 mL (m); their difference decides how far it
    leaps, and 0.15 N makes leaps of 0.7 uL, with which trumpet curves look as published ones do (a).
    breakaway_spread: 0.2 (a).
    compliance_ul_kpa: of the walls with a 50 mL syringe. A smaller one's goes with its bore's area: what is measured
    follows the area of the plunger, R2 = 0.93 over 10 to 50 mL ("Syringe size and flow rate affect drug delivery from
    syringe pumps", abstract). Friction and stiffness are the 50 mL one's in all of them (a): more hysteresis, not less.
    resistance_kpa_s_ul, back_pressure_kpa, leak_kpa_s_ul: see LineData.
    """

    bore_error_percent: float = 0.0
    lead_error_ppm: float = 0.0
    pitch_error_um: float = 0.0
    pitch_phase_turn: float = 0.0
    microstep_error_um: float = 0.0
    microstep_phase: float = 0.0
    backlash_um: float = 0.0
    stiffness_n_mm: float = math.inf
    breakaway_n: float = 0.0
    sliding_n: float = 0.0
    breakaway_spread: float = 0.0
    compliance_ul_kpa: float = 10.0
    resistance_kpa_s_ul: float = 0.2
    back_pressure_kpa: float = 0.0
    leak_kpa_s_ul: float = math.inf

    def drawn(self, seed: int) -> "PlantData":
        """One specimen: phases anywhere, bore and lead within plus or minus what is given here; the same for a seed."""
        draw = random.Random(seed).uniform
        return replace(
            self,
            bore_error_percent=draw(-1, 1) * self.bore_error_percent,
            lead_error_ppm=draw(-1, 1) * self.lead_error_ppm,
            pitch_phase_turn=draw(0, 1),
            microstep_phase=draw(0, 1),
        )

    def drive(self, bore_mm: float, lead_mm: float, steps_per_turn: int, full_steps_per_turn: int = 200) -> Drive:
        """The metal, from the nominal bore and lead."""
        return Drive(
            bore_mm * (1 + self.bore_error_percent / 100),
            lead_mm,
            steps_per_turn,
            full_steps_per_turn,
            self.lead_error_ppm,
            self.pitch_error_um,
            self.pitch_phase_turn,
            self.microstep_error_um,
            self.microstep_phase,
        )

    def line(self, bore_mm: float = BORE_50_ML_MM) -> LineData:
        """Walls and line with a syringe of this nominal bore."""
        walls_ul_kpa = self.compliance_ul_kpa * (bore_mm / BORE_50_ML_MM) ** 2
        return LineData(walls_ul_kpa, self.resistance_kpa_s_ul, self.back_pressure_kpa, self.leak_kpa_s_ul)

    def plunger(self, drive: Drive, line: Line, seed: int = 0) -> Plunger:
        """The plunger on its drive, in front of the line; seed: of the friction."""
        data = PlungerData(
            self.stiffness_n_mm, self.backlash_um, self.breakaway_n, self.sliding_n, self.breakaway_spread
        )
        return Plunger(drive, line, data, seed)


IDEAL = PlantData()

# A rolled screw and a plastic 50 mL syringe as they come; `drawn` makes a specimen of it.
IMPERFECT = PlantData(
    bore_error_percent=0.2,
    lead_error_ppm=333,
    pitch_error_um=5.0,
    microstep_error_um=0.5,
    backlash_um=50.0,
    stiffness_n_mm=60.0,
    breakaway_n=5.15,
    sliding_n=5.0,
    breakaway_spread=0.2,
    compliance_ul_kpa=5.0,
)

# The same with the softest syringe that is published: 9 to 21 uL/kPa (Snijder et al., Flow variability and its physical
# causes in infusion technology, Biomed Tech 2015, abstract), all of it in the walls, and the drive's 5 beside it.
SOFT = replace(IMPERFECT, compliance_ul_kpa=21.0)


def plant_of(name: str | int) -> PlantData:
    """ "ideal", "imperfect", "soft", or the specimen that a whole number draws of the imperfect one; ValueError for
    anything else."""
    known = {"ideal": IDEAL, "imperfect": IMPERFECT, "soft": SOFT}
    if str(name) in known:
        return known[str(name)]
    try:
        return IMPERFECT.drawn(int(name))
    except ValueError:
        raise ValueError(f"plant {name} is not known; allowed are ideal, imperfect, soft or a whole number") from None
