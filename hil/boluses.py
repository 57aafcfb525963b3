"""How exact successive boluses are: mean, largest and smallest error over 25. After IEC 60601-2-24."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from hil.flow import DENSITY_G_ML, Array

BOLUSES = 25


@dataclass(frozen=True)
class BolusErrors:
    """Percent of the set volume: mean, largest positive and largest negative error. cv_percent: sd / mean."""

    count: int
    mean_percent: float
    most_percent: float
    least_percent: float
    cv_percent: float


def volumes_ml(
    weights_g: ArrayLike,
    interval_s: float = 0.0,
    density_g_ml: float = DENSITY_G_ML,
    evaporation_g_h: float = 0.0,
    basal_ml_h: float = 0.0,
) -> Array:
    """n + 1 weights between n boluses, interval_s apart, give n volumes; basal flow between them is taken off."""
    grams = np.diff(np.asarray(weights_g, dtype=np.float64))
    hours = interval_s / 3600
    volumes: Array = (grams + evaporation_g_h * hours) / density_g_ml - basal_ml_h * hours
    return volumes


def bolus_errors(volumes_ml: ArrayLike, set_ml: float, at_least: int = BOLUSES) -> BolusErrors:
    """ValueError for fewer boluses than the method asks for."""
    volumes = np.asarray(volumes_ml, dtype=np.float64)
    if volumes.ndim != 1 or len(volumes) < at_least:
        raise ValueError(f"{volumes.size} boluses; the method asks for {at_least}")
    errors = 100 * (volumes - set_ml) / set_ml
    scatter = 100 * float(np.std(volumes, ddof=1) / np.mean(volumes)) if len(volumes) > 1 else 0.0
    return BolusErrors(len(volumes), float(errors.mean()), float(errors.max()), float(errors.min()), scatter)
