"""RP2040 ADC and pins: the slow inputs as integers. What they mean, core/sensors.py and the monitors say.

Readings are twelve bits wide; the products below stay small integers.
"""

from machine import ADC, Pin

_TEMPERATURE_CHANNEL = 4


class Inputs:
    """battery_mv(): supply at the divider's far end. temperature_dc(): the chip's, in tenths of a degree.
    syringe_present(): its switch is closed to ground. air(): the detector pulls its line low, or is unplugged when
    air_level is 1. guard_closed(): its switch is closed to ground. keys(): the pressed keys as bits.

    battery_uv_per_count: microvolts of supply to one of 4096 counts. keys: a keys_gpio.Keys.
    """

    def __init__(self, battery_pin, battery_uv_per_count, syringe_pin, air_pin, guard_pin, keys, air_level=1):
        self._battery = ADC(Pin(battery_pin))
        self._slope = battery_uv_per_count
        self._temperature = ADC(_TEMPERATURE_CHANNEL)
        self._syringe = Pin(syringe_pin, Pin.IN, Pin.PULL_UP)
        self._air = Pin(air_pin, Pin.IN, Pin.PULL_UP)
        self._air_level = air_level
        self._guard = Pin(guard_pin, Pin.IN, Pin.PULL_UP)
        self.keys = keys.levels

    def battery_mv(self):
        return (self._battery.read_u16() >> 4) * self._slope // 1000

    def temperature_dc(self):
        uv = (self._temperature.read_u16() >> 4) * 80586 // 100  # 3.3 V to 4095
        return 270 - ((uv - 706000) * 10 + 860) // 1721  # 0.706 V at 27 degrees, falling by 1.721 mV a degree

    def syringe_present(self):
        return not self._syringe.value()

    def guard_closed(self):
        return not self._guard.value()

    def air(self):
        return self._air.value() == self._air_level
