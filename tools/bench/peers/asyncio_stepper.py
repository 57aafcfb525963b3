# A stepper as an asyncio task that sleeps until its next step is due, beside one that listens and one that tells.
import asyncio
import time

import load
from machine import Pin
from settings import ENABLE, PERIOD_US, STEP

step, enable = Pin(STEP, Pin.OUT, value=0), Pin(ENABLE, Pin.OUT, value=0)


async def make_steps():
    due_us = time.ticks_us()
    while True:
        due_us = time.ticks_add(due_us, PERIOD_US)
        await asyncio.sleep_ms(max(time.ticks_diff(due_us, time.ticks_us()) // 1000, 0))
        step.value(1)
        step.value(0)


async def listen():
    while True:
        load.listen()
        await asyncio.sleep_ms(1)


async def tell():
    while True:
        load.tell()
        await asyncio.sleep_ms(50)


async def main():
    await asyncio.gather(make_steps(), listen(), tell())


asyncio.run(main())
