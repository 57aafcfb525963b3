"""The Raspberry Pi Pico as a pump: its pins, as data. Frozen into the image as `board`.

What is not said here is as in pump/standard.py.
"""

from pump.standard import *

NAME = "pico"

# function: GPIO
PINS = {
    "step": 2,
    "direction": 3,
    "enable": 4,  # low turns the motor driver on
    "driver_tx": 8,  # UART1, by 1 kOhm to the driver's one wire
    "driver_rx": 9,
    "stop": 10,
    "start": 11,
    "bolus": 12,
    "mute": 13,
    "syringe": 14,
    "buzzer": 15,
    "red": 16,
    "yellow": 17,
    "cyan": 18,
    "guard": 19,
    "air": 22,
    "pressure": 26,  # ADC0
    "battery": 27,  # ADC1
}
