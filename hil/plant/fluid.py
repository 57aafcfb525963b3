"""Water by temperature: how thick, how heavy. Good to 0.1 % for density and 2.5 % for viscosity from 0 to 60 Celsius.

Drug solutions of 1 mg/mL in saline differ from water by 0.5 % in density and 2 % in viscosity; that is not modelled.
"""

ZERO_CELSIUS_K = 273.15
REFERENCE_CELSIUS = 20.0


def viscosity_mpa_s(celsius: float) -> float:
    """Vogel's equation with the constants usual for water, 2.414e-5 Pa s and 247.8 K over T - 140 K."""
    kelvin = celsius + ZERO_CELSIUS_K
    ratio: float = 10 ** (247.8 / (kelvin - 140))
    return 2.414e-2 * ratio


def density_g_ml(celsius: float) -> float:
    """Kell's fit of 1975 for water free of air at 1 atm: a quotient of two polynomials."""
    t = celsius
    above = 999.83952 + 16.945176 * t - 7.9870401e-3 * t**2 - 46.170461e-6 * t**3 + 105.56302e-9 * t**4
    return (above - 280.54253e-12 * t**5) / (1 + 16.879850e-3 * t) / 1000


def expansion_ul(volume_ul: float, from_celsius: float, to_celsius: float) -> float:
    """By how much a volume grows."""
    return volume_ul * (density_g_ml(from_celsius) / density_g_ml(to_celsius) - 1)
