"""RP2040 PWM and pins: one buzzer, three lights. Shows what it is told; patterns are core/signals.py's.

The red light may be wired to shine at a low level (low_lights): then it shines by itself from a reset until the
program runs and holds it off, since a reset chip lets go of its pins (SR-DIAG-12). Its own pull-down of 50 to 80 kOhm
is too weak for a lamp: a resistor of 1 kOhm from the pin to ground carries its current then.
"""

from time import sleep_us

from machine import PWM, Pin

DUTY = 32768  # half: the loudest that a buzzer gets, and the only volume there is
SAMPLES = 24  # of the buzzer's pad, 100 us apart: more than two periods at 1 kHz


class Annunciator:
    """show(tone_hz, lights): the buzzer's pitch, 0 for silence, and the lights that shine, as bits: 1 red, 2 yellow,
    4 cyan. lit(): the lights that shine by their pads. sounding(): whether the buzzer's pad swings."""

    def __init__(self, buzzer_pin, light_pins, low_lights=0):
        self._buzzer = Pin(buzzer_pin, Pin.OUT, value=0)
        self._low = low_lights
        self._lights = [Pin(light_pins[i], Pin.OUT, value=low_lights >> i & 1) for i in range(3)]
        self._tone_hz = 0

    def show(self, tone_hz, lights):
        if tone_hz != self._tone_hz:
            self._tone_hz = tone_hz
            if tone_hz:
                self._pwm = PWM(self._buzzer, freq=tone_hz, duty_u16=DUTY)
            else:  # at once, and at rest: a slice that is left running ends its period first
                self._pwm.deinit()
                self._buzzer.init(Pin.OUT, value=0)
        levels = lights ^ self._low
        self._lights[0].value(levels & 1)
        self._lights[1].value(levels & 2)
        self._lights[2].value(levels & 4)

    def lit(self):
        lights = self._lights
        return (lights[0].value() | lights[1].value() << 1 | lights[2].value() << 2) ^ self._low

    def sounding(self):
        high = 0
        for _ in range(SAMPLES):
            high += self._buzzer.value()
            sleep_us(100)
        return 0 < high < SAMPLES
