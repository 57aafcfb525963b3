"""A board that exists in the tests only: a Pico with other parts, on other pins."""

from pump.standard import *

NAME = "breadboard"
FITTED = {"driver": "drv8825", "pressure": "hx711", "flow": "slf3s", "display": "ssd1306"}
PINS = {"step": 5, "direction": 6, "enable": 7, "driver_fault": 8, "load_data": 2, "load_clock": 3}
PINS.update({"stop": 10, "start": 11, "bolus": 12, "mute": 13, "syringe": 14, "guard": 19, "air": 22, "battery": 27})
PINS.update({"buzzer": 15, "red": 16, "yellow": 17, "cyan": 18, "sda": 20, "scl": 21})
