"""Pressure from the force on the plunger: a load cell under the drive's nut, through a 24-bit converter.

The stopper's friction is part of that force, and so of what is called pressure here: some kPa with a large syringe, and
several times as much with a small one. `pascal` is for the control tick: small integers, no allocation.
"""

TYPE_CHECKING = False  # MicroPython has no typing
if TYPE_CHECKING:
    from typing import Final

    from pump.core.hardware import Converter

HIGHEST: "Final" = 0x7FFFFF  # where the converter is at its stop; HX711 datasheet, Serial Interface
LOWEST: "Final" = -0x800000
SCALE: "Final" = 64  # counts to one unit of calculation, about the converter's noise
MOST_UNITS: "Final" = 32767  # more is no force that the cell bears
SILENT_TICKS: "Final" = 5  # without a conversion, of which ten come in a second
OVERLOADED_PA: "Final" = 1 << 28  # no pressure: outside every sensor's band (SR-DIAG-13)
BROKEN_PA: "Final" = -(1 << 28)


def _mpa(un: int, bore_um: int) -> int:
    """mPa to a unit of so many micronewtons: 1 uN on 1 um2 is 1 MPa. pi is as in core/syringes.py."""
    return un * 1000000000 // (355 * bore_um * bore_um // (4 * 113)) or 1


class LoadCell:
    """pascal(): gauge pressure by the newest conversion. converter: gives it. zero_count: without force.
    un_per_count: micronewtons, for 64 counts. bore_um: of the syringe until another is declared.
    correct(zero_pa, span_ppm): its calibration, with the zero in pascal of that first bore."""

    def __init__(self, converter: "Converter", zero_count: int, un_per_64_counts: int, bore_um: int) -> None:
        self._converter = converter
        self._nominal = zero_count, un_per_64_counts
        self._pa = 0
        self._silent = 0
        self.bore_um = self._fitted_um = bore_um
        self.correct(0, 0)

    def correct(self, zero_pa: int, span_ppm: int) -> None:
        """What the cell reads without force, to 64 counts, and its span, to a micronewton for them."""
        zero, un = self._nominal
        self._zero = zero + zero_pa * 1000 // _mpa(un, self.bore_um) * SCALE
        self._un = un * (1000000 + span_ppm) // 1000000
        self.fitted(self._fitted_um)

    def fitted(self, bore_um: int) -> None:
        """A syringe of this bore is in the holder."""
        self._fitted_um = bore_um
        self._mpa = _mpa(self._un, bore_um)
        self._most = min(MOST_UNITS, (1 << 29) // self._mpa)  # the product stays a small integer

    def pascal(self) -> int:
        count = self._converter.count()
        if count is None:
            if self._silent < SILENT_TICKS:
                self._silent += 1
            else:
                self._pa = BROKEN_PA
            return self._pa
        self._silent = 0
        units = (count - self._zero) // SCALE
        if count >= HIGHEST or units > self._most:
            self._pa = OVERLOADED_PA
        elif count <= LOWEST or units < -self._most:
            self._pa = BROKEN_PA
        else:
            self._pa = units * self._mpa // 1000
        return self._pa
