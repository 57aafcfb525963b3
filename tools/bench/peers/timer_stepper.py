# A plain stepper: a periodic machine.Timer whose callback makes a step, and the load in the main loop.
import time

import load
from machine import Pin, Timer
from settings import ENABLE, PERIOD_US, STEP

step, enable = Pin(STEP, Pin.OUT, value=0), Pin(ENABLE, Pin.OUT, value=0)


def make_step(_timer):
    step.value(1)
    step.value(0)


timer = Timer(period=PERIOD_US // 1000, mode=Timer.PERIODIC, callback=make_step)
while True:
    load.listen()
    load.tell()
    time.sleep_ms(1)
