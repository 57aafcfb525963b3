"""RP2040 ADC: a pressure sensor with a linear voltage output."""

from machine import ADC, Pin


class Pressure:
    """pascal(): gauge pressure; below zero when the reading is below the sensor's zero. fitted(bore_um): a syringe was
    declared, which makes no difference here. correct(zero_pa, span_ppm): its calibration, to whole counts (6 Pa on the
    pico) and whole mPa a count (160 ppm)."""

    bore_um = 0

    def __init__(self, pin, zero_count, mpa_per_count):
        self._adc = ADC(Pin(pin))
        self._nominal = zero_count, mpa_per_count
        self.correct(0, 0)

    def fitted(self, bore_um):
        pass

    def correct(self, zero_pa, span_ppm):
        zero, slope = self._nominal
        self._zero = zero + zero_pa * 1000 // slope
        self._slope = slope * (1000000 + span_ppm) // 1000000

    def pascal(self):
        return (self._adc.read_u16() - self._zero) * self._slope // 1000
