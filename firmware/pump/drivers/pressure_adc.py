"""RP2040 ADC: a pressure sensor with a linear voltage output."""

from machine import ADC, Pin


class Pressure:
    """pascal(): gauge pressure; below zero when the reading is below the sensor's zero. fitted(bore_um): a syringe was
    declared, which makes no difference here."""

    def __init__(self, pin, zero_count, mpa_per_count):
        self._adc = ADC(Pin(pin))
        self._zero = zero_count
        self._slope = mpa_per_count

    def fitted(self, bore_um):
        pass

    def pascal(self):
        return (self._adc.read_u16() - self._zero) * self._slope // 1000
